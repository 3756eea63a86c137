/// One thread's descriptor of a listening socket.
final class SimulatedListener {
    let descriptor: Int32
    let backlog: SimulatedBacklog
    var tag: UInt64 = 0
    var poll = 0
    var isRegistered = false
    var isInReadyList = false

    init(descriptor: Int32, _ backlog: SimulatedBacklog) {
        self.descriptor = descriptor
        self.backlog = backlog
        backlog.listeners.append(self)
    }
}
