import Detector
import EventLoop
import Facts
import HTTP1
import HTTP2
import Report
import Wire

/// What stands where an answer, or more of one, was due and is none: on a connection or on a stream of one, dealt with in one way.
extension Worker {
    // MARK: The answer itself

    /// Bytes that are not what an answer's framing calls for.
    mutating func malformed(_ slot: UpstreamSlot, _ fault: Malformation, _ bytes: UnsafePointer<UInt8>, _ count: Int) {
        let u = upstreams[slot]
        let sighting = Sighting(slot, at: u.pointee.received, bytes, count)
        let isInBody = u.pointee.decoder.phase == .body
        // A status line that is wrong is this answer's own fault; what is none was there before it.
        let isStray =
            !isInBody && fault == .startLine && !u.pointee.last.isEmpty && !SurplusReader.begins(bytes, count, like: "HTTP/")
        if isStray { return strayBeforeAnswer(sighting, leftBeforeRequest: false) }
        if fault.isOurLimit { return answerOverLimits(slot, UpstreamRejectReason(fault)) }
        guard isInBody else {
            exchanges[u.pointee.exchange].pointee.answer.startOffset = u.pointee.received
            return answerBroken(sighting, .inAnswer, FaultReason.ofHead(fault, bytes, count))
        }
        answerBroken(
            sighting, .inChunkedBody, FaultReason.ofBody(fault, bytes, count),
            beginsAnother: SurplusReader.begins(bytes, count, like: "HTTP/1."))
    }

    /// An answer cannot be gone on with: its client gets an error, or sees it cut. A stream's siblings go on.
    mutating func answerBroken(
        _ sighting: Sighting, _ place: SurplusPlace, _ reason: String, beginsAnother: Bool = false
    ) {
        let carrier = sighting.carrier
        let exchange = upstreams[carrier].pointee.exchange
        var current = exchangeInProgress(on: carrier)
        current.answer.endedAt = now
        var collection = collection(sighting, place)
        collection.reason = reason
        collection.clientImpact = cutsAnswer(exchange) ? .aborted : .badGateway
        part(carrier)
        exchanges[exchange].pointee.request.head = Buffer()
        if sighting.goesOn {
            if access.isOn { name(&collection, of: exchange) }
            collect(collection, sighting)
            remember(current, on: carrier)
            if beginsAnother { quarantine(carrier, for: current) }
        } else {
            name(&collection, of: exchange)
            collection.current = current
        }
        // What is whole goes to the client first.
        endBroken(exchange, record: current.request)
        if sighting.goesOn { return readWatched(carrier) }
        closeUpstreamStream(carrier)
        conclude(&collection, sighting.connection)
        giveBack(&collection)
    }

    /// An interim response in an answer's body: recorded, left out, and the answer goes on. On a connection, where nothing but its framing
    /// says which bytes are whose, not under `fail`: false then.
    @discardableResult
    mutating func interimInBody(_ sighting: Sighting) -> Bool {
        let u = upstreams[sighting.carrier]
        let exchange = u.pointee.exchange
        guard mayTakeInterim(exchange) else { return false }
        let current = exchangeInProgress(on: sighting.carrier)
        var collection = collection(sighting, .inChunkedBody)
        collection.current = current
        var fails = false
        if !u.pointee.hop.framesBodies {
            u.pointee.mustClose = true
            quarantine(sighting.carrier, for: current)
            fails = plan.routes[Int(current.request.route)].onViolation == .fail
        }
        name(&collection, of: exchange)
        if fails { collection.clientImpact = cutsAnswer(exchange) ? .aborted : .badGateway }
        conclude(&collection, sighting.connection)
        guard fails else { return true }
        failExchange(exchange, status: 502, "the upstream sent an interim response inside its answer")
        return false
    }

    // MARK: What was there before it

    /// Where an answer was due stands something that the exchange before has left, or, as its mark says, another's answer: this request
    /// may be answered elsewhere.
    mutating func strayBeforeAnswer(_ sighting: Sighting, leftBeforeRequest: Bool, mark: Surplus.Mark? = nil) {
        let carrier = sighting.carrier
        let exchange = upstreams[carrier].pointee.exchange
        var collection = collection(sighting, .beforeAnswer)
        // The request lives on, so its record is copied.
        var current = exchangeInProgress(on: carrier)
        current.request = copyOf(current.request)
        collection.current = current
        collection.leftBeforeRequest = leftBeforeRequest
        collection.mark = mark
        if sighting.goesOn {
            if access.isOn { name(&collection, of: exchange) }
            collect(collection, sighting)
            part(carrier)
            quarantine(carrier, for: upstreams[carrier].pointee.last)
        } else {
            name(&collection, of: exchange)
            detach(carrier, .incident)
        }
        outbox.clear()
        // What is another's for certain says nothing of the server's health: again, on a new connection.
        let impact: ClientImpact = retryOrFail(exchange, mark == nil ? .unanswered : .stale) ? .none : .badGateway
        if sighting.goesOn {
            surplus.note(impact, of: SurplusSource(carrier.index))
            return readWatched(carrier)
        }
        collection.clientImpact = impact
        conclude(&collection, sighting.connection)
        giveBack(&collection)
    }

    /// Bytes left the upstream before the request had arrived there: they are not its answer. False when they are harmless.
    mutating func sentBeforeRequest(_ slot: UpstreamSlot, _ count: Int) -> Bool {
        // Line ends are passed over where the answer is read.
        if SurplusReader.isOnlyLineEnds(transport.readBuffer, count) { return false }
        if SurplusReader.mayBeInnocent(transport.readBuffer, count) {
            // Perhaps a timeout's notice that crossed the request: innocent once the close is there.
            let exchange = upstreams[slot].pointee.exchange
            part(slot)
            beginSurplus(slot, .idle, transport.readBuffer, count)
            retryOrFail(exchange, .stale)
            readWatched(slot)
            return true
        }
        strayBeforeAnswer(
            Sighting(slot, at: upstreams[slot].pointee.received, transport.readBuffer, count), leftBeforeRequest: true)
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
        guard SurplusReader.begins(bytes + blank, count - blank, like: "HTTP/1.", orShorter: true) else { return nil }
        recordLineEnds(slot, bytes, blank)
        return blank
    }

    /// Line ends before an answer after which more is waited for; more of them are garbage.
    private static var lineEndsMax: Int { 64 }

    mutating func recordLineEnds(_ slot: UpstreamSlot, _ bytes: UnsafePointer<UInt8>, _ count: Int) {
        let u = upstreams[slot]
        var collection = collection(Sighting(slot, at: u.pointee.received, bytes, count), .beforeAnswer)
        let route = Int(u.pointee.last.request.route)
        if plan.routes[route].onViolation != .observe { u.pointee.mustClose = true }
        conclude(&collection, slot)
    }
}
