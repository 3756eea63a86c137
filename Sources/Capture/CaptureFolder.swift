import Glibc
import Report

/// The files themselves: at most so many, the oldest give way. Used by the writer's thread only, but for reading.
struct CaptureFolder: Sendable {
    static let suffix = ".trace"

    let path: String
    private let keep: Int

    init(path: String, keep: Int) throws(LogOpenError) {
        self.path = path
        self.keep = keep
        guard unsafe mkdir(path, 0o750) == 0 || errno == EEXIST else {
            throw unsafe LogOpenError(log: "captures", path: path, reason: String(cString: strerror(errno)))
        }
        if let obstacle = Self.obstacle(to: path) { throw LogOpenError(log: "captures", path: path, reason: obstacle) }
    }

    /// Why captures could not be kept there; nil when they can, as far as can be seen. Makes nothing.
    static func obstacle(to path: String) -> String? {
        var status = stat()
        if unsafe stat(path, &status) == 0 {
            return status.st_mode & S_IFMT == S_IFDIR ? FolderAccess.obstacle(in: path) : "it is not a folder"
        }
        // A link that leads nowhere is in the way of the folder.
        guard errno == ENOENT, unsafe lstat(path, &status) != 0 else { return unsafe String(cString: strerror(errno)) }
        return FolderAccess.obstacle(in: FolderAccess.folder(of: path))
    }

    /// Whole or not at all. Returns what went wrong.
    func write(_ bytes: [UInt8], _ name: String) -> String? {
        let target = "\(path)/\(name)"
        let unfinished = "\(path)/.\(name).new"
        let descriptor = unsafe open(unfinished, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { return unsafe String(cString: strerror(errno)) }
        var written = 0
        while written < bytes.count {
            let count = unsafe bytes.withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress.unsafelyUnwrapped + written, $0.count - written)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let failure = unsafe String(cString: strerror(errno))
                close(descriptor)
                unsafe unlink(unfinished)
                return failure
            }
            written += count
        }
        close(descriptor)
        guard unsafe rename(unfinished, target) == 0 else {
            let failure = unsafe String(cString: strerror(errno))
            unsafe unlink(unfinished)
            return failure
        }
        removeOldest()
        return nil
    }

    private func removeOldest() {
        for name in Self.names(in: path).dropLast(keep) { unsafe unlink("\(path)/\(name)") }
    }

    /// Names begin with ids, which sort by time. What is not ours is left alone.
    static func names(in path: String) -> [String] {
        guard let directory = unsafe opendir(path) else { return [] }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if isName(name) { names.append(name) }
        }
        return names.sorted()
    }

    static func read(_ path: String, _ name: String) -> [UInt8]? {
        guard isName(name) else { return nil }
        let descriptor = unsafe open("\(path)/\(name)", O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while bytes.count < 4 * CaptureLimit.traceBytesMax {
            let count = unsafe Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return count == 0 ? bytes : nil }
            bytes += buffer[..<count]
        }
        return bytes
    }

    /// An incident's id and the suffix: nothing else is ever read or removed.
    static func isName(_ name: String) -> Bool {
        name.utf8.count == 26 + suffix.utf8.count && name.hasSuffix(suffix)
            && name.utf8.prefix(26).allSatisfy { $0 >= 0x30 && $0 <= 0x39 || $0 >= 0x41 && $0 <= 0x5A }
    }
}
