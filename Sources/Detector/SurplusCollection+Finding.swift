import Facts

extension SurplusCollection {
    /// What they are, now that they have ended; nil when they are innocent.
    ///
    /// - Parameters:
    ///   - closed: the upstream ended the connection after them.
    ///   - untimed: the answer was read so late that bytes right after its end may have come at any time.
    ///   - sampleBytes: how many of them a record shows.
    public mutating func settle<Reader: SurplusReading>(
        by reader: Reader.Type, closed: Bool, untimed: Bool = false, sampleBytes: Int = 0
    ) -> Finding? {
        let isConfirmed = isConfirmed
        endAtNextAnswer(by: reader)
        let facts = facts(by: reader)
        guard
            var verdict = leftBeforeRequest
                ? Judge.sentBeforeRequest(facts)
                // Where an answer is due, something is only collected if another has been before it.
                : Judge.surplus(place, facts, servedBefore: true, closed: closed, untimed: untimed)
        else { return nil }
        if !isConfirmed { verdict = Verdict(verdict.kind, .suspected, in: verdict.phase, by: verdict.guilty) }
        var finding = Finding(verdict, .surplus(facts), connectionOffset: connectionOffset)
        if verdict.kind == .malformedMessage {
            // What is malformed is no surplus.
            finding.reason = reason
            if !facts.beginsLikeHeaderBlock { finding.shown = Array(kept.prefix(48)) }
        } else {
            finding.surplusBytes = total
        }
        if verdict.kind == .misdeliveredResponse { finding.proof = mark == nil ? .unacknowledgedRequest : .requestID }
        finding.clientImpact = clientImpact
        finding.sample = Array(kept.prefix(sampleBytes))
        return finding
    }

    /// Where an answer has no mark at all, the application may have written it by itself: it is another's for certain when the
    /// request's true answer has come after it.
    private var isConfirmed: Bool {
        guard case .missing(let own) = mark else { return true }
        return kept.indices.contains { kept[$0...].starts(with: own) }
    }
}
