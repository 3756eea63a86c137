import CShim
import Detector
import EventLoop
import Exchanges
import Glibc
import HTTP1
import Report
import Wire

/// Telling incidents: who, where, with what evidence. Cold: ordinary Swift, run once an incident.
extension Worker {
    /// Whether an answer's header block may be passed on although it says something twice, or contradicts itself.
    mutating func headMayPass(_ slot: Int32) -> Bool {
        let u = upstreams[slot]
        let number = u.pointee.exchange
        let e = exchanges[number]
        let policy = plan.routes[Int(e.pointee.request.route)].onViolation
        let facts = responseBlock.facts
        // Lengths that differ leave no way to know where the body ends.
        let isUnusable =
            responseBlock.status >= 200 && facts.isDisjoint(with: .codings)
            && !facts.isDisjoint(with: [.contentLengthDiffers, .contentLengthInvalid])
        let fails = isUnusable || policy == .fail
        let guilty = FinishedExchange(request: e.pointee.request, answer: e.pointee.answer, ordinal: u.pointee.ordinal)
        let ends = responseBlock.endsConnection
        for verdict in Judge.head(
            facts, duplicates: responseBlock.duplicates, status: responseBlock.status, endsConnection: ends)
        {
            var incident = incidentSkeleton(verdict, slot, guilty)
            incident.evidence.fields = verdict.kind == .duplicateField ? duplicateNames() : framingNames()
            incident.evidence.offset = 0
            incident.evidence.connectionOffset = u.pointee.received
            incident.clientImpact = fails ? .badGateway : .none
            incident.message =
                "\(subject(slot)) sent \(incident.evidence.fields?.joined(separator: ", ") ?? "") "
                + (verdict.kind == .duplicateField ? "more than once" : "that contradict each other")
                + " in its answer to \(naming(guilty.request))"
            note(incident.id, of: number)
            record(incident)
        }
        // Whoever contradicts itself about framing may go on doing so in the next answer.
        if policy != .observe || Judge.isConflicting(facts, status: responseBlock.status, endsConnection: ends) {
            u.pointee.mustClose = true
        }
        guard fails else { return true }
        failExchange(number, status: 502, "the upstream's answer is not framed unambiguously")
        return false
    }

    /// Lines of an answer's header block end in a line feed alone. That does nobody any harm (RFC 9112 section 2.2), and is told once.
    mutating func tellLineFeeds(_ slot: Int32) {
        let u = upstreams[slot]
        let e = exchanges[u.pointee.exchange]
        let guilty = FinishedExchange(request: e.pointee.request, answer: e.pointee.answer, ordinal: u.pointee.ordinal)
        var incident = incidentSkeleton(Verdict(.malformedMessage, severity: .info, in: .inHead), slot, guilty)
        incident.action = .observe
        incident.evidence.offset = 0
        incident.evidence.connectionOffset = u.pointee.received
        incident.message =
            "\(subject(slot)) sent a header block with lines that end in LF alone, not in CRLF, in its answer to "
            + naming(guilty.request)
        note(incident.id, of: u.pointee.exchange)
        world.recorder.record(incident)
    }

    private func duplicateNames() -> [String] {
        (responseBlock.facts.contains(.statusRepeated) ? [":status"] : [])
            + FieldName.allCases.filter { responseBlock.duplicates & (1 << UInt32($0.rawValue)) != 0 }.map { "\($0.text)" }
    }

    private func framingNames() -> [String] {
        [FieldName.contentLength, .transferEncoding].filter { responseBlock.has($0) }.map { "\($0.text)" }
    }

    /// An answer was cut: closed or reset before its promised end.
    mutating func truncated(_ slot: Int32, _ phase: Phase) {
        let socket = upstreams[slot].pointee.socket
        var what = "closed the connection"
        if socket.isBroken || socket.refusesBytes { what = socket.security == .failed ? "broke TLS" : "reset the connection" }
        if socket.isCut { what += " without TLS's close_notify" }
        tellUnfinished(slot, Verdict(.truncatedResponse, in: phase), what, .error)
    }

    /// The promised rest of an answer did not come in time.
    mutating func stalled(_ slot: Int32) {
        tellUnfinished(slot, Verdict(.stalledResponse, in: .inBody), "sent nothing more", .incident)
    }

    private mutating func tellUnfinished(_ slot: Int32, _ verdict: Verdict, _ what: String, _ reason: CloseReason) {
        let u = upstreams[slot]
        let number = u.pointee.exchange
        let e = exchanges[number]
        let guilty = FinishedExchange(request: e.pointee.request, answer: e.pointee.answer, ordinal: u.pointee.ordinal)
        var incident = incidentSkeleton(verdict, slot, guilty)
        incident.evidence.connectionOffset = u.pointee.received
        incident.evidence.offset = u.pointee.received - min(u.pointee.received, guilty.answer.startOffset)
        if guilty.answer.headAt > 0 { incident.evidence.delayMilliseconds = Double(now - guilty.answer.headAt) / 1e6 }
        incident.clientImpact = verdict.phase == .inHead ? .badGateway : .aborted
        let place = verdict.phase == .inHead ? "in the header block" : "\(guilty.answer.bodyBytes) bytes into the body"
        let promised = guilty.answer.declaresLength ? " of \(guilty.answer.declaredBytes)" : ""
        incident.message = "\(subject(slot)) \(what) \(place)\(promised) of \(naming(guilty.request))"
        note(incident.id, of: number)
        record(incident)
        detach(slot, reason)
        failExchange(number, status: 502, "the upstream did not finish its answer")
    }

    /// Tells what a surplus was.
    mutating func tell(
        _ verdict: Verdict, _ slot: Int32, _ collection: SurplusCollection, _ facts: SurplusFacts,
        guilty named: FinishedExchange? = nil
    ) {
        let guilty = named ?? guilty(verdict, slot, collection)
        var incident = incidentSkeleton(verdict, slot, guilty)
        fill(&incident.evidence, collection, facts, guilty)
        // What is malformed is no surplus.
        if verdict.kind == .malformedMessage { incident.evidence.surplusBytes = nil }
        if verdict.kind == .misdeliveredResponse { incident.evidence.proof = .unacknowledgedRequest }
        if let id = collection.id { incident.id = id }
        incident.clientImpact = impact(of: collection)
        if verdict.phase == .nextExchange, let current = collection.current {
            incident.victim = incidentRequest(current.request)
        }
        incident.message = "\(subject(slot)) sent \(describe(facts, verdict)) \(position(verdict, guilty, incident.evidence))"
        // Two answers in one read are one request's as a rule. They can be those of two: then the other is this one.
        let before = upstreams[slot].pointee.beforeLast.request
        if verdict.kind == .secondResponse, verdict.phase == .afterEnd, collection.place == .afterEnd, !before.isEmpty {
            incident.message += ", which followed \(naming(before)) on the connection"
        }
        record(incident)
    }

    private func impact(of collection: SurplusCollection) -> ClientImpact {
        switch collection.impact {
        case .none: .none
        case .aborted: .aborted
        case .badGateway: .badGateway
        }
    }

    /// More answers than requests, the surplus apart from the answer before it: each may have been the other's.
    mutating func tellShift(_ slot: Int32, _ collection: SurplusCollection) {
        let u = upstreams[slot]
        let verdict = Verdict(.misdeliveredResponse, .suspected, in: .idle, by: .previous)
        var incident = incidentSkeleton(verdict, slot, u.pointee.beforeLast)
        incident.evidence.proof = .accounting
        incident.evidence.connectionOffset = collection.connectionOffset
        incident.evidence.surplusBytes = collection.total
        incident.evidence.delayMilliseconds = Double(collection.startedAt - u.pointee.last.answer.endedAt) / 1e6
        incident.clientImpact = .misdelivered
        incident.victim = incidentRequest(u.pointee.last.request)
        incident.message =
            "\(subject(slot)) sent more answers than it had requests: \(naming(u.pointee.last.request)) may have been "
            + "given a late answer to \(naming(u.pointee.beforeLast.request)), or was itself answered twice"
        record(incident)
    }

    /// A status line stood inside a Content-Length body, and bytes came after its end. True when that explains them.
    mutating func tellEmbedded(_ slot: Int32, _ capture: EmbeddedCapture, _ collection: SurplusCollection) -> Bool {
        let u = upstreams[slot]
        let block = SurplusReader.read(capture.kept, total: UInt64(capture.kept.count))
        guard block.status != nil, let verdict = Judge.embedded(block, surplusBytes: collection.total) else { return false }
        let guilty = u.pointee.last
        var incident = incidentSkeleton(verdict, slot, guilty)
        fill(&incident.evidence, collection, block, guilty)
        // What is only suspected may be told beside the surplus itself, which has that id.
        if verdict.certainty == .proven, let id = collection.id { incident.id = id }
        // The offending bytes begin inside the body, not where the surplus begins.
        let bodyStart = collection.connectionOffset - guilty.answer.bodyBytes
        incident.evidence.connectionOffset = bodyStart + capture.offset
        incident.evidence.offset = bodyStart + capture.offset - guilty.answer.startOffset
        incident.evidence.surplusBytes = collection.total
        incident.evidence.proof = verdict.certainty == .proven ? .accounting : nil
        incident.clientImpact = impact(of: collection)
        // The block may be the answer to an exchange before, and the client has what of it stood within the body.
        if verdict.kind == .headerBlockInBody, verdict.certainty == .proven, guilty.ordinal > 1, collection.impact == .none {
            incident.clientImpact = .misdelivered
        }
        incident.message =
            "\(subject(slot)) sent \(describe(block, verdict)) \(capture.offset) bytes into the Content-Length body of "
            + "\(naming(guilty.request)), which pushed \(collection.total) bytes past its end"
        record(incident)
        return verdict.certainty == .proven
    }

    // MARK: Parts of a record

    private mutating func incidentSkeleton(_ verdict: Verdict, _ slot: Int32, _ guilty: FinishedExchange) -> Incident {
        let u = upstreams[slot]
        var incident = incidentSkeleton(verdict, server: Int(u.pointee.server), connection: u.pointee.number, guilty)
        if u.pointee.isStream || u.pointee.multiplex >= 0 { incident.protocolName = HTTPVersion.http2.name }
        return incident
    }

    func incidentSkeleton(_ verdict: Verdict, server: Int, connection: UInt64, _ guilty: FinishedExchange) -> Incident {
        let place = servers[server]
        let upstream = plan.upstreams[Int(place.upstream)]
        let time = kernel.wallClock()
        let hasRequest = !guilty.isEmpty
        let route = hasRequest ? plan.routes[Int(guilty.request.route)] : nil
        var incident = Incident(
            timeNanoseconds: time, id: IncidentID.shared.next(timeNanoseconds: time), severity: verdict.severity,
            kind: verdict.kind,
            certainty: verdict.certainty, origin: .upstream,
            action: verdict.certainty == .suspected ? .observe : route?.onViolation ?? .contain,
            clientImpact: .none, message: "", route: route?.name ?? MetricsSchema.none, protocolName: HTTPVersion.http11.name,
            evidence: Incident.Evidence(phase: verdict.phase))
        incident.upstream = Incident.Upstream(
            name: upstream.name, address: upstream.servers[Int(place.index)].name, connection: connection,
            exchange: guilty.ordinal)
        guard hasRequest else { return incident }
        incident.client = Incident.Client(address: guilty.request.client.text, protocolName: guilty.request.clientVersion.name)
        incident.request = incidentRequest(guilty.request)
        if guilty.answer.status != 0 {
            incident.response = Incident.Response(
                status: Int(guilty.answer.status), framing: guilty.answer.framingName,
                declaredBytes: guilty.answer.declaresLength ? guilty.answer.declaredBytes : nil,
                bodyBytes: guilty.answer.bodyBytes)
        }
        return incident
    }

    func incidentRequest(_ record: RequestRecord) -> Incident.Request {
        var request = Incident.Request(
            id: record.text(record.id), method: record.text(record.methodText), path: record.text(record.target))
        let host = record.text(record.host)
        if !host.isEmpty { request.host = host }
        let trace = Array(record.text(record.trace).utf8)
        if trace.count >= 55 {
            request.traceID = String(decoding: trace[3..<35], as: UTF8.self)
            request.spanID = String(decoding: trace[36..<52], as: UTF8.self)
        }
        return request
    }

    private func fill(
        _ evidence: inout Incident.Evidence, _ collection: SurplusCollection, _ facts: SurplusFacts, _ guilty: FinishedExchange
    ) {
        evidence.connectionOffset = collection.connectionOffset
        if !guilty.isEmpty {
            evidence.offset = collection.connectionOffset - min(collection.connectionOffset, guilty.answer.startOffset)
            let since = collection.place == .inChunkedBody ? guilty.answer.headAt : guilty.answer.endedAt
            // Where an answer's own header block is malformed, nothing has come before.
            if since > 0, collection.place != .inAnswer {
                evidence.delayMilliseconds = Double(collection.startedAt - min(since, collection.startedAt)) / 1e6
            }
        }
        evidence.surplusBytes = collection.total
        evidence.secondStatus = facts.status
        if facts.status != nil { evidence.secondFields = facts.fields }
        evidence.startLine = facts.startLine
        if plan.sampleBytes > 0 { evidence.sample = Array(collection.kept.prefix(plan.sampleBytes)) }
    }

    private func subject(_ slot: Int32) -> String {
        "upstream \(plan.upstreams[Int(servers[Int(upstreams[slot].pointee.server)].upstream)].name)"
    }

    /// Method and path, without the query's values.
    func naming(_ record: RequestRecord) -> String {
        record.isEmpty
            ? "no request" : "\(record.text(record.methodText)) \(QueryRedaction.redacted(record.text(record.target)))"
    }

    private func describe(_ facts: SurplusFacts, _ verdict: Verdict) -> String {
        switch verdict.kind {
        case .secondResponse, .misdeliveredResponse:
            facts.startLine.map { "a second answer (\($0))" } ?? "a second answer"
        case .headerBlockInBody: facts.startLine.map { "a second header block (\($0))" } ?? "a second header block"
        case .lateInterim: facts.startLine.map { "an interim response (\($0))" } ?? "an interim response"
        case .malformedMessage: "bytes that are not HTTP"
        default: "\(facts.total) \(facts.total == 1 ? "byte" : "bytes")\(facts.isOnlyLineEnds ? " of line ends" : "")"
        }
    }

    private func position(_ verdict: Verdict, _ guilty: FinishedExchange, _ evidence: Incident.Evidence) -> String {
        let name = naming(guilty.request)
        guard !guilty.isEmpty else { return "on a connection that had served no request" }
        switch verdict.phase {
        case .inHead: return "where the answer to \(name) was due"
        case .inBody: return "\(guilty.answer.bodyBytes) bytes into the body of \(name)"
        case .afterEnd: return "right after the end of its answer to \(name)"
        case .idle: return "\(milliseconds(evidence)) ms after the end of its answer to \(name)"
        case .nextExchange: return "before the next answer, \(milliseconds(evidence)) ms after the end of its answer to \(name)"
        }
    }

    func milliseconds(_ evidence: Incident.Evidence) -> String {
        let tenths = Int(((evidence.delayMilliseconds ?? 0) * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }
}
