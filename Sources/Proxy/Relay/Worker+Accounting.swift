import Detector
import EventLoop
import Facts
import HTTP1
import HTTP2
import Report
import Wire

/// What is noted, counted and remembered of an exchange, until its place is free for the next.
extension Worker {
    /// Notes what the header block says of its answer.
    mutating func noteAnswer(_ slot: UpstreamSlot, _ e: UnsafeMutablePointer<Exchange>) {
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
        e.pointee.answer.promisesKeepAlive = keeps && framing != .untilClose && !u.pointee.hop.marksEnds
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
        serverAnswered(u.pointee.server, status: responseBlock.status, sentAt: e.pointee.sentAt)
        counters.observeResponseHeader(upstream: upstream, nanoseconds: now - e.pointee.sentAt)
        timers.set(upstreamTimer(slot), now + bodyIdleTimeout(e))
    }

    /// Counts an exchange that has been answered.
    mutating func countAnswer(_ exchange: ExchangeSlot, status: Int, route: Int) {
        let e = exchanges[exchange]
        counters.countRequest(route: route, method: e.pointee.request.method, status: status)
        counters.observeRequestDuration(route: route, nanoseconds: now - e.pointee.startedAt)
    }

    /// The exchange in progress on a connection, or a stream, as that will remember it.
    @inline(__always)
    func exchangeInProgress(on carrier: UpstreamSlot) -> FinishedExchange {
        let u = upstreams[carrier]
        let e = exchanges[u.pointee.exchange]
        return FinishedExchange(request: e.pointee.request, answer: e.pointee.answer, ordinal: u.pointee.ordinal)
    }

    /// The exchange is history: its request and answer stay with the connection, to attribute what may still come.
    mutating func finish(_ exchange: ExchangeSlot) {
        let e = exchanges[exchange]
        let slot = e.pointee.upstream
        let u = upstreams[slot]
        e.pointee.answer.endedAt = now
        #if !WITHOUT_DETECTOR
            rememberRequest(exchange, e.pointee.request)
            remember(exchangeInProgress(on: slot), on: slot)
        #else
            transport.buffers.give(&e.pointee.request.head)
        #endif
        u.pointee.exchange = .none
        releaseExchange(exchange)
    }

    /// An exchange is over, whatever became of it.
    mutating func releaseExchange(_ exchange: ExchangeSlot) {
        forgetBody(exchange)
        let e = exchanges[exchange]
        // Its client is gone, or sees its answer cut.
        if e.pointee.toClient.pipe >= 0 {
            let c = clients[e.pointee.client]
            transport.drop(&e.pointee.toClient.pipe, of: &c.pointee.socket)
        }
        dropPipe(toUpstreamOf: exchange)
        exchanges.release(exchange)
    }

    /// What waits in a pipe for an exchange's upstream is lost: that takes no more, or serves it no longer.
    @inline(__always)
    mutating func dropPipe(toUpstreamOf exchange: ExchangeSlot) {
        let e = exchanges[exchange]
        guard e.pointee.toUpstream.pipe >= 0 else { return }
        let u = upstreams[e.pointee.upstream]
        transport.drop(&e.pointee.toUpstream.pipe, of: &u.pointee.socket)
    }

    /// The body need not be sent again, or cannot be.
    @inline(__always)
    mutating func forgetBody(_ exchange: ExchangeSlot) {
        let e = exchanges[exchange]
        e.pointee.keepsBody = false
        if e.pointee.body.base != nil { transport.buffers.give(&e.pointee.body) }
    }

    /// An exchange of a client's stream is over: frames that still come on it have a name.
    mutating func rememberRequest(_ exchange: ExchangeSlot, _ record: RequestRecord) {
        let c = clients[exchanges[exchange].pointee.client]
        guard c.pointee.isStream, !record.isEmpty else { return }
        let shared = multiplexing[clients[c.pointee.parent].pointee.sharedIndex]
        shared.recent.add(stream: c.pointee.stream, record, exchanges[exchange].pointee)
    }

    /// Bytes that come on a connection from now on, and belong to no request, are this exchange's.
    mutating func remember(_ exchange: FinishedExchange, on slot: UpstreamSlot) {
        let u = upstreams[slot]
        guard var old = u.pointee.history.add(exchange) else { return }
        learn(old)
        transport.buffers.give(&old.request.head)
    }

    /// The connection is closed: what it remembered goes with it. `learning`: nothing has cast doubt on its answers.
    mutating func forgetHistory(_ slot: UpstreamSlot, learning: Bool) {
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
}
