import Facts
import Wire

/// Was this answer sent once? Facts in, verdicts out: no clock, no state, no socket, no HTTP version.
public enum Judge {
    /// Bytes that no answer accounts for. nil when they are innocent.
    ///
    /// - Parameters:
    ///   - servedBefore: the connection had answered a request before the one that is due.
    ///   - closed: the upstream ended the connection after these bytes.
    ///   - untimed: the answer was read so late that bytes right after its end may have come at any time after it.
    public static func surplus(
        _ place: SurplusPlace, _ facts: SurplusFacts, servedBefore: Bool, closed: Bool, untimed: Bool = false
    )
        -> Verdict?
    {
        switch place {
        case .afterEnd:
            if untimed, facts.status == 408, closed { return nil }
            return afterEnd(facts, phase: .afterEnd)
        case .idle:
            // A server's own timeout notice to a connection that waits (RFC 9110 section 15.5.9).
            if facts.status == 408, closed { return nil }
            return afterEnd(facts, phase: .idle)
        case .beforeAnswer:
            if facts.beginsLikeHeaderBlock || !servedBefore { return Verdict(.malformedMessage, in: .inHead) }
            let severity: Severity? = facts.isOnlyLineEnds ? .info : nil
            return Verdict(.bodyAfterEnd, severity: severity, in: .nextExchange, by: .previous)
        case .inChunkedBody:
            guard facts.beginsLikeHeaderBlock, facts.total >= 7 || facts.blockBytes != nil else {
                return Verdict(.malformedMessage, in: .inBody)
            }
            return Verdict(isInterim(facts) ? .lateInterim : .headerBlockInBody, in: .inBody)
        case .inAnswer: return Verdict(.malformedMessage, in: .inHead)
        }
    }

    /// Bytes that met a request but had left the upstream before it arrived there: what the exchange before has left.
    public static func sentBeforeRequest(_ facts: SurplusFacts) -> Verdict {
        guard facts.beginsLikeHeaderBlock else {
            return Verdict(.bodyAfterEnd, severity: facts.isOnlyLineEnds ? .info : nil, in: .nextExchange, by: .previous)
        }
        return Verdict(isInterim(facts) ? .lateInterim : .misdeliveredResponse, in: .nextExchange, by: .previous)
    }

    private static func afterEnd(_ facts: SurplusFacts, phase: Phase) -> Verdict {
        if facts.isOnlyLineEnds { return Verdict(.bodyAfterEnd, severity: .info, in: phase) }
        guard facts.status != nil else { return Verdict(.bodyAfterEnd, in: phase) }
        return Verdict(isInterim(facts) ? .lateInterim : .secondResponse, in: phase)
    }

    private static func isInterim(_ facts: SurplusFacts) -> Bool { facts.status.map { $0 < 200 } ?? false }

    /// A status line inside a Content-Length body, with what came after the body's declared end.
    ///
    /// Body bytes may spell anything: without a surplus nothing is wrong. A surplus as long as the block that stands in
    /// the body shows that the block pushed the rest out.
    public static func embedded(_ block: SurplusFacts, surplusBytes: UInt64) -> Verdict? {
        guard surplusBytes > 0 else { return nil }
        let accounts = surplusBytes == block.blockBytes || surplusBytes == block.messageBytes
        let kind: Kind = isInterim(block) ? .lateInterim : .headerBlockInBody
        if accounts { return Verdict(kind, in: .inBody) }
        return Verdict(.headerBlockInBody, .suspected, in: .inBody)
    }

    /// A whole status line inside a Content-Length body that stopped short: the answer that should have been the whole, perhaps.
    public static func stoppedShort(_ block: SurplusFacts) -> Verdict? {
        guard block.blockBytes != nil, !isInterim(block) else { return nil }
        return Verdict(.headerBlockInBody, .suspected, in: .inBody)
    }

    /// A header block's own fields, of an answer.
    public static func head(
        _ facts: HeaderFacts, duplicates: UInt32, status: Int, endsConnection: Bool = false
    ) -> [Verdict] {
        var verdicts: [Verdict] = []
        if isConflicting(facts, status: status, endsConnection: endsConnection) {
            verdicts.append(Verdict(.conflictingFraming, in: .inHead))
        }
        var fields = duplicates
        // Lengths that differ are a conflict, recorded once.
        if facts.contains(.contentLengthDiffers) { fields &= ~(1 << UInt32(FieldName.contentLength.rawValue)) }
        if fields != 0 || facts.contains(.statusRepeated) { verdicts.append(Verdict(.duplicateField, in: .inHead)) }
        return verdicts
    }

    /// Whether a header block contradicts itself about where its message ends. One that announces the end of its connection may
    /// leave its body to that (RFC 9112 section 6.1).
    @inlinable
    public static func isConflicting(_ facts: HeaderFacts, status: Int, endsConnection: Bool = false) -> Bool {
        if !facts.isDisjoint(with: [.contentLengthDiffers, .contentLengthInvalid]) { return true }
        guard facts.contains(.transferEncoding) else { return false }
        if facts.contains(.contentLength) || status < 200 || status == 204 { return true }
        return !facts.contains(.chunked) && !endsConnection
    }
}
