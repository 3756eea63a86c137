import Wire

/// Where bytes stood that no answer accounts for.
@frozen
public enum SurplusPlace: Equatable, Sendable {
    /// Behind an answer's last byte, before its connection was pooled.
    case afterEnd
    /// On a pooled connection, with no request outstanding.
    case idle
    /// Where the next answer's status line is due.
    case beforeAnswer
    /// Inside a chunked body, where a chunk's size or a trailer is due.
    case inChunkedBody
    /// Where the current answer is due, and the bytes are its own malformed message.
    case inAnswer
}

/// What bytes look like that no answer accounts for.
public struct SurplusFacts: Equatable, Sendable {
    /// Bytes in all.
    public var total: UInt64
    /// They begin with a status line.
    public var status: Int?
    /// That status line, when it was read whole.
    public var startLine: String?
    /// Lower-case names of the header block's fields.
    public var fields: [String]
    /// Bytes of the header block, when it was read whole.
    public var blockBytes: UInt64?
    /// Bytes of the header block with the body that its Content-Length declares.
    public var messageBytes: UInt64?
    /// Nothing but CR and LF.
    public var isOnlyLineEnds: Bool
    /// What a whole header block looks like: `AnswerShape`.
    public var shape: UInt64?
    /// They begin as a status line begins, though perhaps cut short.
    public var beginsLikeHeaderBlock: Bool

    public init(
        total: UInt64, status: Int? = nil, startLine: String? = nil, fields: [String] = [], blockBytes: UInt64? = nil,
        messageBytes: UInt64? = nil, isOnlyLineEnds: Bool = false, beginsLikeHeaderBlock: Bool = false
    ) {
        self.total = total
        self.status = status
        self.startLine = startLine
        self.fields = fields
        self.blockBytes = blockBytes
        self.messageBytes = messageBytes
        self.isOnlyLineEnds = isOnlyLineEnds
        self.beginsLikeHeaderBlock = beginsLikeHeaderBlock
    }
}
