import CShim
import Detector
import EventLoop
import Exchanges
import Glibc
import HTTP1
import Report
import Wire

/// From an upstream's facts to the client: header blocks, bodies, ends.
extension Worker {
    /// Whether an interim response is to be passed on; one that contradicts itself is told like any header block.
    mutating func interimMayPass(_ slot: Int32) -> Bool {
        if responseBlock.duplicates == 0, !responseBlock.facts.contains(.statusRepeated),
            !Judge.isConflicting(responseBlock.facts, status: responseBlock.status)
        {
            return true
        }
        return headMayPass(slot)
    }

    /// Counts an interim response of an answer; its block is at hand. False when it is one too many: the exchange has ended.
    mutating func mayTakeInterim(_ number: Int32) -> Bool {
        let e = exchanges[number]
        e.pointee.interims += 1
        e.pointee.interimBytes += UInt32(truncatingIfNeeded: responseBlock.byteCount)
        guard Int(e.pointee.interims) > plan.limits.interims || Int(e.pointee.interimBytes) > plan.limits.headerBytes else {
            return true
        }
        counters.countUpstreamRejected(upstream: Int(e.pointee.upstreamIndex), .interims)
        failExchange(number, status: 502, "the upstream sent more interim responses than allowed")
        return false
    }

    /// Passes on an interim response (RFC 9110 section 15.2). HTTP/1.0 has none.
    mutating func forwardInterim(_ number: Int32) {
        guard mayTakeInterim(number) else { return }
        let e = exchanges[number]
        guard e.pointee.request.clientVersion != .http10 else { return }
        let hop = ResponseHead.Hop(framing: .none, closes: false, isHTTP10: false)
        ResponseHead.dropFields(&responseBlock, hop)
        // An interim response has no body (RFC 9110 section 8.6), whatever it says.
        responseBlock.drop(.contentLength)
        putHead(hop)
        sendToClient(e.pointee.client)
    }

    /// Writes the head of an answer into the outbox, with the cookie that leads back to its server when the client lacks it.
    mutating func putFinalHead(
        _ hop: ResponseHead.Hop, _ slot: Int32, accept: UnsafeBufferPointer<UInt8> = .init(start: nil, count: 0)
    ) {
        let e = exchanges[upstreams[slot].pointee.exchange]
        let server = servers[Int(upstreams[slot].pointee.server)]
        let changes = passages[Int(e.pointee.request.route)].responseFields
        guard passages[Int(e.pointee.request.route)].isSticky, Int(e.pointee.stickyServer) != Int(server.index),
            let sticky = plan.upstreams[Int(server.upstream)].sticky
        else {
            return putHead(hop, changes, accept: accept)
        }
        putHead(hop, changes, cookie: sticky.line(Int(server.index), isSecure: e.pointee.clientIsSecure), accept: accept)
    }

    /// Writes the block's head into the outbox.
    private mutating func putHead(
        _ hop: ResponseHead.Hop, _ changes: Unmanaged<FieldChanges>? = nil,
        cookie: UnsafeBufferPointer<UInt8> = .init(start: nil, count: 0),
        accept: UnsafeBufferPointer<UInt8> = .init(start: nil, count: 0)
    ) {
        var out = ByteWriter(scratch.head)
        changes.drop(&responseBlock)
        ResponseHead.write(responseBlock, hop, changes, cookie, accept, &out)
        outbox.add(scratch.head, out.count)
        outbox.beginsWithHead = true
    }

    /// The final header block of an answer. False when the exchange has ended with it.
    mutating func answerHead(_ slot: Int32, ended: Bool) -> Bool {
        let u = upstreams[slot]
        let number = u.pointee.exchange
        let e = exchanges[number]
        let facts = responseBlock.facts
        if responseBlock.status == 408, facts.contains(.close), crossedTimeout(slot) { return false }
        noteAnswer(slot, e)
        let c = clients[e.pointee.client]
        if responseBlock.duplicates != 0 || facts.contains(.statusRepeated)
            || Judge.isConflicting(facts, status: responseBlock.status, endsConnection: responseBlock.endsConnection)
        {
            guard headMayPass(slot) else { return false }
        }
        if facts.contains(.bareLineFeed) { tellLineFeeds(slot) }
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

    /// How the body of an answer whose header block has just come is delimited; a stream's, as HTTP/1 would delimit it.
    @inline(__always)
    private func bodyFraming(_ slot: Int32, ended: Bool) -> BodyDecoder.Framing {
        let u = upstreams[slot]
        guard u.pointee.hop.framesBodies else { return u.pointee.decoder.body.framing }
        // Where there is no body, its end may come apart all the same: in a frame without payload.
        let status = responseBlock.status
        let isBodiless = status == 204 || status == 304 || exchanges[u.pointee.exchange].pointee.request.method == .head
        if isBodiless { return .none }
        return ended || responseBlock.facts.contains(.contentLength) ? .length : .untilClose
    }

    /// How far an answer in progress has come.
    func answerPhase(_ slot: Int32) -> ResponseDecoder.Phase {
        let u = upstreams[slot]
        guard u.pointee.hop.framesBodies else { return u.pointee.decoder.phase }
        let e = exchanges[u.pointee.exchange]
        return e.pointee.answer.status == 0 ? .head : e.pointee.state.isTunnel ? .tunnel : .body
    }

    /// On a connection that had been idle a 408 is the server's word to nobody, which crossed the request: that is sent
    /// again where it is safe (RFC 9110 section 15.5.9). False when the client is to have the 408.
    private mutating func crossedTimeout(_ slot: Int32) -> Bool {
        let u = upstreams[slot]
        let number = u.pointee.exchange
        let e = exchanges[number]
        guard u.pointee.ordinal > 1, e.pointee.attempts == 1, e.pointee.request.method.isIdempotent,
            e.pointee.state.requestEnded,
            !e.pointee.state.sentBody
        else { return false }
        detach(slot, .upstreamClosed)
        retryOrFail(number, .stale)
        return true
    }

    /// Notes what the header block says of its answer.
    mutating func noteAnswer(_ slot: Int32, _ e: UnsafeMutablePointer<Exchange>) {
        let u = upstreams[slot]
        let upstream = Int(e.pointee.upstreamIndex)
        let facts = responseBlock.facts
        let framing = u.pointee.decoder.body.framing
        e.pointee.answer.status = UInt16(truncatingIfNeeded: responseBlock.status)
        e.pointee.answer.framing = u.pointee.hop.framesBodies ? .frames : Answer.Framing(rawValue: framing.rawValue)!
        e.pointee.answer.declaredBytes = facts.contains(.contentLength) ? responseBlock.contentLength : 0
        e.pointee.answer.declaresLength = facts.contains(.contentLength)
        e.pointee.answer.startOffset = u.pointee.received
        e.pointee.answer.shape = AnswerShape.of(responseBlock)
        if !facts.contains(.contentLength), let type = responseBlock.first(.contentType) {
            let value = responseBlock.value(type)
            e.pointee.answer.isEventStream =
                value.count >= 17 && equalsIgnoringCase(value.baseAddress!, "text/event-stream", count: 17)
        }
        e.pointee.answer.sentAt = e.pointee.sentAt
        e.pointee.answer.headAt = now
        let keeps = !responseBlock.endsConnection
        e.pointee.answer.promisesKeepAlive = keeps && framing != .untilClose && !u.pointee.hop.tellsEnds
        // RFC 9112 section 6.1: who says both, or has a coding in HTTP/1.0, may not be believed about what follows.
        if !keeps || facts.isSuperset(of: [.contentLength, .transferEncoding])
            || (facts.contains(.transferEncoding) && responseBlock.version == .http10)
        {
            u.pointee.mustClose = true
        }
        if responseBlock.keepAliveSeconds > 0 {
            // A margin, for the server closes by its own clock and its close takes time to arrive.
            let promised = UInt64(responseBlock.keepAliveSeconds) * 1_000_000_000
            u.pointee.idleTimeout = min(plan.upstreams[upstream].idleTimeout, promised - min(1_000_000_000, promised / 2))
        }
        serverAnswered(Int(u.pointee.server), status: responseBlock.status, sentAt: e.pointee.sentAt)
        counters.observeResponseHeader(upstream: upstream, nanoseconds: now - e.pointee.sentAt)
        timers.set(upstreamTimer(slot), now + bodyIdleTimeout(e))
    }

    /// Passes on a piece of an answer's body, and its end.
    mutating func answerBody(
        _ slot: Int32, _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int, ended: Bool, hasTrailers: Bool
    ) {
        let u = upstreams[slot]
        let e = exchanges[u.pointee.exchange]
        if e.pointee.state.isTunnel { return forwardTunnel(fromUpstream: slot, bytes, count) }
        if count > 0 {
            #if !WITHOUT_DETECTOR
                if e.pointee.answer.framing == .length { lookForStatusLine(slot, bytes, count) }
            #endif
            e.pointee.answer.bodyBytes += UInt64(count)
            timers.set(upstreamTimer(slot), now + bodyIdleTimeout(e))
        }
        guard e.pointee.clientFraming == .chunked else {
            outbox.add(bytes, count)
            if ended, hasTrailers, clients[e.pointee.client].pointee.hop.framesBodies {
                outbox.add(scratch.trailers, Trailers.write(responseBlock, to: scratch.trailers))
                outbox.endsWithTrailers = true
            }
            return
        }
        if count > 0 {
            outbox.addChunkSize(count)
            outbox.add(bytes, count)
            outbox.add("\r\n")
        }
        if ended {
            outbox.add("0\r\n")
            if hasTrailers { outbox.add(scratch.trailers, Trailers.write(responseBlock, to: scratch.trailers)) }
            outbox.add("\r\n")
        }
    }

    /// The answer is complete; bytes of the read buffer from `position` on are surplus.
    mutating func answerEnded(_ slot: Int32, surplusAt position: Int, _ count: Int) {
        let u = upstreams[slot]
        let number = u.pointee.exchange
        let e = exchanges[number]
        let client = e.pointee.client
        let route = Int(e.pointee.request.route)
        let generation = upstreams.generation(slot)
        if position < count, passages[route].failsForSurplus, failsForSurplus(slot, position, count) { return }
        outbox.endsMessage = true
        sendToClient(client)
        // The client went away with its last bytes: its exchange, and this connection, went with it.
        guard upstreams.generation(slot) == generation, u.pointee.exchange == number else { return }
        // A worker that leaves keeps connections only for those who wait for one.
        let isWanted = !isLeaving || waitQueues.isAwaited(upstream: Int(e.pointee.upstreamIndex))
        let mayKeep = e.pointee.state.requestEnded && !u.pointee.socket.isBlocked && !u.pointee.mustClose && isWanted
        countAnswer(number, status: Int(e.pointee.answer.status), route: route)
        // Its surplus is told later, by an id that its line can have already.
        if access.isOn, position < count, !u.pointee.hop.tellsEnds {
            noteSurplus(transport.readBuffer + position, count - position, of: number)
        }
        logAccess(number, e.pointee.request, status: Int(e.pointee.answer.status), .answered)
        if u.pointee.hop.tellsEnds {
            upstreamStreamAnswered(slot)
            return answerDone(client)
        }
        finish(number)
        if position < count {
            beginSurplus(slot, .afterEnd, transport.readBuffer + position, count - position)
            takeSurplusID(slot)
            listen(slot)
        } else if u.pointee.socket.sawEnd || u.pointee.socket.isBroken {
            noteEnding(slot, mayBeHangup: !u.pointee.mustClose)
            closeUpstream(slot, .upstreamClosed)
        } else if mayKeep, !servers.isQuarantined(Int(u.pointee.server), now),
            plan.upstreams[servers.upstream(Int(u.pointee.server))].reuse != .never
        {
            transport.buffers.give(&u.pointee.socket.input)
            if putBack(slot), u.pointee.socket.isReadable { queueUpstream(slot) }
        } else {
            transport.buffers.give(&u.pointee.socket.input)
            listenForStrays(slot)
        }
        answerDone(client)
    }

    /// Under `fail`, an answer that has more behind it is no answer. False when the surplus is nothing but line ends, or
    /// perhaps a timeout's notice, which was found this early only because the answer was read late.
    private mutating func failsForSurplus(_ slot: Int32, _ position: Int, _ count: Int) -> Bool {
        guard !(position..<count).allSatisfy({ transport.readBuffer[$0] == 0x0d || transport.readBuffer[$0] == 0x0a }),
            !EmbeddedStatusLine.mayBe(408, transport.readBuffer + position, count - position)
        else { return false }
        let u = upstreams[slot]
        let number = u.pointee.exchange
        let record = exchanges[number].pointee.request
        // The record stays with the connection, the exchange ends apart from it.
        let e = exchanges[number]
        e.pointee.answer.endedAt = now
        remember(FinishedExchange(request: record, answer: e.pointee.answer, ordinal: u.pointee.ordinal), on: slot)
        u.pointee.exchange = -1
        e.pointee.upstream = -1
        e.pointee.request.head = Buffer()
        beginSurplus(slot, .afterEnd, transport.readBuffer + position, count - position)
        // With its last bytes the client would have a whole answer.
        outbox.clear()
        noteCollection(slot, of: number)
        surplus.note(endBroken(number, record: record) ? .aborted : .badGateway, of: SurplusSource(slot))
        listen(slot)
        return true
    }

    /// A body that ends with its connection has ended.
    mutating func answerEndedWithConnection(_ slot: Int32) {
        let e = exchanges[upstreams[slot].pointee.exchange]
        if e.pointee.clientFraming == .chunked { outbox.add("0\r\n\r\n") }
        answerEnded(slot, surplusAt: 0, 0)
    }

    /// The exchange is history: its request and answer stay with the connection, to attribute what may still come.
    mutating func finish(_ number: Int32) {
        let e = exchanges[number]
        let slot = e.pointee.upstream
        let u = upstreams[slot]
        e.pointee.answer.endedAt = now
        #if !WITHOUT_DETECTOR
            rememberRequest(number, e.pointee.request)
            remember(
                FinishedExchange(request: e.pointee.request, answer: e.pointee.answer, ordinal: u.pointee.ordinal), on: slot)
        #else
            transport.buffers.give(&e.pointee.request.head)
        #endif
        u.pointee.exchange = -1
        releaseExchange(number)
    }

    /// Bytes that come on a connection from now on, and belong to no request, are this exchange's.
    mutating func remember(_ exchange: FinishedExchange, on slot: Int32) {
        guard var old = upstreams[slot].pointee.history.add(exchange) else { return }
        learn(old)
        transport.buffers.give(&old.request.head)
    }

    /// The connection is closed: what it remembered goes with it. `learning`: nothing has cast doubt on its answers.
    mutating func forgetHistory(_ slot: Int32, learning: Bool) {
        let u = upstreams[slot]
        for age in 0..<u.pointee.history.count {
            var past = u.pointee.history[age]
            // The last may have been what ended it.
            if learning, age > 0 || past.answer.endedAt + Hangups<EndedConnection>.latest < now { learn(past) }
            transport.buffers.give(&past.request.head)
        }
        u.pointee.history.deallocate()
    }

    /// An answer that was its request's own: what is usual for such requests.
    private mutating func learn(_ past: FinishedExchange) {
        guard !past.isEmpty, habits.wantsNext() else { return }
        let delay = past.answer.headAt - min(past.answer.sentAt, past.answer.headAt)
        habits.note(
            past.request.sort, shape: past.answer.shape, delay: delay, bodyBytes: past.answer.bodyBytes)
    }

    /// Counts an exchange that has been answered.
    mutating func countAnswer(_ number: Int32, status: Int, route: Int) {
        let e = exchanges[number]
        counters.countRequest(route: route, method: e.pointee.request.method, status: status)
        counters.observeRequestDuration(route: route, nanoseconds: now - e.pointee.startedAt)
    }

    /// The client is gone in the middle of an exchange: nothing that happens on its connections now is anybody's fault.
    mutating func abandon(_ number: Int32) {
        let e = exchanges[number]
        outbox.clear()
        if e.pointee.state.isWaiting { leaveQueue(number) }
        countAnswer(
            number, status: e.pointee.state.answered ? Int(e.pointee.answer.status) : 499, route: Int(e.pointee.request.route))
        logAccess(
            number, e.pointee.request, status: e.pointee.state.answered ? Int(e.pointee.answer.status) : 499, .clientGone)
        rememberRequest(number, e.pointee.request)
        if e.pointee.upstream >= 0 { detach(e.pointee.upstream, .clientGone) }
        transport.buffers.give(&e.pointee.request.head)
        clients[e.pointee.client].pointee.exchange = -1
        releaseExchange(number)
    }
}
