import Glibc

/// Standard output, written line by line.
struct Output {
    /// Nobody reads any more.
    struct Gone: Error {}

    let isTerminal = isatty(STDOUT_FILENO) == 1
    private var bytes: [UInt8] = []

    mutating func add(_ line: [UInt8]) {
        bytes += line
        bytes.append(UInt8(ascii: "\n"))
    }

    mutating func add(_ line: String) { add(Array(line.utf8)) }

    mutating func addRaw(_ text: String) { bytes += text.utf8 }

    /// Writes what has been added. Throws when it cannot be.
    mutating func flush() throws(Gone) {
        defer { bytes.removeAll(keepingCapacity: true) }
        var start = 0
        while start < bytes.count {
            let count = bytes.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress! + start, $0.count - start) }
            if count < 0, errno == EINTR { continue }
            if count < 0, errno == EAGAIN {
                var waited = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
                poll(&waited, 1, -1)
                continue
            }
            guard count >= 0 else { throw Gone() }
            start += count
        }
    }
}
