import Glibc

/// The file that records are appended to: one `write` each, rotated by size. Used by one thread only.
struct LogFile {
    /// When to begin a new file (`incidents.rotate`).
    struct Rotation: Sendable {
        var sizeBytes: UInt64
        var keep: Int
    }

    /// What went wrong, in the system's words.
    struct Failure: Error {
        var action: String
        var errno: Int32
        var reason: String { unsafe String(cString: strerror(errno)) }
    }

    let path: String
    let rotation: Rotation?
    private var descriptor: Int32
    private var sizeBytes: UInt64 = 0
    private var isRegular = false
    /// The end of a line that an error has cut off: it is written before anything else.
    private var rest: [UInt8] = []
    /// Lines that will not be in the file whole, and that nobody has counted yet.
    private var lost: UInt64 = 0
    /// The file was moved away, but its successor could not be opened yet.
    private var isMoved = false

    private var isStandardOutput: Bool { path == "-" }

    init(path: String, rotation: Rotation?) throws(Failure) {
        self.path = path
        self.rotation = rotation
        descriptor = path == "-" ? STDOUT_FILENO : try Self.open(path)
        measure()
    }

    /// Opens the path anew, after someone has moved the file. On failure the old file stays in use.
    mutating func reopen() throws(Failure) {
        guard !isStandardOutput else { return }
        let fresh = try Self.open(path)
        leave()
        descriptor = fresh
        isMoved = false
        measure()
    }

    /// How many lines have been lost since this was asked last.
    mutating func takeLost() -> UInt64 {
        defer { lost = 0 }
        return lost
    }

    /// Whole lines, with one `write`. What does not get into the file is lost, but for the end of a line that is there in part.
    mutating func append(_ lines: UnsafeRawBufferPointer) throws(Failure) {
        if let error = finish() {
            lost += unsafe Self.lineCount(lines)
            throw Failure(action: "write", errno: error)
        }
        let (written, error) = unsafe write(lines)
        guard let error else { return }
        var end = written
        if written > 0, unsafe lines[written - 1] != Self.lineEnd {
            end = unsafe lines[written...].firstIndex(of: Self.lineEnd).map { $0 + 1 } ?? lines.count
            rest = unsafe Array(lines[written..<end])
        }
        lost += unsafe Self.lineCount(UnsafeRawBufferPointer(rebasing: lines[end...]))
        throw Failure(action: "write", errno: error)
    }

    /// Writes the end of the line that is there in part; what went wrong, if anything did.
    private mutating func finish() -> Int32? {
        guard !rest.isEmpty else { return nil }
        let (written, error) = unsafe rest.withUnsafeBytes { bytes in unsafe write(bytes) }
        rest.removeFirst(written)
        return error
    }

    private mutating func write(_ bytes: UnsafeRawBufferPointer) -> (written: Int, error: Int32?) {
        var written = 0
        while written < bytes.count {
            let count = unsafe Glibc.write(descriptor, bytes.baseAddress! + written, bytes.count - written)
            if count >= 0 {
                written += count
                sizeBytes += UInt64(count)
                continue
            }
            let error = errno
            if error == EINTR || error == EAGAIN && becomesWritable() { continue }
            return (written, error)
        }
        return (written, nil)
    }

    private static let lineEnd = UInt8(ascii: "\n")

    private static func lineCount(_ bytes: UnsafeRawBufferPointer) -> UInt64 { UInt64(unsafe bytes.count { $0 == lineEnd }) }

    /// Begins a new file when `count` more bytes would exceed the size.
    mutating func rotate(forBytes count: Int) throws(Failure) {
        guard let rotation, isRegular, sizeBytes > 0, sizeBytes + UInt64(count) > rotation.sizeBytes else { return }
        if !isMoved { try moveAway(keep: rotation.keep) }
        isMoved = true
        try reopen()
    }

    mutating func close() {
        leave()
        descriptor = -1
    }

    /// The file is not used any more: a line that is there in part is finished now, or lost.
    private mutating func leave() {
        if finish() != nil { lost += 1 }
        rest = []
        if !isStandardOutput { Glibc.close(descriptor) }
    }

    private func moveAway(keep: Int) throws(Failure) {
        if keep == 0 {
            guard unsafe unlink(path) == 0 || errno == ENOENT else { throw Failure(action: "rotate", errno: errno) }
            return
        }
        for number in stride(from: keep - 1, through: 1, by: -1) {
            // A number may be missing: its successor is then left as it is.
            _ = unsafe rename("\(path).\(number)", "\(path).\(number + 1)")
        }
        guard unsafe rename(path, "\(path).1") == 0 || errno == ENOENT else { throw Failure(action: "rotate", errno: errno) }
    }

    private mutating func measure() {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { return }
        isRegular = !isStandardOutput && status.st_mode & S_IFMT == S_IFREG
        sizeBytes = isRegular ? UInt64(max(0, status.st_size)) : 0
    }

    /// Waits for a pipe that somebody made non-blocking.
    private func becomesWritable() -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        return unsafe poll(&entry, 1, 1000) > 0
    }

    private static func open(_ path: String) throws(Failure) -> Int32 {
        // A FIFO that nobody reads would keep a start, or a reload, waiting for ever.
        let descriptor = unsafe Glibc.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0o640)
        guard descriptor >= 0 else { throw Failure(action: "open", errno: errno) }
        return descriptor
    }
}
