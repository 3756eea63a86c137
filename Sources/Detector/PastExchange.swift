import Facts

/// One exchange of a connection, as far as attribution looks at it.
public struct PastExchange: Sendable {
    public var answer: Answer
    /// What sort of request it was: `Habits`.
    public var sort: UInt32
    /// Its answer has not ended.
    public var isInProgress: Bool

    public init(answer: Answer, sort: UInt32, isInProgress: Bool = false) {
        self.answer = answer
        self.sort = sort
        self.isInProgress = isInProgress
    }
}

/// One answer, or what else it is, of those that came after the end of all that were due.
public struct SurplusPart: Sendable {
    /// What it looks like, when it is an answer's whole header block.
    public var shape: UInt64?
    /// Of its body, where its header block declares that.
    public var bodyBytes: UInt64?
    /// When its first byte was seen.
    public var time: UInt64

    public init(shape: UInt64?, bodyBytes: UInt64?, time: UInt64) {
        self.shape = shape
        self.bodyBytes = bodyBytes
        self.time = time
    }
}
