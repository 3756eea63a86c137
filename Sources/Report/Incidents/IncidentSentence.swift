import Detector
import Facts

/// The `message` of an upstream's incident: who sent what, where, and whose it is. Every word of it stands here.
struct IncidentSentence {
    let finding: Finding
    let place: IncidentPlace
    let guilty: IncidentParty?
    let victim: IncidentParty?
    let suspects: [IncidentParty]
    let latest: IncidentParty?

    var text: String { "upstream \(place.upstream) \(predicate)" }

    private var predicate: String {
        let name = guilty?.name ?? "no request"
        switch finding.matter {
        case .surplus(let facts): return surplus(facts)
        case .embedded(let block, let offset): return embedded(block, offset) + attributed
        case .fields(let names): return fields(names) + " in its answer to \(name)"
        case .bareLineFeeds: return "sent a header block with \(finding.reason ?? "faults") in its answer to \(name)"
        case .unfinished(let what): return unfinished(what)
        case .hangup(let connections): return hangup(connections)
        }
    }

    // MARK: Surplus

    private func surplus(_ facts: SurplusFacts) -> String {
        if let shift = finding.attribution?.shift, let victim, let guilty {
            return "sent one answer more than it had requests on a connection, the last\(quoted(facts.startLine)): "
                + "\(certainly) \(guilty.name) was answered twice, and \(victim.name) was given the second answer "
                + "(status \(shift.status)) for its own" + others
        }
        return "sent \(describe(facts)) \(position)\(reason)\(attributed)"
    }

    private func quoted(_ line: String?) -> String { line.map { " (\($0))" } ?? "" }

    private func describe(_ facts: SurplusFacts) -> String {
        switch finding.verdict.kind {
        case .secondResponse, .misdeliveredResponse: "a second answer" + quoted(facts.startLine)
        case .headerBlockInBody: "a second header block" + quoted(facts.startLine)
        case .lateInterim: "an interim response" + quoted(facts.startLine)
        case .malformedMessage: facts.beginsLikeHeaderBlock ? "an answer that breaks HTTP's rules" : "bytes that are not HTTP"
        default: "\(bytes(facts.total))\(facts.isOnlyLineEnds ? " of line ends" : "")"
        }
    }

    private func bytes(_ count: UInt64) -> String { "\(count) \(count == 1 ? "byte" : "bytes")" }

    private var position: String {
        guard let party = finding.verdict.phase == .inBody ? guilty : latest ?? guilty else {
            // A mark names an exchange that was not answered to its end.
            return victim.map { "where the answer to \($0.name) was due" } ?? "on a connection that had served no request"
        }
        // Times and places are those of the exchange that it followed, whosever it is.
        let name = party.name
        let delay = finding.delay ?? 0
        let since = place.seenAt - min(place.seenAt, party.answer.endedAt)
        let after = AttributionSentence.milliseconds(latest == nil ? delay : since)
        switch finding.verdict.phase {
        case .inHead: return "where the answer to \(name) was due"
        case .inBody: return "\(bytes(party.answer.bodyBytes)) into the body of \(name)"
        case .afterEnd: return "right after the end of its answer to \(name)"
        case .idle: return "\(after) ms after the end of its answer to \(name)"
        case .nextExchange: return "before the next answer, \(after) ms after the end of its answer to \(name)"
        }
    }

    private var reason: String { finding.reason.map { ": \($0)" } ?? "" }

    private func embedded(_ block: SurplusFacts, _ offset: UInt64) -> String {
        var text = "sent \(describe(block)) \(bytes(offset)) into the Content-Length body of \(guilty?.name ?? "no request")"
        if let surplus = finding.surplusBytes, surplus > 0 {
            text += ", which pushed \(bytes(surplus)) past its end"
        } else {
            text += ", which then stopped short"
        }
        return text
    }

    // MARK: Whose it is

    private var certainly: String {
        switch finding.attribution?.confidence {
        case .certain, nil: "certainly"
        case .likely: "most likely"
        case .open: "perhaps"
        }
    }

    /// Whose the surplus is, where more than one may have sent it.
    private var attributed: String {
        guard let attribution = finding.attribution, attribution.confidence != .certain, let guilty else { return "" }
        return "; \(certainly) \(guilty.name)'s own" + others
    }

    private var others: String {
        guard finding.attribution?.confidence != .certain, suspects.count > 1 else { return "" }
        return ", but it may be that of \(suspects[1].name)" + (suspects.count > 2 ? " or another" : "") + " (see candidates)"
    }

    // MARK: Fields, ends

    private func fields(_ names: [String]) -> String {
        if let reason = finding.reason { return "sent \(reason)" }
        let list = names.joined(separator: ", ")
        return "sent \(list) " + (finding.verdict.kind == .duplicateField ? "more than once" : "that contradict each other")
    }

    private func unfinished(_ what: String) -> String {
        guard let guilty else { return what }
        let isInHead = finding.verdict.phase == .inHead
        let spot = isInHead ? "in the header block" : "\(bytes(guilty.answer.bodyBytes)) into the body"
        let promised = guilty.answer.declaresLength ? " of \(guilty.answer.declaredBytes)" : ""
        return "\(what) \(spot)\(promised) of \(guilty.name)\(reason)"
    }

    private func hangup(_ connections: Int) -> String {
        let after =
            "\(AttributionSentence.milliseconds(finding.delay ?? 0)) ms after the end of its answer to \(guilty?.name ?? "")"
        guard connections > 1 else {
            return "hung up \(after), although it had promised to keep the connection"
        }
        return
            "ended all \(connections) connections of server \(place.address) \(after): its process has died, or was stopped just then"
    }
}
