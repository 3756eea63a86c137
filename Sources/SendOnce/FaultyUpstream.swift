import CShim
import Glibc
import Report

/// A small server for the demo that answers some paths twice, as handlers with a race do. One thread, blocking calls.
final class FaultyUpstream: Sendable {
    /// What the demo asks for, and what goes wrong there.
    static let stories: [(path: String, title: String)] = [
        ("/", "an innocent answer"),
        ("/orders/7", "the handler answers, and its error handler answers again 20 ms later"),
        ("/invoice", "a body longer than its Content-Length"),
        ("/report", "a second header block between the chunks of a streamed body"),
        ("/search?q=tea", "an interim response in the middle of a chunked body"),
        ("/feed", "the process dies in the middle of its answer"),
        ("/login", "Location stands twice in one header block"),
    ]

    let port: UInt16
    private let listener: Int32
    private let thread: NamedThread

    /// nil when no socket can be had.
    init?() {
        let fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { typed in
            typed.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                bind(fd, raw, length) == 0 && listen(fd, 16) == 0 && getsockname(fd, raw, &length) == 0
            }
        }
        guard fd >= 0, isBound, let thread = NamedThread("faulty-upstream", { Self.serve(fd) }) else { return nil }
        listener = fd
        self.thread = thread
        port = UInt16(bigEndian: address.sin_port)
    }

    private static func serve(_ listener: Int32) {
        while true {
            let fd = accept(listener, nil, nil)
            guard fd >= 0 else { return }
            _ = so_no_delay(fd)
            _ = NamedThread("faulty-answer") { answer(fd) }
        }
    }

    private static func answer(_ fd: Int32) {
        defer { close(fd) }
        var received = ""
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            while !received.contains("\r\n\r\n") {
                let n = read(fd, &buffer, buffer.count)
                guard n > 0 else { return }
                received += String(decoding: buffer[..<n], as: UTF8.self)
            }
            let path = received.split(separator: " ", maxSplits: 2).dropFirst().first.map(String.init) ?? "/"
            received = ""
            guard answer(path, fd) else { return }
        }
    }

    /// Writes the answer to a path. False when the connection ends with it.
    private static func answer(_ path: String, _ fd: Int32) -> Bool {
        func send(_ text: String) {
            var text = text
            text.withUTF8 { _ = write(fd, $0.baseAddress, $0.count) }
        }
        func pause(milliseconds: UInt32) { usleep(milliseconds * 1000) }
        let chunked = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
        switch path {
        case "/orders/7":
            send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{\"order\":7}")
            pause(milliseconds: 20)
            send("HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nfailed")
        case "/invoice": send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 8\r\n\r\n12.50 \u{20AC} total")
        case "/report":
            send(chunked + "6\r\nline 1\r\n")
            pause(milliseconds: 10)
            send("HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/plain\r\n\r\nstream error")
        case "/search?q=tea":
            send(chunked + "5\r\nhits:\r\n")
            pause(milliseconds: 10)
            send("HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n4\r\n tea\r\n0\r\n\r\n")
        case "/feed":
            send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1000\r\n\r\nthe first of many")
            return false
        case "/login": send("HTTP/1.1 302 Found\r\nLocation: /home\r\nLocation: /login?again\r\nContent-Length: 0\r\n\r\n")
        default: send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nhello\n")
        }
        return true
    }
}
