import CShim
import Detector
import EventLoop
import Exchanges
import Glibc
import HTTP1
import Report
import Wire

/// Telling what an upstream has done: the facts of its slot become a finding, and `IncidentWriter` makes a record of it.
/// Cold: ordinary Swift, run once an incident.
extension Worker {
    /// Whether an answer's header block may be passed on although it says something twice, or contradicts itself.
    mutating func headMayPass(_ slot: Int32) -> Bool {
        let u = upstreams[slot]
        let number = u.pointee.exchange
        let e = exchanges[number]
        let policy = plan.routes[Int(e.pointee.request.route)].onViolation
        let facts = responseBlock.facts
        // Lengths that differ leave no way to know where the body ends; of two statuses none is the answer's.
        let isUnusable =
            responseBlock.status >= 200 && facts.isDisjoint(with: .codings)
            && !facts.isDisjoint(with: [.contentLengthDiffers, .contentLengthInvalid]) || facts.contains(.statusRepeated)
        let fails = isUnusable || policy == .fail
        let guilty = FinishedExchange(request: e.pointee.request, answer: e.pointee.answer, ordinal: u.pointee.ordinal)
        let ends = responseBlock.endsConnection
        for verdict in Judge.head(
            facts, duplicates: responseBlock.duplicates, status: responseBlock.status, endsConnection: ends)
        {
            if verdict.kind == .conflictingFraming, responseBlock.status == 204 {
                u.pointee.announcesForbiddenBody = true
            }
            let (names, reason) =
                verdict.kind == .duplicateField
                ? HeadFault.repetition(responseBlock) : HeadFault.framing(responseBlock, isKept: !ends)
            var finding = Finding(verdict, .fields(names), connectionOffset: u.pointee.received)
            finding.reason = reason
            finding.clientImpact = fails ? .badGateway : .none
            let id = newIncidentID()
            note(id, of: number)
            tell(finding, slot, guilty, seenAt: now, id: id)
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
        var finding = Finding(
            Verdict(.malformedMessage, severity: .info, in: .inHead), .bareLineFeeds, connectionOffset: u.pointee.received)
        finding.reason = "lines that end in LF alone, not in CRLF"
        let id = newIncidentID()
        note(id, of: u.pointee.exchange)
        tell(finding, slot, guilty, seenAt: now, id: id)
    }

    /// An answer was cut: closed or reset before its promised end. `code`: a stream's reset says why.
    mutating func truncated(_ slot: Int32, _ phase: Phase, code: String? = nil) {
        let socket = upstreams[slot].pointee.socket
        var what = "closed the connection"
        if socket.isBroken || socket.refusesBytes { what = socket.security == .failed ? "broke TLS" : "reset the connection" }
        if upstreams[slot].pointee.isStream, let code { what = "reset the stream with \(code)" }
        if socket.isCut { what += " without TLS's close_notify" }
        tellBlockThatStopsShort(slot)
        tellUnfinished(slot, Verdict(.truncatedResponse, in: phase), what, reason: code, .error)
    }

    /// The promised rest of an answer did not come in time.
    mutating func stalled(_ slot: Int32) {
        let number = upstreams[slot].pointee.exchange
        let answer = exchanges[number].pointee.answer
        if answer.isEventStream {
            // It has promised nothing: its client sees it cut, and may ask again.
            detach(slot, .error)
            return failExchange(number, status: 502, "the upstream's event stream paused for too long")
        }
        tellBlockThatStopsShort(slot)
        let certainty: Certainty = answer.declaresLength ? .proven : .suspected
        tellUnfinished(
            slot, Verdict(.stalledResponse, certainty, in: .inBody), "sent nothing more", reason: nil, .incident)
    }

    private mutating func tellUnfinished(
        _ slot: Int32, _ verdict: Verdict, _ what: String, reason: String?, _ close: CloseReason
    ) {
        let u = upstreams[slot]
        let number = u.pointee.exchange
        let e = exchanges[number]
        let guilty = FinishedExchange(request: e.pointee.request, answer: e.pointee.answer, ordinal: u.pointee.ordinal)
        var finding = Finding(verdict, .unfinished(what), connectionOffset: u.pointee.received)
        if guilty.answer.headAt > 0 { finding.delay = now - guilty.answer.headAt }
        finding.clientImpact = verdict.phase == .inHead ? .badGateway : .aborted
        finding.reason = reason
        let id = newIncidentID()
        note(id, of: number)
        tell(finding, slot, guilty, seenAt: now, id: id)
        detach(slot, close)
        failExchange(number, status: 502, "the upstream did not finish its answer")
    }

    /// A header block that began inside a Content-Length body which then stopped: perhaps the answer that should have been the whole.
    private mutating func tellBlockThatStopsShort(_ slot: Int32) {
        let u = upstreams[slot]
        guard u.pointee.statusLine.isFound, let block = surplus.block(in: slot) else { return }
        let e = exchanges[u.pointee.exchange]
        guard
            let finding = block.finding(
                inCutBodyOf: e.pointee.answer, received: u.pointee.received, at: now, by: SurplusReader.self,
                sampleBytes: plan.sampleBytes)
        else { return }
        let guilty = FinishedExchange(request: e.pointee.request, answer: e.pointee.answer, ordinal: u.pointee.ordinal)
        let id = newIncidentID()
        note(id, of: u.pointee.exchange)
        tell(finding, slot, guilty, seenAt: now, id: id)
    }

    /// Tells what a surplus was; returns whose it is, or is most likely.
    @discardableResult
    mutating func tell(_ finding: Finding, _ slot: Int32, _ surplus: Surplus) -> FinishedExchange {
        let told = surplus.attribute(finding, past: past(slot, surplus.mark), by: SurplusReader.self, habits: &habits)
        for one in told {
            let place = place(slot, seenAt: one.seenAt, id: one.id)
            record(
                IncidentWriter.incident(
                    one.finding, at: place, guilty: one.guilty.flatMap { party($0) },
                    victim: one.victim.flatMap { party($0) }, suspects: one.suspects.compactMap { party($0) },
                    latest: one.latest.flatMap { party($0) }))
        }
        return told.first?.guilty ?? FinishedExchange()
    }

    /// The exchanges that a connection remembers, the newest first; where streams share it, the one that a mark names.
    private func past(_ slot: Int32, _ mark: Surplus.Mark?) -> [FinishedExchange] {
        let u = upstreams[slot]
        guard u.pointee.multiplex >= 0 else {
            return (0..<u.pointee.history.count).map { u.pointee.history[$0] }.filter { !$0.isEmpty }
        }
        guard case .of(let ordinal) = mark else { return [] }
        let sender = multiplexing[u.pointee.multiplex].finished?.first { $0.exchange.ordinal == ordinal }
        return sender.map { [$0.exchange] } ?? []
    }

    // MARK: Parts of a record

    private mutating func tell(_ finding: Finding, _ slot: Int32, _ guilty: FinishedExchange, seenAt: UInt64, id: String?) {
        let place = place(slot, seenAt: seenAt, id: id)
        record(IncidentWriter.incident(finding, at: place, guilty: party(guilty)))
    }

    private func place(_ slot: Int32, seenAt: UInt64, id: String?) -> IncidentPlace {
        let u = upstreams[slot]
        return place(
            server: Int(u.pointee.server), connection: u.pointee.number,
            isHTTP2: u.pointee.isStream || u.pointee.multiplex >= 0, seenAt: seenAt, id: id)
    }

    func place(server: Int, connection: UInt64, isHTTP2: Bool, seenAt: UInt64, id: String?) -> IncidentPlace {
        let upstream = plan.upstreams[servers.upstream(server)]
        let time = kernel.wallClock()
        return IncidentPlace(
            upstream: upstream.name, address: upstream.servers[Int(servers[server].index)].name, connection: connection,
            isHTTP2: isHTTP2, id: id ?? IncidentID.shared.next(timeNanoseconds: time),
            timeNanoseconds: time - min(time, now - min(now, seenAt)), seenAt: seenAt)
    }

    /// An exchange as a record names it; nil when there is none.
    func party(_ exchange: FinishedExchange) -> IncidentParty? {
        guard !exchange.isEmpty else { return nil }
        let route = plan.routes[Int(exchange.request.route)]
        return IncidentParty(
            request: incidentRequest(exchange.request),
            client: Incident.Client(
                address: exchange.request.client.text, protocolName: exchange.request.clientVersion.name),
            route: route.name, policy: route.onViolation, answer: exchange.answer, ordinal: exchange.ordinal)
    }

    /// The probe has reported of this mark. Who its exchange's client is, the worker knows that serves it, as long as its connection
    /// remembers it.
    func identify(_ mark: ExchangeMark) {
        var slot: Int32 = 0
        while slot < upstreams.highest {
            if upstreams.isTaken(slot), upstreams[slot].pointee.number == mark.connection,
                let exchange = exchange(slot, mark.ordinal), let party = party(exchange)
            {
                world.recorder.desk?.identify(mark, party.client)
                return
            }
            slot += 1
        }
    }

    /// The exchange of this number on the connection: the one in progress, or one that has ended.
    private func exchange(_ slot: Int32, _ ordinal: UInt32) -> FinishedExchange? {
        let u = upstreams[slot]
        if u.pointee.exchange >= 0, u.pointee.ordinal == ordinal {
            let e = exchanges[u.pointee.exchange]
            return FinishedExchange(request: e.pointee.request, answer: e.pointee.answer, ordinal: ordinal)
        }
        guard u.pointee.multiplex >= 0 else { return u.pointee.history.first { $0.ordinal == ordinal } }
        return multiplexing[u.pointee.multiplex].finished?.first { $0.exchange.ordinal == ordinal }?.exchange
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

    /// Method and path, without the query's values.
    func naming(_ record: RequestRecord) -> String {
        record.isEmpty
            ? "no request" : "\(record.text(record.methodText)) \(QueryRedaction.redacted(record.text(record.target)))"
    }
}
