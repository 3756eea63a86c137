import Wire

/// What an upstream's bytes said next.
@frozen
public enum ResponseEvent: Equatable, Sendable {
    /// The bytes are too short to go on with; none is consumed.
    case needMore
    /// A 1xx header block before the final one; it is in the block.
    case interim
    /// The final header block; it is in the block, and `ended` says that no body follows.
    case head
    /// A 101 that was asked for: from here on the bytes are not HTTP.
    case switched
    /// Body bytes, perhaps none; `ended` with the last of them.
    case body
    /// A 1xx header block where a chunk size was due; it is in the block, and the body goes on.
    case interimInBody
    /// Bytes from `consumed` on are no part of any answer that is due.
    case surplus
    /// Bytes from `consumed` on are not what the answer's framing calls for.
    case malformed(Malformation)
}

/// One step of response decoding: offsets count from the first byte given.
@frozen
public struct ResponseStep {
    public var event: ResponseEvent
    public var consumed = 0
    public var bodyStart = 0
    public var bodyCount = 0
    public var ended = false
    public var hasTrailers = false

    @usableFromInline
    init(_ event: ResponseEvent, consumed: Int = 0) {
        self.event = event
        self.consumed = consumed
    }
}

/// Reads what an upstream sends on one connection: the answers to requests that were sent, and whatever else comes.
///
///     idle ──requestSent──▶ head ──final head──▶ body ──end──▶ idle
///                            └──101 as asked──▶ tunnel
///
/// Reports facts only; what a surplus means is the detector's to judge.
@frozen
public struct ResponseDecoder {
    @frozen
    public enum Phase: UInt8, Sendable { case idle, head, body, tunnel }

    public private(set) var phase: Phase = .idle
    public private(set) var body = BodyDecoder()
    private var method: Method = .get
    private var asksUpgrade = false

    public init() {}

    /// A request went out: its answer is due.
    public mutating func requestSent(method: Method, asksUpgrade: Bool) {
        phase = .head
        self.method = method
        self.asksUpgrade = asksUpgrade
    }

    /// Reads the next fact from `bytes[0..<count]`. Total: no bytes can trap.
    public mutating func next(
        _ bytes: UnsafeMutablePointer<UInt8>, count: Int, limits: HeadLimits, block: inout HeaderBlock
    ) -> ResponseStep {
        switch phase {
        case .idle: return ResponseStep(count == 0 ? .needMore : .surplus)
        case .head: return unsafe head(bytes, count, limits, &block)
        case .body: return unsafe body(bytes, count, limits, &block)
        case .tunnel:
            var step = ResponseStep(.body, consumed: count)
            step.bodyCount = count
            return step
        }
    }

    /// Bytes of a body with a length that are left; 0 where nothing, or something else, is due.
    public var lengthLeft: UInt64 { phase == .body && body.framing == .length ? body.remaining : 0 }

    /// So many bytes of such a body have passed unread: never its last.
    public mutating func skip(_ count: Int) { body.skip(count) }

    private mutating func head(
        _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int, _ limits: HeadLimits, _ block: inout HeaderBlock
    ) -> ResponseStep {
        guard count > 0 else { return ResponseStep(.needMore) }
        switch unsafe HeadParser.response(bytes, count: count, limits: limits, into: &block) {
        case .incomplete: return ResponseStep(.needMore)
        case .malformed(let fault): return ResponseStep(.malformed(fault))
        case .complete: break
        }
        if block.status == 101 {
            guard asksUpgrade, !UpgradeProtocol.isRefused(in: block) else {
                return ResponseStep(.malformed(.unrequestedUpgrade))
            }
            phase = .tunnel
            return ResponseStep(.switched, consumed: block.byteCount)
        }
        if block.status < 200 { return ResponseStep(.interim, consumed: block.byteCount) }
        body = Self.framing(of: block, answering: method)
        var step = ResponseStep(.head, consumed: block.byteCount)
        step.ended = body.isEmpty
        phase = step.ended ? .idle : .body
        return step
    }

    private mutating func body(
        _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int, _ limits: HeadLimits, _ block: inout HeaderBlock
    ) -> ResponseStep {
        guard count > 0 else { return ResponseStep(.needMore) }
        let decoded = unsafe body.decode(bytes, count: count, limits: limits, block: &block)
        var step = ResponseStep(.body, consumed: decoded.consumed)
        step.bodyStart = decoded.bodyStart
        step.bodyCount = decoded.bodyCount
        switch decoded.outcome {
        case .more:
            // What has been consumed must not be shown again: with it the step is a body's, perhaps of no bytes.
            if decoded.consumed == 0 { step.event = .needMore }
        case .end:
            step.ended = true
            step.hasTrailers = decoded.hasTrailers
            phase = .idle
        case .interim: step.event = .interimInBody
        case .malformed(let fault): step.event = .malformed(fault)
        }
        return step
    }

    /// The upstream ended its side. Whether the answer that was due is thereby complete (a close-delimited body).
    public mutating func receiveEnd() -> Bool {
        guard phase == .body, body.framing == .untilClose else { return phase == .idle || phase == .tunnel }
        phase = .idle
        return true
    }

    /// RFC 9112 section 6.3, for a final response. Codings win over Content-Length.
    public static func framing(of block: borrowing HeaderBlock, answering method: Method) -> BodyDecoder {
        if method == .head || block.status == 204 || block.status == 304 { return BodyDecoder(.none) }
        if block.facts.contains(.chunked) { return BodyDecoder(.chunked) }
        if block.facts.contains(.otherCoding) { return BodyDecoder(.untilClose) }
        return block.facts.contains(.contentLength)
            ? BodyDecoder(.length, length: block.contentLength) : BodyDecoder(.untilClose)
    }
}
