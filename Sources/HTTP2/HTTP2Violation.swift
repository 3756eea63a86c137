/// What a peer sent that its own earlier frames forbid (RFC 9113 sections 5.1 and 8.1). Facts: what they mean is the detector's to judge.
///
/// None of them harms another stream. Unless `HTTP2Step.resetsStream` says otherwise the stream goes on as if the frame had
/// not come, but for an END_STREAM on it.
@frozen
public enum HTTP2Violation: UInt8, Sendable, CaseIterable {
    /// After END_STREAM, on a stream that is open or closed: a header block with a final status, with a 1xx one, with none; DATA.
    case headAfterEnd, interimAfterEnd, trailersAfterEnd, dataAfterEnd
    /// A final, or a 1xx header block after the final one, before the end.
    case headInBody, interimInBody
    /// `:status` in the header block that ends the stream.
    case statusInTrailers
    /// A header block after the final one, without `:status` and without END_STREAM.
    case trailersWithoutEnd
    /// DATA past content-length; the declared bytes were reported as `body`.
    case lengthExceeded
    /// END_STREAM before content-length.
    case lengthShort
    /// DATA with payload in the answer to HEAD, or with 204 or 304.
    case dataOnBodiless
    /// A header block, or a trailer section, that is not HTTP.
    case malformedHead, malformedTrailers
    /// DATA on a stream whose final header block has not come.
    case dataBeforeHead
    /// Server: more DATA than its stream's window allows, or a WINDOW_UPDATE of nothing, or of too much.
    case windowMisused
    /// HEADERS or DATA on a stream that was never opened.
    case unrequestedHead, unrequestedData
}
