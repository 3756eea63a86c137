import CShim
import EventLoop
import Glibc

/// A nameserver in this process, over UDP on a port of loopback's choosing: what it is asked is there at once, and it waits for nothing.
public final class Nameserver {
    /// A question as it came: twelve bytes of header, the name, its type and class.
    public struct Question {
        public let bytes: [UInt8]
        fileprivate var asker: sockaddr_in

        /// Where the name's type and class end, and what is said beside the question begins.
        public var end: Int {
            var at = 12
            while at < bytes.count, bytes[at] != 0 { at += Int(bytes[at]) + 1 }
            return min(at + 5, bytes.count)
        }
    }

    /// As a resolver takes it.
    public let name: String
    private let socket: Int32

    /// Nil when there is no socket to be had.
    public init?() {
        socket = Glibc.socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var storage = sockaddr_storage()
        storage.ss_family = sa_family_t(AF_INET)
        withUnsafeMutableBytes(of: &storage) {
            $0.storeBytes(of: UInt32(0x7f00_0001).bigEndian, toByteOffset: 4, as: UInt32.self)
        }
        let isBound = so_bind(socket, &storage, socklen_t(MemoryLayout<sockaddr_in>.size)) >= 0
        guard isBound, so_local_address(socket, &storage) >= 0 else {
            name = ""
            return nil
        }
        name = SocketAddress(storage).description
    }

    deinit { close(socket) }

    /// The next question, nil when there is none.
    public func take() -> Question? {
        var bytes = [UInt8](repeating: 0, count: 1024)
        var asker = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let count = withUnsafeMutablePointer(to: &asker) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                recvfrom(socket, &bytes, bytes.count, Int32(MSG_DONTWAIT), $0, &length)
            }
        }
        return count < 12 ? nil : Question(bytes: Array(bytes[..<count]), asker: asker)
    }

    public func answer(_ question: Question, _ bytes: [UInt8]) {
        var asker = question.asker
        withUnsafePointer(to: &asker) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = sendto(socket, bytes, bytes.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}
