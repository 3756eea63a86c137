import HTTP1
import Wire

/// Finds where requests begin in the bytes that go to an upstream, and what of them is a body.
struct TapedRequests {
    struct Begin {
        var method: Wire.Method
        var asksUpgrade: Bool
    }

    struct Part {
        /// A request's header block is among the parts.
        var begins: Begin?
        var parts: [TapePart]
    }

    static let limits = HeadLimits(headerBytesMax: CaptureLimit.headBytesMax)

    private var body = BodyDecoder(.none)
    private var isInHead = true
    /// A header block, or a chunk's framing, that has not come whole.
    private var held: [UInt8] = []

    mutating func read(_ bytes: [UInt8], _ policy: CapturePolicy, _ block: inout HeaderBlock) -> [Part] {
        held += bytes
        var read: [Part] = []
        while !held.isEmpty {
            guard let part = isInHead ? head(policy, &block) : framed(policy, &block) else { break }
            read.append(part)
        }
        return read
    }

    private mutating func head(_ policy: CapturePolicy, _ block: inout HeaderBlock) -> Part? {
        guard unsafe HeadParser.request(held, count: held.count, limits: Self.limits, into: &block) == .complete else {
            return nil
        }
        let upgrades = block.facts.contains(.upgrade) || block.facts.contains(.upgradeField)
        let begin = Begin(method: block.method, asksUpgrade: upgrades)
        body = (try? RequestFraming.decide(block).get()) ?? BodyDecoder(.none)
        isInHead = body.isEmpty
        let bytes = Array(held.prefix(block.byteCount))
        held.removeFirst(bytes.count)
        return Part(begins: begin, parts: [.bytes(Mask.head(bytes, isRequest: true, keepsQuery: policy.keepsQuery))])
    }

    private mutating func framed(_ policy: CapturePolicy, _ block: inout HeaderBlock) -> Part? {
        let count = held.count
        let step = unsafe held.withUnsafeMutableBufferPointer {
            unsafe body.decode($0.baseAddress.unsafelyUnwrapped, count: count, limits: Self.limits, block: &block)
        }
        if step.outcome == .end { isInHead = true }
        guard step.consumed > 0 else { return nil }
        var parts: [TapePart] = []
        unsafe held.withUnsafeBufferPointer {
            unsafe TapedBody.append($0, step.consumed, step.bodyStart, step.bodyCount, policy, to: &parts)
        }
        held.removeFirst(step.consumed)
        return Part(begins: nil, parts: parts)
    }
}
