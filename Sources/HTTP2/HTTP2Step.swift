/// What of a header block is more than our limits allow.
@frozen
public enum HeaderOverLimit: UInt8, Sendable { case bytes, fields }

/// One step of reading an HTTP/2 connection: offsets count from the first byte given.
@frozen
public struct HTTP2Step: Sendable {
    public var event: HTTP2Event
    public var consumed: Int
    public var bodyStart = 0
    public var bodyCount = 0
    /// 0: the connection itself.
    public var stream: Int32 = 0
    /// As the worker set it; -1: it has not.
    public var tag: Int32 = -1
    /// The peer's side of the stream ends here (END_STREAM); also beside a violation.
    public var ended = false
    /// A request: the stream's window has room for next to nothing of its answer (`HTTP2Session.isNarrow`).
    public var isNarrow = false

    /// Violation, or more of one: payload bytes that belong to no message; of a header block, those of its frames.
    public var surplusBytes = 0
    /// Violation: bytes that the connection had received before the offending frame's first.
    public var offset: UInt64 = 0
    /// Violation: the block holds the offending header block.
    public var hasBlock = false
    /// Violation: the header block, or the trailer section, is larger than our limits, which breaks no rule: the reason.
    public var overLimit: HeaderOverLimit?
    /// Violation: the session has reset the stream for it, and reports nothing more of it.
    public var resetsStream = false
    /// Server, with `.reset`: what the client did that the session has reset the stream for; nil: the client has reset it, or its
    /// trailers are over a limit. With `.failed`: the frame on a closed stream that the connection has ended for.
    public var cause: HTTP2Violation?

    @inlinable
    init(_ event: HTTP2Event, consumed: Int = 0) {
        self.event = event
        self.consumed = consumed
    }
}
