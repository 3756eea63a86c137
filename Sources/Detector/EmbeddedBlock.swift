import Facts

/// What began like an answer inside a body of declared length, as far as it is kept. Body bytes may spell anything: only what comes
/// after the body's end, or does not come, makes it a finding.
public struct EmbeddedBlock: Sendable {
    /// Offset of its first byte from the body's.
    public let offset: UInt64
    public private(set) var kept: [UInt8] = []

    public init(offset: UInt64) { self.offset = offset }

    public mutating func add(_ bytes: UnsafePointer<UInt8>, _ count: Int) { unsafe kept.keep(bytes, count) }

    /// Bytes came after the end of the body in which it began: what that is, when it may explain them.
    ///
    /// - Parameters:
    ///   - surplus: those bytes, which are settled.
    ///   - last: the exchange whose body it is.
    public func finding<Exchange, Reader: SurplusReading>(
        explaining surplus: SurplusCollection<Exchange>, after last: Exchange, by reader: Reader.Type, sampleBytes: Int
    ) -> Finding? {
        let whole = Array((kept + surplus.kept).prefix(SurplusFacts.keptBytesMax))
        let block = reader.read(whole, total: UInt64(whole.count))
        guard block.status != nil, let verdict = Judge.embedded(block, surplusBytes: surplus.total) else { return nil }
        // The offending bytes begin inside the body, not where the surplus begins.
        let bodyStart = surplus.connectionOffset - min(surplus.connectionOffset, last.answer.bodyBytes)
        var finding = Finding(verdict, .embedded(block, bodyOffset: offset), connectionOffset: bodyStart + offset)
        finding.surplusBytes = surplus.total
        finding.proof = verdict.certainty == .proven ? .accounting : nil
        finding.clientImpact = surplus.clientImpact
        // The block may be the answer to an exchange before, and the client has what of it stood within the body.
        if verdict.kind == .headerBlockInBody, verdict.certainty == .proven, last.ordinal > 1, finding.clientImpact == .none {
            finding.clientImpact = .misdelivered
        }
        finding.sample = Array(surplus.kept.prefix(sampleBytes))
        return finding
    }

    /// The body in which it began has stopped short: it is perhaps the answer that should have been the whole.
    ///
    /// - Parameters:
    ///   - answer: whose body it is.
    ///   - received: bytes that the connection has received.
    public func finding<Reader: SurplusReading>(
        inCutBodyOf answer: Answer, received: UInt64, at now: UInt64, by reader: Reader.Type, sampleBytes: Int
    ) -> Finding? {
        let block = reader.read(kept, total: UInt64(kept.count))
        guard block.status != nil, let verdict = Judge.stoppedShort(block) else { return nil }
        let bodyStart = received - min(received, answer.bodyBytes)
        var finding = Finding(verdict, .embedded(block, bodyOffset: offset), connectionOffset: bodyStart + offset)
        finding.clientImpact = .aborted
        finding.sample = Array(kept.prefix(sampleBytes))
        finding.delay = answer.headAt > 0 ? now - answer.headAt : nil
        return finding
    }
}
