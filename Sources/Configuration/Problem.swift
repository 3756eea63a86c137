/// One thing that is wrong with the configuration, and where.
public struct Problem: Hashable, Sendable, CustomStringConvertible {
    /// The file, or the flag (`--listen`) that brought the value in.
    public let file: String
    /// From 1; nil when the problem belongs to no line (an unreadable file, a flag).
    public let line: Int?
    /// From 1, in characters.
    public let column: Int?
    public let message: String

    init(file: String, mark: Mark?, message: String) {
        self.file = file
        line = mark?.line
        column = mark?.column
        self.message = message
    }

    /// `FILE:LINE:COLUMN: message`, as editors and terminals know how to follow it.
    public var description: String {
        guard let line, let column else { return "\(file): \(message)" }
        return "\(file):\(line):\(column): \(message)"
    }
}
