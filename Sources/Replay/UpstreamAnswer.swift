/// What the upstream said in answer to one request, as far as its framing goes.
struct UpstreamAnswer {
    /// 0 without a final header block.
    var status = 0
    var body: [UInt8] = []
    /// HTTP/2: so many bytes are the whole body, whether or not the stream's end comes.
    var declaredBytes: UInt64?
    /// It came to its end.
    var isWhole = false
}
