/// A log's file could not be opened.
public struct LogOpenError: Error, CustomStringConvertible {
    /// What the log is called: "incident log".
    public var log: String
    public var path: String
    public var reason: String
    public init(log: String, path: String, reason: String) {
        self.log = log
        self.path = path
        self.reason = reason
    }
    public var description: String { "cannot open \(log) \(path): \(reason)" }
}

extension LogFile {
    /// Opens the file of a log, `-` for standard output, as the configuration has it.
    static func open(
        _ log: String, path: String, rotateBytes: UInt64?, keep: Int
    ) throws(LogOpenError) -> LogFile {
        do throws(Failure) {
            return try LogFile(path: path, rotation: rotateBytes.map { Rotation(sizeBytes: $0, keep: max(0, keep)) })
        } catch {
            throw LogOpenError(log: log, path: path, reason: error.reason)
        }
    }
}
