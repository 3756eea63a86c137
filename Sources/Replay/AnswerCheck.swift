import HTTP1
import Wire

/// What a client may have got: exactly its first answer whole, or one that is visibly cut, and no surplus byte.
enum AnswerCheck {
    /// Why the answer is not right, nil when it is.
    static func fault(_ answer: ClientAnswer, _ said: UpstreamAnswer?) -> String? {
        var got = Got(answer)
        if got.isMalformed { return "malformed" }
        if got.surplusBytes > 0 { return "\(got.surplusBytes) surplus bytes" }
        // A tunnel ends with its connection.
        if got.status == 101 { got.isWhole = true }
        guard let said, said.status != 0 else {
            return got.status >= 400 && got.isWhole ? nil : "status \(got.status) without an answer of the upstream"
        }
        if said.isWhole, got.isWhole, got.status == said.status { return got.body == said.body ? nil : "another body" }
        if got.isWhole {
            // Only the proxy's own word may be whole where the upstream's answer was not, or could not be passed on.
            return got.status == 502 || got.status == 504 ? nil : "a whole answer of status \(got.status), which was never sent"
        }
        if said.isWhole { return "cut, though the upstream's answer was whole" }
        if got.status != said.status { return "status \(got.status) for \(said.status)" }
        return said.body.starts(with: got.body) ? nil : "another body"
    }

    /// A client's reading of what it got.
    private struct Got {
        var status = 0
        var body: [UInt8] = []
        var isWhole = false
        var isMalformed = false
        var surplusBytes = 0

        init(_ answer: ClientAnswer) {
            var decoder = ResponseDecoder()
            decoder.requestSent(method: answer.method, asksUpgrade: true)
            var block = HeaderBlock(capacity: 256)
            var bytes = answer.bytes
            while !bytes.isEmpty {
                let count = bytes.count
                let step = bytes.withUnsafeMutableBufferPointer {
                    decoder.next($0.baseAddress!, count: count, limits: HeadLimits(headerBytesMax: 64 << 10), block: &block)
                }
                body += bytes[step.bodyStart..<step.bodyStart + step.bodyCount]
                if step.event == .head || step.event == .switched { status = block.status }
                if step.ended { isWhole = true }
                switch step.event {
                case .needMore: return
                case .surplus:
                    surplusBytes = bytes.count
                    return
                case .malformed, .interimInBody:
                    isMalformed = true
                    return
                default: bytes.removeFirst(step.consumed)
                }
            }
            if answer.ending == .end, decoder.phase == .body, decoder.receiveEnd() { isWhole = true }
        }
    }
}
