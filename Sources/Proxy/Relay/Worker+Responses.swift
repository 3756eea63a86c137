import Detector
import EventLoop
import Facts
import HTTP1
import Report
import Wire

/// From an upstream's facts to the client: header blocks, bodies, ends.
extension Worker {
    /// Whether an interim response is to be passed on; one that contradicts itself is recorded like any header block.
    mutating func interimMayPass(_ slot: UpstreamSlot) -> Bool {
        if responseBlock.duplicates == 0, !responseBlock.facts.contains(.statusRepeated),
            !Judge.isConflicting(responseBlock.facts, status: responseBlock.status)
        {
            return true
        }
        return headMayPass(slot)
    }

    /// Passes on an interim response (RFC 9110 section 15.2). HTTP/1.0 has none.
    mutating func forwardInterim(_ exchange: ExchangeSlot) {
        guard mayTakeInterim(exchange) else { return }
        let e = exchanges[exchange]
        // A client that has asked whether to send its body knows now.
        restartBodyDeadline(e.pointee.client)
        guard e.pointee.request.clientVersion != .http10 else { return }
        var hop = ResponseHead.Hop(framing: .none, closes: false, isHTTP10: false)
        hop.isInterim = true
        ResponseHead.dropFields(&responseBlock, hop)
        // An interim response has no body (RFC 9110 section 8.6), whatever it says.
        responseBlock.drop(.contentLength)
        putHead(hop, routeActions[Int(e.pointee.request.route)].responseFields)
        sendToClient(e.pointee.client)
    }

    /// The final header block of an answer. False when the exchange has ended with it.
    mutating func answerHead(_ slot: UpstreamSlot, ended: Bool) -> Bool {
        let u = upstreams[slot]
        let exchange = u.pointee.exchange
        let e = exchanges[exchange]
        let facts = responseBlock.facts
        if responseBlock.status == 408, facts.contains(.close), crossedTimeout(slot) { return false }
        noteAnswer(slot, e)
        let c = clients[e.pointee.client]
        if responseBlock.duplicates != 0 || facts.contains(.statusRepeated)
            || Judge.isConflicting(facts, status: responseBlock.status, endsConnection: responseBlock.endsConnection)
        {
            guard headMayPass(slot) else { return false }
        }
        if facts.contains(.bareLineFeed) { recordLineFeeds(slot) }
        if e.pointee.asksUpgrade, !c.pointee.hop.switchesWith101, 200..<300 ~= responseBlock.status {
            // To an extended CONNECT it would say that the tunnel is open (RFC 8441 section 5).
            failExchange(exchange, status: 502, "the upstream has not switched protocols")
            return false
        }
        let isHTTP10 = e.pointee.request.clientVersion == .http10
        let framing = bodyFraming(slot, ended: ended)
        switch framing {
        case .none: e.pointee.clientFraming = .none
        case .length: e.pointee.clientFraming = .length
        // A stream needs no framing of its own.
        case .chunked, .untilClose:
            e.pointee.clientFraming = c.pointee.hop.framesBodies ? .length : isHTTP10 ? .untilClose : .chunked
        }
        // Whoever answers before the request is complete leaves bytes behind that nobody will read.
        if e.pointee.clientFraming == .untilClose || !e.pointee.state.requestEnded || mustLeave(c) {
            endAfterAnswer(e.pointee.client)
        }
        var hop = ResponseHead.Hop(framing: e.pointee.clientFraming, closes: c.pointee.mustClose, isHTTP10: isHTTP10)
        hop.isEmpty = ended && framing == .length && !c.pointee.hop.framesBodies
        ResponseHead.dropFields(&responseBlock, hop)
        putFinalHead(hop, slot)
        e.pointee.state.receive(.headWritten)
        return true
    }

    /// On a connection that had been idle a 408 is the server's word to nobody, which crossed the request: that is sent
    /// again where it is safe (RFC 9110 section 15.5.9). False when the client is to have the 408.
    private mutating func crossedTimeout(_ slot: UpstreamSlot) -> Bool {
        let u = upstreams[slot]
        let exchange = u.pointee.exchange
        let e = exchanges[exchange]
        guard u.pointee.ordinal > 1, e.pointee.attempts == 1, e.pointee.request.method.isIdempotent,
            e.pointee.state.requestEnded,
            !e.pointee.state.sentBody
        else { return false }
        detach(slot, .upstreamClosed)
        retryOrFail(exchange, .stale)
        return true
    }

    /// The answer is complete; bytes of the read buffer from `position` on are surplus.
    mutating func answerEnded(_ slot: UpstreamSlot, surplusAt position: Int, _ count: Int) {
        let u = upstreams[slot]
        let exchange = u.pointee.exchange
        let e = exchanges[exchange]
        let client = e.pointee.client
        let route = Int(e.pointee.request.route)
        let generation = upstreams.generation(slot)
        if position < count, routeActions[route].failsForSurplus, failsForSurplus(slot, position, count) { return }
        outbox.endsMessage = true
        sendToClient(client)
        // The client went away with its last bytes: its exchange, and this connection, went with it.
        guard upstreams.generation(slot) == generation, u.pointee.exchange == exchange else { return }
        // A worker that leaves keeps connections only for those who wait for one.
        let isWanted = !isLeaving || waitQueues.isAwaited(upstream: Int(e.pointee.upstreamIndex))
        let mayKeep = e.pointee.state.requestEnded && !u.pointee.socket.isBlocked && !u.pointee.mustClose && isWanted
        countAnswer(exchange, status: Int(e.pointee.answer.status), route: route)
        // Its surplus is recorded later, by an id that its line can have already.
        if access.isOn, position < count, !u.pointee.hop.marksEnds {
            noteSurplus(transport.readBuffer + position, count - position, of: exchange)
        }
        logAccess(exchange, e.pointee.request, status: Int(e.pointee.answer.status), .answered)
        if u.pointee.hop.marksEnds {
            upstreamStreamAnswered(slot)
            return answerDone(client)
        }
        finish(exchange)
        if position < count {
            beginSurplus(slot, .afterEnd, transport.readBuffer + position, count - position)
            takeSurplusID(slot)
            readWatched(slot)
        } else if u.pointee.socket.sawEnd || u.pointee.socket.isBroken {
            noteEnding(slot, mayBeHangup: !u.pointee.mustClose)
            closeUpstream(slot, .upstreamClosed)
        } else if mayKeep, !servers.isQuarantined(u.pointee.server, now),
            plan.upstreams[servers.upstream(u.pointee.server)].reuse != .never
        {
            transport.buffers.give(&u.pointee.socket.input)
            if putBack(slot), u.pointee.socket.isReadable { queueUpstream(slot) }
        } else {
            transport.buffers.give(&u.pointee.socket.input)
            watchForStrays(slot)
        }
        answerDone(client)
    }

    /// Under `fail`, an answer that has more after it is no answer. False when the surplus is nothing but line ends, or
    /// perhaps a timeout's notice, which was found this early only because the answer was read late.
    private mutating func failsForSurplus(_ slot: UpstreamSlot, _ position: Int, _ count: Int) -> Bool {
        guard !SurplusReader.mayBeInnocent(transport.readBuffer + position, count - position) else { return false }
        let exchange = upstreams[slot].pointee.exchange
        let record = exchanges[exchange].pointee.request
        // The record stays with the connection, the exchange ends apart from it.
        let e = exchanges[exchange]
        e.pointee.answer.endedAt = now
        remember(exchangeInProgress(on: slot), on: slot)
        part(slot)
        e.pointee.request.head = Buffer()
        beginSurplus(slot, .afterEnd, transport.readBuffer + position, count - position)
        // With its last bytes the client would have a whole answer.
        outbox.clear()
        noteCollection(slot, of: exchange)
        surplus.note(endBroken(exchange, record: record) ? .aborted : .badGateway, of: SurplusSource(slot.index))
        readWatched(slot)
        return true
    }

    /// A body that ends with its connection has ended.
    mutating func answerEndedWithConnection(_ slot: UpstreamSlot) {
        let e = exchanges[upstreams[slot].pointee.exchange]
        if e.pointee.clientFraming == .chunked { outbox.add("0\r\n\r\n") }
        answerEnded(slot, surplusAt: 0, 0)
    }
}
