/// A listening socket, with the clients that wait to be accepted: descriptors of several threads may stand for it.
final class SimulatedBacklog {
    var waiting: [(socket: SimulatedSocket, port: UInt16)] = []
    /// Its descriptors.
    var listeners: [SimulatedListener] = []
}
