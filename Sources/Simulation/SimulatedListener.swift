/// A listening socket of the worker, with the clients that wait to be accepted.
final class SimulatedListener {
    let descriptor: Int32
    var tag: UInt64 = 0
    var isRegistered = false
    var isInReadyList = false
    var waiting: [(socket: SimulatedSocket, port: UInt16)] = []

    init(descriptor: Int32) { self.descriptor = descriptor }
}
