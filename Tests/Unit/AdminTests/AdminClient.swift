import CShim
import Glibc

/// A blocking client of one connection, for tests.
final class AdminClient {
    private let descriptor: Int32
    private var buffered: [UInt8] = []

    init(_ address: String) {
        var storage = sockaddr_storage()
        if address.hasPrefix("unix:") {
            _ = so_unix_address(String(address.dropFirst(5)), &storage)
        } else {
            var v4 = sockaddr_in()
            v4.sin_family = sa_family_t(AF_INET)
            v4.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            v4.sin_port = UInt16(address.split(separator: ":")[1])!.bigEndian
            withUnsafeMutableBytes(of: &storage) { target in withUnsafeBytes(of: &v4) { target.copyMemory(from: $0) } }
        }
        descriptor = socket(Int32(storage.ss_family), Int32(SOCK_STREAM.rawValue), 0)
        let status = so_connect(descriptor, &storage, so_address_length(&storage))
        precondition(status == 0, "connect: \(status)")
        var limit = timeval(tv_sec: 20, tv_usec: 0)  // a hung test fails instead
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    func send(_ text: String) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { so_send(descriptor, $0.baseAddress!, $0.count) }
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }

    func get(_ target: String, _ fields: String = "") -> (head: String, body: String) {
        send("GET \(target) HTTP/1.1\r\nHost: a\r\n\(fields)\r\n")
        return response()
    }

    /// The next response with a Content-Length; `isHead` when it has no body all the same.
    func response(isHead: Bool = false) -> (head: String, body: String) {
        let head = until("\r\n\r\n")
        let field = head.split(separator: "\r\n").first { $0.hasPrefix("Content-Length: ") }
        let length = field.flatMap { Int($0.dropFirst(16)) } ?? 0
        guard !isHead else { return (head, "") }
        while buffered.count < length, receive() {}
        defer { buffered.removeFirst(min(length, buffered.count)) }
        return (head, String(decoding: buffered.prefix(length), as: UTF8.self))
    }

    /// Everything up to and with `mark`, or up to the end of the connection.
    func until(_ mark: String) -> String {
        let mark = Array(mark.utf8)
        while true {
            if buffered.count >= mark.count {
                for start in 0...(buffered.count - mark.count) where buffered[start...].starts(with: mark) {
                    defer { buffered.removeFirst(start + mark.count) }
                    return String(decoding: buffered.prefix(start + mark.count), as: UTF8.self)
                }
            }
            guard receive() else { return String(decoding: buffered, as: UTF8.self) }
        }
    }

    /// Whether the server closes now.
    func isAtEnd() -> Bool { buffered.isEmpty && !receive() }

    private func receive() -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65536)
        let count = so_recv(descriptor, &buffer, buffer.count, 0)
        guard count > 0 else { return false }
        buffered.append(contentsOf: buffer[..<count])
        return true
    }
}
