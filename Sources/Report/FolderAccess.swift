import Glibc

/// Whether something could be made in a folder, found out without making it.
public enum FolderAccess {
    /// File systems whose folders look writable to root, and in which nobody makes a file.
    private static let closedRoots = ["/proc", "/sys"]

    /// The folder in which the path's last part stands.
    public static func folder(of path: String) -> String {
        var path = path[...]
        while path.count > 1, path.last == "/" { path.removeLast() }
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// Why nothing can be made in it, in the system's words; nil when something can, as far as can be seen.
    public static func obstacle(in folder: String) -> String? {
        var status = stat()
        guard unsafe stat(folder, &status) == 0 else { return reason(errno) }
        guard status.st_mode & S_IFMT == S_IFDIR else { return reason(ENOTDIR) }
        // As whoever runs this, not as who has started it.
        guard unsafe faccessat(AT_FDCWD, folder, Int32(W_OK | X_OK), Int32(AT_EACCESS)) == 0 else { return reason(errno) }
        return closedRoots.contains { isDevice(status.st_dev, of: $0) } ? "no file can be made in \(folder)" : nil
    }

    /// Where nothing is mounted at the root, it is a folder like any other.
    private static func isDevice(_ device: dev_t, of root: String) -> Bool {
        var status = stat()
        guard unsafe stat(root, &status) == 0, status.st_dev == device else { return false }
        return unsafe stat("/", &status) == 0 && status.st_dev != device
    }

    /// What a symbolic link leads to; nil when the path is none.
    static func target(ofLink path: String) -> String? {
        var bytes = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe readlink(path, $0.baseAddress!, $0.count) }
        guard count > 0 else { return nil }
        let target = String(decoding: bytes[..<count], as: UTF8.self)
        return target.hasPrefix("/") ? target : "\(folder(of: path))/\(target)"
    }

    static func reason(_ error: Int32) -> String { unsafe String(cString: strerror(error)) }
}
