/// Why a text is no trace.
public struct TraceError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Number of the line, from 1.
    public let line: Int
    public let message: String

    public var description: String { "line \(line): \(message)" }
}
