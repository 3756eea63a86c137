import Glibc

/// A whole file read at once, up to a limit.
package enum FileBytes {
    package struct Unreadable: Error {
        package let reason: String
    }

    /// A file that must be regular keeps nobody waiting: a FIFO without a writer would, for ever.
    package static func read(path: String, max: Int, mustBeRegular: Bool = false) throws(Unreadable) -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | (mustBeRegular ? O_NONBLOCK | O_NOCTTY : 0))
        guard descriptor >= 0 else { throw unreadable() }
        defer { close(descriptor) }
        if mustBeRegular {
            var status = stat()
            guard unsafe fstat(descriptor, &status) == 0 else { throw unreadable() }
            // Reading a folder has a sentence of its own.
            guard [S_IFREG, S_IFDIR].contains(status.st_mode & S_IFMT) else {
                throw Unreadable(reason: "is not a regular file")
            }
        }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = unsafe Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw unreadable() }
            guard count > 0 else { return bytes }
            bytes += chunk[..<count]
            guard bytes.count <= max else {
                throw Unreadable(reason: "the file is larger than \(Quantity.size(bytes: max))")
            }
        }
    }

    private static func unreadable() -> Unreadable {
        Unreadable(reason: unsafe "cannot be read: \(String(cString: strerror(errno)))")
    }
}
