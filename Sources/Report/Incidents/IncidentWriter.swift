import Detector
import Facts

/// Makes a record of what has been found on a connection to an upstream. Pure: who, where, and when come from the caller.
public enum IncidentWriter {
    /// - Parameters:
    ///   - guilty: whose it is, or is most likely; nil when the connection had served no request, or that one's answer is not known.
    ///   - victim: the request that met what was not its answer.
    ///   - suspects: who it may be, in the order of the finding's attribution.
    ///   - latest: the connection's last exchange, where the guilty one may be another.
    public static func incident(
        _ found: Finding, at place: IncidentPlace, guilty: IncidentParty?, victim: IncidentParty? = nil,
        suspects: [IncidentParty] = [], latest: IncidentParty? = nil
    ) -> Incident {
        var finding = found
        finding.reason = reason(of: found, guilty)
        let verdict = finding.verdict
        var incident = Incident(
            timeNanoseconds: place.timeNanoseconds, id: place.id, severity: verdict.severity, kind: verdict.kind,
            certainty: verdict.certainty, origin: .upstream,
            action: isOnlyObserved(finding) ? .observe : guilty?.policy ?? .contain,
            clientImpact: finding.clientImpact, message: "", route: guilty?.route ?? MetricsSchema.none,
            protocolName: place.protocolName, evidence: evidence(finding, guilty))
        incident.upstream = Incident.Upstream(
            name: place.upstream, address: place.address, connection: place.connection, exchange: guilty?.ordinal ?? 0)
        incident.victim = victim?.request
        if let guilty {
            incident.client = guilty.client
            incident.request = guilty.request
            incident.response = response(guilty.answer)
            incident.attribution = finding.attribution?.confidence ?? .certain
        }
        if let attribution = finding.attribution, attribution.confidence != .certain {
            incident.candidates = candidates(attribution, suspects, place, victim)
        }
        incident.message =
            IncidentSentence(
                finding: finding, place: place, guilty: guilty, victim: victim, suspects: suspects, latest: latest
            ).text
        return incident
    }

    /// What is suspected, or does no harm, changes nothing.
    private static func isOnlyObserved(_ finding: Finding) -> Bool {
        if case .bareLineFeeds = finding.matter { return true }
        return finding.verdict.certainty == .suspected
    }

    /// The rule that was broken, and what stands where HTTP was due.
    private static func reason(of finding: Finding, _ guilty: IncidentParty?) -> String? {
        if case .surplus = finding.matter, guilty?.answer.isUnsearched == true,
            [.afterEnd, .idle].contains(finding.verdict.phase)
        {
            return unsearched
        }
        guard !finding.shown.isEmpty else { return finding.reason }
        let text = SampleText(beginsInBlock: false, isRequest: false, keepQuery: false).escaped(finding.shown[...])
        return (finding.reason.map { "\($0), " } ?? "") + "beginning with \"\(text)\""
    }

    /// Of what follows a body that has passed unread: it may have begun within it.
    static let unsearched = "the body was not searched for a status line between its first 64 KiB and its last 16 KiB"

    static func response(_ answer: Answer) -> Incident.Response? {
        guard answer.status != 0 else { return nil }
        return Incident.Response(
            status: Int(answer.status), framing: answer.framingName,
            declaredBytes: answer.declaresLength ? answer.declaredBytes : nil, bodyBytes: answer.bodyBytes)
    }

    private static func evidence(_ finding: Finding, _ guilty: IncidentParty?) -> Incident.Evidence {
        var evidence = Incident.Evidence(phase: finding.verdict.phase)
        evidence.connectionOffset = finding.connectionOffset
        if let guilty {
            evidence.offset = finding.connectionOffset - min(finding.connectionOffset, guilty.answer.startOffset)
        }
        evidence.surplusBytes = finding.surplusBytes
        evidence.delayMilliseconds = finding.delay.map { Double($0) / 1e6 }
        evidence.proof = finding.proof
        evidence.reason = finding.reason
        if !finding.sample.isEmpty { evidence.sample = finding.sample }
        switch finding.matter {
        case .surplus(let facts), .embedded(let facts, _):
            evidence.secondStatus = facts.status
            if facts.status != nil { evidence.secondFields = facts.fields }
            evidence.startLine = facts.startLine
        case .fields(let names): evidence.fields = names
        case .unfinished, .hangup, .bareLineFeeds: break
        }
        return evidence
    }

    private static func candidates(
        _ attribution: Attribution, _ suspects: [IncidentParty], _ place: IncidentPlace, _ victim: IncidentParty?
    ) -> [Incident.Candidate] {
        zip(attribution.suspects, suspects).map { suspect, party in
            let since = place.seenAt - min(place.seenAt, party.answer.endedAt)
            return Incident.Candidate(
                request: party.request, route: party.route, status: party.answer.status == 0 ? nil : Int(party.answer.status),
                answeredMillisecondsBefore: suspect.delay == nil ? nil : Double(since) / 1e6,
                reason: AttributionSentence.reason(suspect, attribution, victim: victim))
        }
    }
}
