import CShim
import Configuration
import EventLoop
import Glibc
import Proxy

/// What `/readyz` of an admin endpoint says.
struct ReadinessAnswer {
    static let milliseconds = 5_000
    static let bytesMax = 64 << 10

    var isReady: Bool
    /// The body, or the status line when there is none.
    var text: String

    init(from address: Address) throws(SystemError) {
        guard let target = try? Plan.resolve(address) else { throw SystemError(result: -EADDRNOTAVAIL) }
        let descriptor = so_socket(Int32(target.storage.ss_family))
        guard descriptor >= 0 else { throw SystemError(result: descriptor) }
        defer { _ = so_close(descriptor) }
        let deadline = so_monotonic_ns() + UInt64(Self.milliseconds) * 1_000_000
        var storage = target.storage
        var result = so_connect(descriptor, &storage, target.length)
        if result == -EINPROGRESS {
            try Self.wait(descriptor, POLLOUT, deadline)
            result = -so_take_error(descriptor)
        }
        guard result >= 0 else { throw SystemError(result: result) }
        let request = Array("GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".utf8)
        let sent = so_send(descriptor, request, request.count)
        guard sent == request.count else { throw SystemError(result: sent < 0 ? Int32(sent) : -EPIPE) }
        try self.init(Self.read(descriptor, deadline))
    }

    private init(_ bytes: [UInt8]) throws(SystemError) {
        let text = String(decoding: bytes, as: UTF8.self)
        // Swift counts CR LF as one character.
        let lines = text.split(separator: "\r\n", omittingEmptySubsequences: false)
        guard let status = lines.first, status.hasPrefix("HTTP/1.") else { throw SystemError(result: -EPROTO) }
        isReady = status.split(separator: " ").dropFirst().first == "200"
        let body = lines.drop { !$0.isEmpty }.dropFirst().joined(separator: "\n").filter { $0 != "\n" }
        self.text = body.isEmpty ? String(status) : body
    }

    private static func read(_ descriptor: Int32, _ deadline: UInt64) throws(SystemError) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while bytes.count < bytesMax {
            let count = so_recv(descriptor, &buffer, buffer.count, 0)
            if count == -Int(EINTR) { continue }
            if count == -Int(EAGAIN) {
                try wait(descriptor, POLLIN, deadline)
                continue
            }
            guard count >= 0 else { throw SystemError(result: Int32(count)) }
            guard count > 0 else { break }
            bytes += buffer[..<count]
        }
        return bytes
    }

    private static func wait(_ descriptor: Int32, _ events: Int32, _ deadline: UInt64) throws(SystemError) {
        let now = so_monotonic_ns()
        var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        guard now < deadline, poll(&entry, 1, Int32((deadline - now) / 1_000_000) + 1) != 0 else {
            throw SystemError(result: -ETIMEDOUT)
        }
    }
}
