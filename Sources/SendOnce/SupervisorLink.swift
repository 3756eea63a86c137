import CShim
import Glibc
import Proxy

/// A worker process's line to its supervisor: it reports when it is ready, leaves its listening sockets there, and takes orders.
///
/// One packet a message; a socket travels with a packet of its own. Orders are the numbers of signals, but no signals: two of
/// these become one when they meet, so that one from somebody else could swallow the supervisor's.
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

    /// Stands for an order when the supervisor has ended.
    static let ended: Int32 = 0

    let descriptor: Int32

    /// The next order; nil when there is none for now.
    func order() -> Int32? {
        var packet: UInt8 = 0
        var none: Int32 = -1
        switch so_receive_descriptor(descriptor, &packet, 1, &none) {
        case -Int(EAGAIN), -Int(EINTR): return nil
        case 1: return Int32(packet)
        default: return Self.ended
        }
    }

    func send(_ message: Message, _ sockets: [NamedDescriptor]) {
        for socket in sockets {
            var packet = [Message.socket.rawValue] + Array(socket.name.utf8.prefix(Self.nameBytesMax))
            _ = so_send_descriptor(descriptor, &packet, packet.count, socket.descriptor)
        }
        var packet = [message.rawValue]
        _ = so_send_descriptor(descriptor, &packet, 1, -1)
    }
}
