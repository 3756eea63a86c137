import Facts

extension SurplusCollection {
    /// A finding about them with the exchanges that it is about: more than one finding where several requests are likely to have sent
    /// some of them.
    ///
    /// - Parameter past: the exchanges that the connection remembers, the newest first.
    public func attribute<Reader: SurplusReading>(
        _ found: Finding, past: [Exchange], by reader: Reader.Type, habits: inout Habits
    ) -> [AttributedFinding<Exchange>] {
        let known = exchanges(found.verdict, past)
        let past = suspects(known)
        guard found.verdict.kind.isDoubleSend else { return [attributed(found, past, known.first, seenAt: startedAt, id: id)] }
        let parts = parts(of: found, by: reader)
        let attributions = weigh(found, past, parts, &habits)
        return attributions.enumerated().map { i, attribution in
            var finding = found
            finding.attribution = attribution
            if attributions.count > 1, case .surplus = found.matter {
                let end = i + 1 < attributions.count ? attributions[i + 1].part : parts.count
                finding.become(part: parts[attribution.part].facts, at: parts[attribution.part].offset)
                finding.surplusBytes = parts[attribution.part..<end].reduce(0) { $0 + $1.facts.total }
            }
            let seenAt = time(of: UInt64(parts[attribution.part].offset))
            return attributed(finding, past, known.first, seenAt: seenAt, id: i == 0 ? id : nil)
        }
    }

    /// The exchanges that they may belong to. Its mark names it.
    private func suspects(_ known: [Exchange]) -> [Exchange] {
        if case .of(let named) = mark, let sender = known.first(where: { $0.ordinal == named }) { return [sender] }
        return known
    }

    /// The exchanges that the connection knows of, the newest first.
    private func exchanges(_ verdict: Verdict, _ past: [Exchange]) -> [Exchange] {
        guard verdict.guilty == .current, let current, past.first?.ordinal != current.ordinal else { return past }
        return [current] + past
    }

    /// The answers of which they are made.
    private func parts<Reader: SurplusReading>(
        of finding: Finding, by reader: Reader.Type
    ) -> [(offset: Int, facts: SurplusFacts)] {
        guard case .surplus(let facts) = finding.matter else { return [(0, SurplusFacts(total: total))] }
        guard finding.verdict.kind == .secondResponse, facts.shape != nil, !kept.isEmpty else { return [(0, facts)] }
        return reader.answers(kept, total: total, max: AttributionReader.partsMax)
    }

    private func weigh(
        _ finding: Finding, _ past: [Exchange], _ parts: [(offset: Int, facts: SurplusFacts)], _ habits: inout Habits
    ) -> [Attribution] {
        // Its bytes stand within the newest exchange's answer.
        let isInside = finding.verdict.phase == .inBody
        let exchanges = past.enumerated().map { age, exchange in
            PastExchange(answer: exchange.answer, sort: exchange.sort, isInProgress: isInside && age == 0)
        }
        let surplus = parts.map { part in
            let bytes = part.facts.messageBytes.flatMap { message in part.facts.blockBytes.map { message - $0 } }
            return SurplusPart(shape: part.facts.shape, bodyBytes: bytes, time: time(of: UInt64(part.offset)))
        }
        return AttributionReader.read(
            exchanges, surplus: surplus, mayShift: finding.verdict.kind == .secondResponse,
            learns: finding.verdict.provesDoubleSend, habits: &habits)
    }

    private func attributed(
        _ found: Finding, _ past: [Exchange], _ newest: Exchange?, seenAt: UInt64, id: String?
    ) -> AttributedFinding<Exchange> {
        var finding = found
        let guilty = past.isEmpty ? nil : past[finding.attribution?.guilty ?? 0]
        finding.delay = delay(of: finding, guilty, seenAt)
        var attributed = AttributedFinding(finding: finding, guilty: guilty, seenAt: seenAt, id: id)
        if finding.verdict.phase == .nextExchange { attributed.victim = current }
        if let shift = finding.attribution?.shift {
            attributed.finding.clientImpact = .misdelivered
            attributed.victim = past[shift.age]
        }
        attributed.suspects = finding.attribution?.suspects.map { past[$0.age] } ?? []
        if guilty?.ordinal != past.first?.ordinal { attributed.latest = past.first }
        // Another's client lost something by it.
        if attributed.victim == nil, finding.clientImpact != .none, guilty?.ordinal != newest?.ordinal {
            attributed.victim = newest
        }
        return attributed
    }

    /// From the guilty exchange's answer to what was one too many.
    private func delay(of finding: Finding, _ guilty: Exchange?, _ seenAt: UInt64) -> UInt64? {
        // Where an answer's own header block is malformed, nothing has come before.
        guard let guilty, place != .inAnswer else { return nil }
        if let delay = finding.attribution?.suspects.first?.delay { return delay }
        let since = place == .inChunkedBody ? guilty.answer.headAt : guilty.answer.endedAt
        return since > 0 ? seenAt - min(since, seenAt) : nil
    }
}
