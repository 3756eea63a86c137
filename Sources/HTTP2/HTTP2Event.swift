/// What a peer's bytes said next on an HTTP/2 connection.
@frozen
public enum HTTP2Event: Equatable, Sendable {
    /// The rest of the bytes (from `consumed`) is too short to go on with, or there is none.
    case needMore
    /// Many frames have had nothing to report, and there are more: others may have their turn first.
    case pause
    /// Server: a request's header block. Client: the final header block of an answer. It is in the block.
    case head
    /// Client: a 1xx header block before the final one; it is in the block.
    case interim
    /// Body bytes, perhaps none; `ended` with the last of them.
    case body
    /// The trailer section, in the block. The stream's message ends with it.
    case trailers
    /// The stream is over, with this error code: by the peer, or by the session for what the peer did (`HTTP2Step.cause`).
    case reset(UInt32)
    /// The peer opens (server) or takes (client) no new streams. Streams that it will not answer are reset one by one.
    case goAway
    /// Server: a request that cannot be served, and that the session has answered or reset itself. No `head` came of it.
    case refused(HTTP2Refusal)
    /// Client: what an upstream should not have sent. What stands in the step and the block belongs to it, and goes no further.
    /// Server: DATA on a stream that its client had ended; once for each stream. On an open one see `HTTP2Step.cause`.
    case violation(HTTP2Violation)
    /// Client: payload of the DATA that the last violation was about, as it comes. Its bytes are counted there.
    case surplus
    /// The connection is over: write what `wantsWrite`, then close.
    case failed(HTTP2Failure)
}
