import Glibc

/// A listening socket, with the clients that wait to be accepted: descriptors of several threads may stand for it.
final class SimulatedBacklog {
    var waiting: [(socket: SimulatedSocket, port: UInt16)] = []
    /// Its descriptors.
    var listeners: [SimulatedListener] = []

    /// The one that has waited the longest, and where it comes from.
    func takeFirst(_ address: UnsafeMutablePointer<sockaddr_storage>) -> SimulatedSocket {
        let (socket, port) = waiting.removeFirst()
        guard !socket.link.isUnix else {
            address.pointee.ss_family = sa_family_t(AF_UNIX)
            return socket
        }
        var made = sockaddr_in()
        made.sin_family = sa_family_t(AF_INET)
        made.sin_port = port.bigEndian
        made.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { $0.pointee = made }
        return socket
    }
}
