import Detector
import EventLoop
import Facts
import HTTP1
import HTTP2
import Report
import Wire

/// Recording what an upstream has done: the facts of its slot become a finding, and `IncidentWriter` makes a record of it.
/// Cold: ordinary Swift, run once an incident.
extension Worker {
    /// Records a finding about the exchange in progress on a connection, or a stream; its line in the access log names it.
    mutating func record(_ finding: Finding, ofExchangeOn slot: UpstreamSlot) {
        let guilty = exchangeInProgress(on: slot)
        let id = newIncidentID()
        note(id, of: upstreams[slot].pointee.exchange)
        submit(IncidentWriter.incident(finding, at: place(slot, seenAt: now, id: id), guilty: party(guilty)))
    }

    /// Lines of an answer's header block end in a line feed alone. That does nobody any harm (RFC 9112 section 2.2), and is recorded once.
    mutating func recordLineFeeds(_ slot: UpstreamSlot) {
        var finding = Finding(
            Verdict(.malformedMessage, severity: .info, in: .inHead), .bareLineFeeds,
            connectionOffset: upstreams[slot].pointee.received)
        finding.reason = "lines that end in LF alone, not in CRLF"
        record(finding, ofExchangeOn: slot)
    }

    /// A header block that began inside a Content-Length body which then stopped: perhaps the answer that should have been the whole.
    mutating func recordBlockThatStopsShort(_ slot: UpstreamSlot) {
        let u = upstreams[slot]
        guard u.pointee.statusLine.isFound, let block = surplus.block(in: slot.index) else { return }
        let answer = exchanges[u.pointee.exchange].pointee.answer
        let finding = block.finding(
            inCutBodyOf: answer, received: u.pointee.received, at: now, by: SurplusReader.self, sampleBytes: plan.sampleBytes)
        if let finding { record(finding, ofExchangeOn: slot) }
    }

    /// Records what a surplus was; returns whose it is, or is most likely.
    @discardableResult
    mutating func record(_ finding: Finding, _ slot: UpstreamSlot, _ surplus: Surplus) -> FinishedExchange {
        let attributed = surplus.attribute(finding, past: past(slot, surplus.mark), by: SurplusReader.self, habits: &habits)
        for one in attributed {
            let place = place(slot, seenAt: one.seenAt, id: one.id)
            submit(
                IncidentWriter.incident(
                    one.finding, at: place, guilty: one.guilty.flatMap { party($0) },
                    victim: one.victim.flatMap { party($0) }, suspects: one.suspects.compactMap { party($0) },
                    latest: one.latest.flatMap { party($0) }))
        }
        return attributed.first?.guilty ?? FinishedExchange()
    }

    /// The exchanges that a connection remembers, the newest first; where streams share it, the one that a mark names.
    private func past(_ slot: UpstreamSlot, _ mark: Surplus.Mark?) -> [FinishedExchange] {
        let u = upstreams[slot]
        guard u.pointee.sharedIndex >= 0 else {
            return (0..<u.pointee.history.count).map { u.pointee.history[$0] }.filter { !$0.isEmpty }
        }
        guard case .of(let ordinal) = mark else { return [] }
        let sender = multiplexing[u.pointee.sharedIndex].finished?.first { $0.exchange.ordinal == ordinal }
        return sender.map { [$0.exchange] } ?? []
    }

    // MARK: Parts of a record

    func place(_ slot: UpstreamSlot, seenAt: UInt64, id: String?) -> IncidentPlace {
        let u = upstreams[slot]
        return place(server: u.pointee.server, connection: u.pointee.number, seenAt: seenAt, id: id)
    }

    func place(server: ServerIndex, connection: UInt64, seenAt: UInt64, id: String?) -> IncidentPlace {
        let upstream = plan.upstreams[servers.upstream(server)]
        let time = kernel.wallClock()
        return IncidentPlace(
            upstream: upstream.name, address: upstream.servers[Int(servers[server].index)].name, connection: connection,
            protocolName: upstream.protocol.version.name, id: id ?? IncidentID.shared.next(timeNanoseconds: time),
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
        var slot = upstreams.next(after: .none)
        while slot.exists {
            if upstreams[slot].pointee.number == mark.connection,
                let exchange = exchange(slot, mark.ordinal), let party = party(exchange)
            {
                fleetState.recorder.desk?.identify(mark, party.client)
                return
            }
            slot = upstreams.next(after: slot)
        }
        // Its connection may have gone, and taken its record to those that wait to be judged.
        for hangup in hangups.waiting
        where hangup.exchange.connection == mark.connection && hangup.exchange.finished.ordinal == mark.ordinal {
            guard let party = party(hangup.exchange.finished) else { continue }
            fleetState.recorder.desk?.identify(mark, party.client)
            return
        }
    }

    /// The exchange of this ordinal on the connection: the one in progress, or one that has ended.
    func exchange(_ slot: UpstreamSlot, _ ordinal: UInt32) -> FinishedExchange? {
        let u = upstreams[slot]
        if u.pointee.exchange.exists, u.pointee.ordinal == ordinal { return exchangeInProgress(on: slot) }
        guard u.pointee.sharedIndex >= 0 else { return u.pointee.history.first { $0.ordinal == ordinal } }
        return multiplexing[u.pointee.sharedIndex].finished?.first { $0.exchange.ordinal == ordinal }?.exchange
    }

    private func incidentRequest(_ record: RequestRecord) -> Incident.Request {
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

    /// An incident is recorded at once, unless more of it may come with the frames that have been read.
    mutating func conclude(_ incident: ClientIncident, _ slot: ClientSlot) {
        guard incident.isOpen else { return submit(incident.record) }
        recordClientSurplus(slot)
        multiplexing[clients[slot].pointee.sharedIndex].surplus = incident
        frameClient(slot)
    }

    /// What bytes or frames have come to that have ended on a connection, in an incident if they are none that is innocent.
    @discardableResult
    mutating func conclude(_ collection: inout Surplus, _ slot: UpstreamSlot, closed: Bool = false) -> Conclusion {
        let u = upstreams[slot]
        let wasHeldBack = u.pointee.last.answer.wasHeldBack
        guard
            let finding = collection.settle(
                by: SurplusReader.self, closed: closed, untimed: wasHeldBack, sampleBytes: plan.sampleBytes)
        else { return .innocent }
        if finding.verdict.kind != .malformedMessage {
            counters.addSurplus(upstream: servers.upstream(u.pointee.server), bytes: collection.total)
        }
        if let inside = embedded(slot, explaining: collection) {
            if inside.verdict.certainty == .proven { return .doubleSend(record(inside, slot, collection)) }
            // It is recorded beside the surplus itself, which has that id.
            var other = collection
            other.id = nil
            record(inside, slot, other)
        }
        // The body that its header block has announced, and that was recorded with it.
        if finding.verdict.kind == .bodyAfterEnd, collection.place == .afterEnd, u.pointee.announcesForbiddenBody {
            return .recorded
        }
        let guilty = record(finding, slot, collection)
        return finding.verdict.provesDoubleSend ? .doubleSend(guilty) : .recorded
    }

    /// The turn is over, or the connection: what there is of it is recorded.
    mutating func recordClientSurplus(_ slot: ClientSlot) {
        let shared = multiplexing[clients[slot].pointee.sharedIndex]
        guard let surplus = shared.surplus else { return }
        shared.surplus = nil
        submit(surplus.record)
    }

    /// Something inside the last answer's Content-Length body that explains what came after its end.
    private func embedded(_ slot: UpstreamSlot, explaining collection: Surplus) -> Finding? {
        let u = upstreams[slot]
        let last = u.pointee.last
        guard collection.place == .afterEnd || collection.place == .idle, last.answer.framing == .length else { return nil }
        var block = u.pointee.statusLine.isFound ? surplus.block(in: slot.index) : nil
        // The body may end in the middle of the status line's first word.
        let matched = Int(u.pointee.statusLine.matched)
        if block == nil, matched > 0 {
            block = EmbeddedBlock(offset: last.answer.bodyBytes - UInt64(matched))
            block?.add(EmbeddedStatusLine.beginning.utf8Start, matched)
        }
        return block?.finding(explaining: collection, after: last, by: SurplusReader.self, sampleBytes: plan.sampleBytes)
    }
}
