import EventLoop
import Facts
import HTTP1
import Report
import Wire

/// The access log, a line for each request when its answer has ended; and the ids of requests and incidents.
extension Worker {
    /// Writes the line of an exchange. `record` is its request, which may have left it already.
    mutating func logAccess(
        _ exchange: ExchangeSlot, _ record: RequestRecord, status: Int, _ outcome: AccessEntry.Outcome, ownBytes: Int? = nil
    ) {
        let incidents = access.takeIncidents(of: exchange)
        guard access.isOn else { return }
        let e = exchanges[exchange]
        var entry = AccessEntry()
        entry.outcome = outcome
        entry.client = record.client
        entry.version = record.clientVersion
        entry.status = status
        if let base = record.head.base {
            func text(_ range: ByteRange) -> AccessEntry.Text {
                AccessEntry.Text(start: base + Int(range.start), count: Int(range.count))
            }
            entry.id = text(record.id)
            entry.method = text(record.methodText)
            entry.target = text(record.target)
            entry.host = text(record.host)
            entry.trace = text(record.trace)
            entry.readFields(AccessEntry.Text(start: record.head.first, count: record.head.count))
        }
        entry.route = Int(record.route)
        if e.pointee.server.exists { entry.server = e.pointee.server.place }
        entry.connection = e.pointee.connection
        entry.ordinal = e.pointee.ordinal
        entry.attempts = e.pointee.attempts
        entry.requestBytes = e.pointee.requestBytes
        entry.responseBytes = UInt64(ownBytes ?? Int(e.pointee.answer.bodyBytes))
        entry.duration = now - e.pointee.startedAt
        entry.connectTime = e.pointee.state.place == .connecting ? 0 : e.pointee.connectTime
        if e.pointee.answer.headAt > 0 {
            entry.headerTime = e.pointee.answer.headAt - min(e.pointee.sentAt, e.pointee.answer.headAt)
        }
        add(&entry, incidents)
    }

    /// Writes the line of a request that became no exchange: what is known of it stands in `requestBlock`.
    mutating func logRefusal(
        _ slot: ClientSlot, status: Int, route: Int?, id: String, ownBytes: Int, hasWholeHead: Bool, incident: String?
    ) {
        guard access.isOn else { return }
        var entry = AccessEntry()
        entry.outcome = .own
        entry.client = clients[slot].pointee.address
        let isHTTP2 = clients[slot].pointee.isStream || clients[slot].pointee.phase == .shared
        entry.version = hasWholeHead ? requestBlock.version : isHTTP2 ? .http2 : .http11
        entry.status = status
        entry.route = route ?? -1
        entry.responseBytes = UInt64(ownBytes)
        if hasWholeHead {
            if clients[slot].pointee.isTrusted {
                entry.client = ForwardedClient.find(requestBlock, peer: entry.client, trusted: plan.trusted)
            }
            entry.method = requestBlock.bytes(requestBlock.methodText)
            entry.target = requestBlock.bytes(requestBlock.target)
            if let host = requestBlock.first(.host) { entry.host = requestBlock.value(host) }
            entry.readFields(AccessEntry.Text(start: requestBlock.base, count: requestBlock.byteCount))
        }
        var id = id
        id.withUTF8 {
            entry.id = $0
            add(&entry, incident.map { [$0] } ?? [])
        }
    }

    private mutating func add(_ entry: inout AccessEntry, _ incidents: [String]) {
        entry.timeNanoseconds = kernel.wallClock()
        if access.add(entry, incidents: incidents) { timers.set(timers.timer(.access), now + AccessJournal.waitTime) }
    }

    /// Notes an incident for the line of an exchange in progress.
    mutating func note(_ incident: String, of exchange: ExchangeSlot) { access.note(incident, of: exchange) }

    /// An id for an incident that has been seen and is not recorded yet.
    func newIncidentID() -> String { IncidentID.shared.next(timeNanoseconds: kernel.wallClock()) }

    /// The bytes that are being collected are an incident of this exchange, whose line is written before it is recorded.
    mutating func noteCollection(_ slot: UpstreamSlot, of exchange: ExchangeSlot) {
        let source = SurplusSource(slot.index)
        guard access.isOn, surplus.contains(source) else { return }
        let id = surplus.id(of: source) ?? newIncidentID()
        surplus.name(source, id)
        access.note(id, of: exchange)
    }

    /// What has been collected is an incident of this exchange, whose line may be written before it is recorded.
    mutating func name(_ collection: inout Surplus, of exchange: ExchangeSlot) {
        let id = newIncidentID()
        collection.id = id
        access.note(id, of: exchange)
    }

    /// Bytes after an answer's end are an incident of its exchange; perhaps a timeout's notice is none.
    mutating func noteSurplus(_ bytes: UnsafePointer<UInt8>, _ count: Int, of exchange: ExchangeSlot) {
        guard !EmbeddedStatusLine.mayBe(408, bytes, count) else { return }
        access.surplusSeen(newIncidentID(), of: exchange)
    }

    /// The collection of those bytes has begun: its incident will have that id.
    mutating func takeSurplusID(_ slot: UpstreamSlot) {
        if let id = access.takeSurplusID() { surplus.name(SurplusSource(slot.index), id) }
    }

    mutating func newRequestID() -> String {
        let (high, low) = (random.next(), random.next())
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 32) { space in
            var out = ByteWriter(space.baseAddress!)
            out.putHex(high)
            out.putHex(low)
            return String(decoding: UnsafeBufferPointer(start: space.baseAddress, count: 32), as: UTF8.self)
        }
    }
}
