import Glibc

/// Whether a log could be opened, found out without opening it: a check creates no files.
public enum LogAccess {
    /// Why the file cannot be written, in the system's words; nil when it can, as far as can be seen.
    public static func obstacle(to path: String) -> String? { obstacle(to: path, linksMax: 40) }

    private static func obstacle(to path: String, linksMax: Int) -> String? {
        guard path != "-" else { return nil }
        var status = stat()
        if unsafe stat(path, &status) == 0 {
            if status.st_mode & S_IFMT == S_IFDIR { return FolderAccess.reason(EISDIR) }
            if status.st_mode & S_IFMT == S_IFSOCK { return FolderAccess.reason(ENXIO) }
            // As whoever runs this, not as who has started it.
            return unsafe faccessat(AT_FDCWD, path, Int32(W_OK), Int32(AT_EACCESS)) == 0 ? nil : FolderAccess.reason(errno)
        }
        guard errno == ENOENT else { return FolderAccess.reason(errno) }
        // The file would be made where the link leads to.
        if linksMax > 0, let target = FolderAccess.target(ofLink: path) { return obstacle(to: target, linksMax: linksMax - 1) }
        if path.hasSuffix("/") { return FolderAccess.reason(EISDIR) }
        return FolderAccess.obstacle(in: FolderAccess.folder(of: path))
    }
}
