import Glibc

/// Whether a log could be opened, found out without opening it: a check creates no files.
public enum LogAccess {
    /// Why the file cannot be written, in the system's words; nil when it can, as far as can be seen.
    public static func obstacle(to path: String) -> String? {
        guard path != "-" else { return nil }
        var status = stat()
        if unsafe stat(path, &status) == 0 {
            if status.st_mode & S_IFMT == S_IFDIR { return unsafe String(cString: strerror(EISDIR)) }
            return obstacle(path, Int32(W_OK))
        }
        guard errno == ENOENT else { return unsafe String(cString: strerror(errno)) }
        let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        return obstacle(folder, Int32(W_OK | X_OK))
    }

    private static func obstacle(_ path: String, _ mode: Int32) -> String? {
        // As whoever runs this, not as who has started it.
        unsafe faccessat(AT_FDCWD, path, mode, Int32(AT_EACCESS)) == 0 ? nil : String(cString: strerror(errno))
    }
}
