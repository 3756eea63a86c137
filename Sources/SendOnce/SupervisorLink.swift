import CShim
import Glibc
import Proxy

/// A worker process's line to its supervisor: it tells when it is ready, and leaves its listening sockets there.
///
/// One packet a message; a socket travels with a packet of its own.
struct SupervisorLink {
    enum Message: UInt8 {
        /// Serving. The sockets sent before this are all that are to be kept.
        case ready = 1
        /// A reload was refused: nothing has changed.
        case refused = 2
        /// A socket to be kept; its name follows.
        case socket = 3
    }

    static let nameBytesMax = 1024

    /// The supervisor's.
    let process: Int32
    let descriptor: Int32

    func tell(_ message: Message, _ sockets: [NamedDescriptor]) {
        for socket in sockets {
            var packet = [Message.socket.rawValue] + Array(socket.name.utf8.prefix(Self.nameBytesMax))
            _ = so_send_descriptor(descriptor, &packet, packet.count, socket.descriptor)
        }
        var packet = [message.rawValue]
        _ = so_send_descriptor(descriptor, &packet, 1, -1)
    }
}
