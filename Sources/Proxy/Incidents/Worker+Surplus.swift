import Detector
import EventLoop
import Exchanges
import HTTP1
import Report
import Wire

/// What no answer accounts for: bytes are collected here, with frames in `Worker+StreamIncidents`; what either has come to is recorded in one way.
extension Worker {
    /// So long a connection to an upstream is watched for strays, after its last exchange and after the first surplus byte.
    static var watchTime: UInt64 { SurplusCollections<FinishedExchange>.collectTime }

    /// Bytes have come after an answer's end. Acts now; the incident is recorded when the bytes have ended.
    mutating func beginSurplus(_ slot: UpstreamSlot, _ place: SurplusPlace, _ bytes: UnsafePointer<UInt8>, _ count: Int) {
        collect(slot, place, bytes, count)
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
    private func begins(_ bytes: UnsafePointer<UInt8>, _ count: Int, like text: StaticString, orShorter: Bool = false) -> Bool {
        guard orShorter || count >= text.utf8CodeUnitCount else { return false }
        return (0..<min(count, text.utf8CodeUnitCount)).allSatisfy { bytes[$0] == text.utf8Start[$0] }
    }

    /// The connection serves nobody any more: all that it still sends is collected.
    private mutating func collect(
        _ slot: UpstreamSlot, _ place: SurplusPlace, _ bytes: UnsafePointer<UInt8>, _ count: Int,
        _ note: (inout Surplus) -> Void = { _ in }
    ) {
        let u = upstreams[slot]
        var collection = Surplus(place, connectionOffset: u.pointee.received, startedAt: now)
        collection.add(bytes, count)
        note(&collection)
        surplus.begin(collection, from: SurplusSource(slot.index))
        u.pointee.received += UInt64(count)
        connectionPool.unwatch(slot, upstreams)
        u.pointee.phase = .surplus
        transport.buffers.give(&u.pointee.socket.input)
        timers.set(upstreamTimer(slot), now + Self.watchTime)
    }

    /// Reads a connection that is only watched for strays, or whose surplus is being collected.
    mutating func readWatched(_ slot: UpstreamSlot) {
        let u = upstreams[slot]
        var rounds = 0
        while u.pointee.socket.isReadable, !u.pointee.socket.sawEnd, !u.pointee.socket.isBroken {
            guard rounds < Self.readsPerTurn else { return queueUpstream(slot) }
            rounds += 1
            let count = transport.load(&u.pointee.socket, .upstream)
            guard count > 0 else { continue }
            if u.pointee.phase == .watched {
                beginSurplus(slot, .idle, transport.readBuffer, count)
            } else {
                u.pointee.received += UInt64(count)
                guard surplus.add(transport.readBuffer, count, at: now, to: SurplusSource(slot.index)) else {
                    return surplusEnded(slot, closed: false)
                }
            }
        }
        guard u.pointee.socket.sawEnd || u.pointee.socket.isBroken else { return }
        if u.pointee.phase == .surplus { surplusEnded(slot, closed: true) } else { watchEnded(slot, closed: true) }
    }

    /// The bytes have ended, or have been waited for long enough: what they were is recorded, and the connection closed.
    mutating func surplusEnded(_ slot: UpstreamSlot, closed: Bool) {
        guard var collection = surplus.take(SurplusSource(slot.index)) else { return closeUpstream(slot, .incident) }
        defer { giveBack(&collection) }
        switch conclude(&collection, slot, closed: closed) {
        case .innocent: return closeUpstream(slot, .upstreamClosed)
        case .recorded: break
        case .doubleSend(let guilty): quarantine(slot, for: guilty)
        }
        closeUpstream(slot, .incident)
    }

    // MARK: What every surplus comes to

    enum Conclusion {
        case innocent
        /// In a record of its own, or in one that there is already.
        case recorded
        /// The handler of this exchange will answer twice again.
        case doubleSend(FinishedExchange)
    }

    /// A collection that was kept owns the copy of its request's record.
    mutating func giveBack(_ collection: inout Surplus) {
        if collection.current != nil { transport.buffers.give(&collection.current!.request.head) }
    }

    // MARK: In the middle of an answer

    /// Bytes that are not what an answer's framing calls for.
    mutating func malformed(_ slot: UpstreamSlot, _ fault: Malformation, _ bytes: UnsafePointer<UInt8>, _ count: Int) {
        let u = upstreams[slot]
        let exchange = u.pointee.exchange
        let e = exchanges[exchange]
        let isInBody = u.pointee.decoder.phase == .body
        // A status line that is wrong is this answer's own fault; what is none was there before it.
        let isStray = !isInBody && fault == .startLine && !u.pointee.last.isEmpty && !begins(bytes, count, like: "HTTP/")
        if isStray { return strayBeforeAnswer(slot, bytes, count, leftBeforeRequest: false) }
        if fault.isOurLimit { return answerOverLimits(slot, fault) }
        if !isInBody { e.pointee.answer.startOffset = u.pointee.received }
        var current = FinishedExchange(request: e.pointee.request, answer: e.pointee.answer, ordinal: u.pointee.ordinal)
        current.answer.endedAt = now
        let impact: ClientImpact = cutsAnswer(exchange) ? .aborted : .badGateway
        collect(slot, isInBody ? .inChunkedBody : .inAnswer, bytes, count) {
            $0.reason = isInBody ? FaultReason.ofBody(fault, bytes, count) : FaultReason.ofHead(fault, bytes, count)
            $0.clientImpact = impact
        }
        u.pointee.exchange = .none
        e.pointee.upstream = .none
        noteCollection(slot, of: exchange)
        remember(current, on: slot)
        e.pointee.request.head = Buffer()
        if isInBody, begins(bytes, count, like: "HTTP/1.") { quarantine(slot, for: current) }
        // What is whole goes to the client first.
        endBroken(exchange, record: current.request)
        readWatched(slot)
    }

    /// Where an answer was due stands something that the exchange before has left: this request may be answered elsewhere.
    mutating func strayBeforeAnswer(
        _ slot: UpstreamSlot, _ bytes: UnsafePointer<UInt8>, _ count: Int, leftBeforeRequest: Bool,
        mark: Surplus.Mark? = nil
    ) {
        let u = upstreams[slot]
        let exchange = u.pointee.exchange
        let e = exchanges[exchange]
        // The request lives on, so its record is copied.
        let current = FinishedExchange(
            request: copyOf(e.pointee.request), answer: e.pointee.answer, ordinal: u.pointee.ordinal)
        collect(slot, .beforeAnswer, bytes, count) {
            $0.current = current
            $0.leftBeforeRequest = leftBeforeRequest
            $0.mark = mark
        }
        noteCollection(slot, of: exchange)
        u.pointee.exchange = .none
        e.pointee.upstream = .none
        quarantine(slot, for: u.pointee.last)
        outbox.clear()
        // What is another's for certain says nothing of the server's health: again, on a new connection.
        let isRetried = retryOrFail(exchange, mark == nil ? .unanswered : .stale)
        surplus.note(isRetried ? .none : .badGateway, of: SurplusSource(slot.index))
        readWatched(slot)
    }

    /// Bytes left the upstream before the request had arrived there: they are not its answer. False when they are harmless.
    mutating func sentBeforeRequest(_ slot: UpstreamSlot, _ count: Int) -> Bool {
        let u = upstreams[slot]
        // Line ends are passed over where the answer is read.
        if isOnlyLineEnds(transport.readBuffer, count) { return false }
        if EmbeddedStatusLine.mayBe(408, transport.readBuffer, count) {
            // Perhaps a timeout's notice that crossed the request: innocent once the close is there.
            let exchange = u.pointee.exchange
            u.pointee.exchange = .none
            exchanges[exchange].pointee.upstream = .none
            beginSurplus(slot, .idle, transport.readBuffer, count)
            retryOrFail(exchange, .stale)
            readWatched(slot)
            return true
        }
        strayBeforeAnswer(slot, transport.readBuffer, count, leftBeforeRequest: true)
        return true
    }

    /// Line ends where an answer was due, and the answer after them: recorded, left out. How many to pass over, nil when something else
    /// stands there.
    mutating func lineEndsBeforeAnswer(_ slot: UpstreamSlot, _ bytes: UnsafePointer<UInt8>, _ count: Int) -> Int? {
        let u = upstreams[slot]
        guard u.pointee.decoder.phase == .head, !u.pointee.last.isEmpty else { return nil }
        var blank = 0
        while blank < count, bytes[blank] == 0x0d || bytes[blank] == 0x0a { blank += 1 }
        guard blank > 0, blank <= Self.lineEndsMax else { return nil }
        if blank == count { return 0 }
        guard begins(bytes + blank, count - blank, like: "HTTP/1.", orShorter: true) else { return nil }
        recordLineEnds(slot, bytes, blank)
        return blank
    }

    /// Line ends before an answer after which more is waited for; more of them are garbage.
    private static var lineEndsMax: Int { 64 }

    mutating func recordLineEnds(_ slot: UpstreamSlot, _ bytes: UnsafePointer<UInt8>, _ count: Int) {
        let u = upstreams[slot]
        var collection = Surplus(.beforeAnswer, connectionOffset: u.pointee.received, startedAt: now)
        collection.add(bytes, count)
        let route = Int(u.pointee.last.request.route)
        if plan.routes[route].onViolation != .observe { u.pointee.mustClose = true }
        conclude(&collection, slot)
    }

    /// A copy of a request's record, for an incident that is recorded when the request itself has moved on.
    mutating func copyOf(_ record: RequestRecord) -> RequestRecord {
        var copy = record
        copy.head = Buffer()
        guard record.head.count > 0 else { return copy }
        // What the client asked for may stand after the header block.
        let end = max(Int(record.head.end), record.target.end, record.host.end)
        transport.buffers.append(&copy.head, record.head.base!, end)
        copy.head.start = record.head.start
        copy.head.end = record.head.end
        return copy
    }

    /// An interim response among the chunks: recorded, left out, and the answer goes on, except under `fail`: false then.
    mutating func interimInBody(_ slot: UpstreamSlot, endingAt end: Int) -> Bool {
        let u = upstreams[slot]
        let e = exchanges[u.pointee.exchange]
        guard mayTakeInterim(u.pointee.exchange) else { return false }
        let blockBytes = responseBlock.byteCount
        let start = end - blockBytes
        var collection = Surplus(
            .inChunkedBody, connectionOffset: u.pointee.received + UInt64(max(0, start)), startedAt: now)
        collection.add(responseBlock.base, blockBytes)
        let current = FinishedExchange(request: e.pointee.request, answer: e.pointee.answer, ordinal: u.pointee.ordinal)
        collection.current = current
        u.pointee.mustClose = true
        quarantine(slot, for: current)
        name(&collection, of: u.pointee.exchange)
        let fails = plan.routes[Int(e.pointee.request.route)].onViolation == .fail
        if fails { collection.clientImpact = cutsAnswer(u.pointee.exchange) ? .aborted : .badGateway }
        conclude(&collection, slot)
        guard fails else { return true }
        failExchange(u.pointee.exchange, status: 502, "the upstream sent an interim response inside its answer")
        return false
    }
}
