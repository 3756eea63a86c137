/// What one side sent at one moment.
public struct Piece: Equatable, Sendable {
    public enum Direction: Equatable, Sendable {
        /// `>`
        case toUpstream
        /// `<`
        case fromUpstream
    }

    public enum Content: Equatable, Sendable {
        /// Bytes of one read, written as quoted strings.
        case text([UInt8])
        /// Bytes of one read, written as hexadecimal digits: HTTP/2.
        case raw([UInt8])
        /// A whole HTTP/2 frame in words. It repeats what the raw bytes before it say.
        case frame(String)
        /// The side closed its direction.
        case fin
        /// The side reset the connection.
        case reset
    }

    public var direction: Direction
    /// Since the start of the recording.
    public var microseconds: UInt64
    public var content: Content

    public init(_ direction: Direction, microseconds: UInt64, _ content: Content) {
        self.direction = direction
        self.microseconds = microseconds
        self.content = content
    }

    /// The bytes on the wire, nil for a close, a reset and words.
    public var bytes: [UInt8]? {
        switch content {
        case .text(let bytes), .raw(let bytes): bytes
        case .frame, .fin, .reset: nil
        }
    }
}
