import CShim
import Detector
import EventLoop
import Exchanges
import HTTP1
import Report
import Wire

/// Bytes that no answer accounts for: collecting them, acting at once, judging when they have ended.
extension Worker {
    /// So long an upstream is listened to for strays, after its last exchange and after the first surplus byte.
    static var listenTime: UInt64 { 100_000_000 }

    /// Bytes have come behind an answer's end. Acts now; the incident is told when the bytes have ended.
    mutating func beginSurplus(_ slot: Int32, _ place: SurplusPlace, _ bytes: UnsafePointer<UInt8>, _ count: Int) {
        collectFrom(slot, place, bytes, count)
        // Line ends are no second answer, and a timeout's notice is innocent once the close is there. What else has come is a
        // second answer until its bytes say otherwise.
        if !isOnlyLineEnds(bytes, count), !EmbeddedStatusLine.mayBe(408, bytes, count) {
            quarantine(slot, for: upstreams[slot].pointee.last)
        }
    }

    func isOnlyLineEnds(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        (0..<count).allSatisfy { bytes[$0] == 0x0d || bytes[$0] == 0x0a }
    }

    /// Whether the bytes begin so; `orShorter`: as far as they go.
    func begins(_ bytes: UnsafePointer<UInt8>, _ count: Int, like text: StaticString, orShorter: Bool = false) -> Bool {
        guard orShorter || count >= text.utf8CodeUnitCount else { return false }
        return (0..<min(count, text.utf8CodeUnitCount)).allSatisfy { bytes[$0] == text.utf8Start[$0] }
    }

    private mutating func collectFrom(_ slot: Int32, _ place: SurplusPlace, _ bytes: UnsafePointer<UInt8>, _ count: Int) {
        let u = upstreams[slot]
        var collection = SurplusCollection(place, connectionOffset: u.pointee.received, startedAt: now)
        collection.add(bytes, count)
        collections[slot] = collection
        u.pointee.received += UInt64(count)
        connectionPool.unwatch(slot, upstreams)
        u.pointee.phase = .surplus
        transport.buffers.give(&u.pointee.socket.input)
        timers.set(upstreamTimer(slot), now + Self.listenTime)
    }

    /// Reads a connection that is only listened to.
    mutating func listen(_ slot: Int32) {
        let u = upstreams[slot]
        var rounds = 0
        while u.pointee.socket.isReadable, !u.pointee.socket.sawEnd, !u.pointee.socket.isBroken {
            guard rounds < Self.readsPerTurn else { return queueUpstream(slot) }
            rounds += 1
            let count = transport.load(&u.pointee.socket, .upstream)
            guard count > 0 else { continue }
            if u.pointee.phase == .listening {
                beginSurplus(slot, .idle, transport.readBuffer, count)
            } else {
                collections[slot]!.add(transport.readBuffer, count, at: now)
                u.pointee.received += UInt64(count)
                if collections[slot]!.isFull { return surplusEnded(slot, closed: false) }
            }
        }
        guard u.pointee.socket.sawEnd || u.pointee.socket.isBroken else { return }
        if u.pointee.phase == .surplus { surplusEnded(slot, closed: true) } else { strayListeningEnded(slot, closed: true) }
    }

    /// The surplus has ended: judge it, tell it, close the connection.
    mutating func surplusEnded(_ slot: Int32, closed: Bool) {
        guard var collection = collections.removeValue(forKey: slot) else { return closeUpstream(slot, .incident) }
        defer { giveBack(&collection) }
        let u = upstreams[slot]
        let upstream = servers.upstream(Int(u.pointee.server))
        let isConfirmed = isConfirmed(collection)
        collection.endAtNextAnswer()
        let facts = SurplusReader.read(collection.kept, total: collection.total)
        var verdict =
            collection.leftBeforeRequest
            ? Judge.sentBeforeRequest(facts)
            : Judge.surplus(
                collection.place, facts, servedBefore: !u.pointee.last.isEmpty, closed: closed,
                untimed: u.pointee.last.answer.wasHeldBack)
        if let proven = verdict, !isConfirmed {
            verdict = Verdict(proven.kind, .suspected, in: proven.phase, by: proven.guilty)
        }
        guard let verdict else { return closeUpstream(slot, .upstreamClosed) }
        if collection.place == .afterEnd || collection.place == .idle, let capture = embeddedBlock(slot, collection) {
            if let guilty = tellEmbedded(slot, capture, collection) {
                quarantine(slot, for: guilty)
                counters.addSurplus(upstream: upstream, bytes: collection.total)
                return closeUpstream(slot, .incident)
            }
        }
        if verdict.kind != .malformedMessage { counters.addSurplus(upstream: upstream, bytes: collection.total) }
        // The body that its header block has announced, and that was told with it.
        if verdict.kind == .bodyAfterEnd, collection.place == .afterEnd, u.pointee.announcesForbiddenBody {
            return closeUpstream(slot, .incident)
        }
        let guilty = tell(
            verdict, slot, collection, facts, reason: verdict.kind == .malformedMessage ? collection.reason : nil)
        if verdict.provesDoubleSend { quarantine(slot, for: guilty) }
        closeUpstream(slot, .incident)
    }

    private mutating func giveBack(_ collection: inout SurplusCollection) {
        if collection.ownsCurrent { transport.buffers.give(&collection.current!.request.head) }
    }

    /// A header block that began inside the last answer's Content-Length body, with what followed it past the body's end.
    private func embeddedBlock(_ slot: Int32, _ collection: SurplusCollection) -> EmbeddedCapture? {
        let u = upstreams[slot]
        guard u.pointee.last.answer.framing == .length else { return nil }
        let bodyBytes = u.pointee.last.answer.bodyBytes
        var capture: EmbeddedCapture
        if u.pointee.hasEmbedded, let seen = embedded[slot] {
            capture = seen
        } else {
            // The body may end in the middle of the status line's first word.
            let matched = Int(u.pointee.statusLine.matched)
            guard matched > 0 else { return nil }
            let beginning: StaticString = "HTTP/1."
            capture = EmbeddedCapture(offset: bodyBytes - UInt64(matched))
            capture.add(beginning.utf8Start, matched)
        }
        collection.kept.withUnsafeBufferPointer { capture.add($0.baseAddress!, $0.count) }
        return capture
    }

    // MARK: In the middle of an answer

    /// Bytes that are not what an answer's framing calls for.
    mutating func malformed(_ slot: Int32, _ fault: Malformation, _ bytes: UnsafePointer<UInt8>, _ count: Int) {
        let u = upstreams[slot]
        let number = u.pointee.exchange
        let e = exchanges[number]
        let isInBody = u.pointee.decoder.phase == .body
        // A status line that is wrong is this answer's own fault; what is none was there before it.
        let isStray = !isInBody && fault == .startLine && !u.pointee.last.isEmpty && !begins(bytes, count, like: "HTTP/")
        if isStray { return strayBeforeAnswer(slot, bytes, count, leftBeforeRequest: false) }
        if fault.isOurLimit { return answerOverLimits(slot, fault) }
        if !isInBody { e.pointee.answer.startOffset = u.pointee.received }
        var current = FinishedExchange(request: e.pointee.request, answer: e.pointee.answer, ordinal: u.pointee.ordinal)
        current.answer.endedAt = now
        collectFrom(slot, isInBody ? .inChunkedBody : .inAnswer, bytes, count)
        collections[slot]!.current = current
        collections[slot]!.reason =
            isInBody ? FaultReason.ofBody(fault, bytes, count) : FaultReason.ofHead(fault, bytes, count)
        collections[slot]!.impact = cutsAnswer(number) ? .aborted : .badGateway
        u.pointee.exchange = -1
        e.pointee.upstream = -1
        noteCollection(slot, of: number)
        remember(current, on: slot)
        e.pointee.request.head = Buffer()
        if isInBody, begins(bytes, count, like: "HTTP/1.") { quarantine(slot, for: current) }
        // What is whole goes to the client first.
        endBroken(number, record: current.request)
        listen(slot)
    }

    /// Where an answer was due stands something that the exchange before has left: this request may be answered elsewhere.
    mutating func strayBeforeAnswer(
        _ slot: Int32, _ bytes: UnsafePointer<UInt8>, _ count: Int, leftBeforeRequest: Bool,
        mark: SurplusCollection.Mark? = nil
    ) {
        let u = upstreams[slot]
        let number = u.pointee.exchange
        let e = exchanges[number]
        var current = FinishedExchange(request: e.pointee.request, answer: e.pointee.answer, ordinal: u.pointee.ordinal)
        // The request lives on, so its record is copied.
        current.request = copyOf(e.pointee.request)
        collectFrom(slot, .beforeAnswer, bytes, count)
        collections[slot]!.current = current
        collections[slot]!.ownsCurrent = true
        collections[slot]!.leftBeforeRequest = leftBeforeRequest
        collections[slot]!.mark = mark
        noteCollection(slot, of: number)
        u.pointee.exchange = -1
        e.pointee.upstream = -1
        quarantine(slot, for: u.pointee.last)
        outbox.clear()
        // What is another's for certain says nothing of the server's health: again, on a new connection.
        collections[slot]!.impact = retryOrFail(number, mark == nil ? .unanswered : .stale) ? .none : .badGateway
        listen(slot)
    }

    /// Bytes left the upstream before the request had arrived there: they are not its answer. False when they are harmless.
    mutating func sentBeforeRequest(_ slot: Int32, _ count: Int) -> Bool {
        let u = upstreams[slot]
        // Line ends are passed over where the answer is read.
        if isOnlyLineEnds(transport.readBuffer, count) { return false }
        if EmbeddedStatusLine.mayBe(408, transport.readBuffer, count) {
            // Perhaps a timeout's notice that crossed the request: innocent once the close is there.
            let number = u.pointee.exchange
            u.pointee.exchange = -1
            exchanges[number].pointee.upstream = -1
            beginSurplus(slot, .idle, transport.readBuffer, count)
            retryOrFail(number, .stale)
            listen(slot)
            return true
        }
        strayBeforeAnswer(slot, transport.readBuffer, count, leftBeforeRequest: true)
        return true
    }

    /// Line ends where an answer was due, and the answer behind them: told, left out. How many to pass over, nil when something else
    /// stands there.
    mutating func lineEndsBeforeAnswer(_ slot: Int32, _ bytes: UnsafePointer<UInt8>, _ count: Int) -> Int? {
        let u = upstreams[slot]
        guard u.pointee.decoder.phase == .head, !u.pointee.last.isEmpty else { return nil }
        var blank = 0
        while blank < count, bytes[blank] == 0x0d || bytes[blank] == 0x0a { blank += 1 }
        guard blank > 0, blank <= Self.lineEndsMax else { return nil }
        if blank == count { return 0 }
        guard begins(bytes + blank, count - blank, like: "HTTP/1.", orShorter: true) else { return nil }
        tellLineEnds(slot, bytes, blank)
        return blank
    }

    /// Line ends before an answer that are waited behind; more of them are garbage.
    private static var lineEndsMax: Int { 64 }

    mutating func tellLineEnds(_ slot: Int32, _ bytes: UnsafePointer<UInt8>, _ count: Int) {
        let u = upstreams[slot]
        var collection = SurplusCollection(.beforeAnswer, connectionOffset: u.pointee.received, startedAt: now)
        collection.add(bytes, count)
        let facts = SurplusReader.read(collection.kept, total: collection.total)
        guard let verdict = Judge.surplus(.beforeAnswer, facts, servedBefore: true, closed: false) else { return }
        let route = Int(u.pointee.last.request.route)
        if plan.routes[route].onViolation != .observe { u.pointee.mustClose = true }
        counters.addSurplus(upstream: servers.upstream(Int(u.pointee.server)), bytes: collection.total)
        tell(verdict, slot, collection, facts)
    }

    /// A copy of a request's record, for an incident that is told when the request itself has moved on.
    mutating func copyOf(_ record: RequestRecord) -> RequestRecord {
        var copy = record
        copy.head = Buffer()
        guard record.head.count > 0 else { return copy }
        // What the client asked for may stand behind the header block.
        let end = max(Int(record.head.end), record.target.end, record.host.end)
        transport.buffers.append(&copy.head, record.head.base!, end)
        copy.head.start = record.head.start
        copy.head.end = record.head.end
        return copy
    }

    /// An interim response among the chunks: told, left out, and the answer goes on, except under `fail`: false then.
    mutating func interimInBody(_ slot: Int32, endingAt end: Int) -> Bool {
        let u = upstreams[slot]
        let e = exchanges[u.pointee.exchange]
        guard mayTakeInterim(u.pointee.exchange) else { return false }
        let blockBytes = responseBlock.byteCount
        let start = end - blockBytes
        var collection = SurplusCollection(
            .inChunkedBody, connectionOffset: u.pointee.received + UInt64(max(0, start)), startedAt: now)
        collection.add(responseBlock.base, blockBytes)
        let facts = SurplusReader.read(collection.kept, total: collection.total)
        var current = FinishedExchange(request: e.pointee.request, answer: e.pointee.answer, ordinal: u.pointee.ordinal)
        current.answer.endedAt = 0
        collection.current = current
        u.pointee.mustClose = true
        quarantine(slot, for: current)
        counters.addSurplus(upstream: Int(e.pointee.upstreamIndex), bytes: collection.total)
        collection.id = newIncidentID()
        note(collection.id!, of: u.pointee.exchange)
        let fails = plan.routes[Int(e.pointee.request.route)].onViolation == .fail
        if fails { collection.impact = cutsAnswer(u.pointee.exchange) ? .aborted : .badGateway }
        let history = u.pointee.history
        let past = [current] + (0..<history.count).map { history[$0] }
        tell(Verdict(.lateInterim, in: .inBody), slot, collection, facts, past: past)
        guard fails else { return true }
        failExchange(u.pointee.exchange, status: 502, "the upstream sent an interim response inside its answer")
        return false
    }

    // MARK: Status lines inside Content-Length bodies

    /// Looks for a status line in a piece of a Content-Length body. Body bytes may spell anything: only the end will tell.
    mutating func lookForStatusLine(_ slot: Int32, _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int) {
        let u = upstreams[slot]
        if u.pointee.hasEmbedded {
            embedded[slot]?.add(bytes, count)
            return
        }
        guard let at = u.pointee.statusLine.find(bytes, count: count) else { return }
        let e = exchanges[u.pointee.exchange]
        let offset = UInt64(Int(e.pointee.answer.bodyBytes) + at)
        u.pointee.hasEmbedded = true
        var capture = EmbeddedCapture(offset: offset)
        if at < 0 {
            let beginning: StaticString = "HTTP/1."
            capture.add(beginning.utf8Start, -at)
            capture.add(bytes, count)
        } else {
            capture.add(bytes + at, count - at)
        }
        embedded[slot] = capture
    }
}
