import CShim
import EventLoop
import Exchanges
import Glibc
import HTTP1
import Wire

/// Requests that got no byte of an answer: sent again where that cannot do harm, otherwise their clients are told.
extension Worker {
    /// Bytes of a request's body that are kept to send them again.
    static var replayBytesMax: Int { 8 << 10 }
    /// And to a stream: what may be sent before its server has opened the stream's window, and so has begun to read.
    static var streamReplayBytesMax: Int { 64 << 10 }

    /// Sends the request again, where that is safe and allowed; otherwise its client is told. False when its client has been told.
    @discardableResult
    mutating func retryOrFail(_ number: Int32, _ reason: NoAnswer) -> Bool {
        let e = exchanges[number]
        let upstream = Int(e.pointee.upstreamIndex)
        let limits = Retries.Limits(
            attempts: plan.upstreams[upstream].retryAttempts, servers: plan.upstreams[upstream].servers.count)
        let decision = retries.decide(e, reason, limits, now)
        guard case .again(let isFresh) = decision else {
            if decision == .refused { counters.countRetryRefused(upstream: upstream) }
            let what = reason.cannotHaveArrived ? "cannot be reached" : "closed the connection without an answer"
            failExchange(number, status: 502, "upstream \(plan.upstreams[upstream].name) \(what)")
            return false
        }
        counters.countRetry(upstream: upstream)
        e.pointee.state.receive(.sentAgain)
        e.pointee.wantsNewConnection = isFresh
        outbox.clear()
        findUpstream(number)
        // No server can be used: the client has been told.
        guard exchanges.isTaken(number) else { return false }
        if !outbox.isEmpty { sendToUpstream(number) }
        // The rest of the body waits in the client's connection.
        if !e.pointee.state.requestEnded { queueClient(e.pointee.client) }
        return true
    }

    /// What the end of a connection says about the request that it carried and did not answer.
    func noAnswer(_ slot: Int32) -> NoAnswer {
        let u = upstreams[slot]
        if u.pointee.isUnsent { return .unsent }
        guard exchanges[u.pointee.exchange].pointee.wasPooled else { return .unanswered }
        return endedBeforeRequest(slot) ? .unsent : .stale
    }

    // MARK: Bodies

    /// Keeps the body bytes in the outbox, in their framing, as long as they may have to be sent again.
    mutating func keepBody(_ number: Int32) {
        let e = exchanges[number]
        let first = outbox.beginsWithHead ? 1 : 0
        // Trailers may be left out by any recipient (RFC 9110 section 6.5.1); a stream's are no bytes of the body.
        let end = max(first, outbox.count - (outbox.endsWithTrailers ? 1 : 0))
        let isStream = e.pointee.upstream >= 0 && upstreams[e.pointee.upstream].pointee.isStream
        var bytes = e.pointee.body.count
        for i in first..<end { bytes += outbox.runs[i].iov_len }
        guard bytes <= (isStream ? Self.streamReplayBytesMax : Self.replayBytesMax) else { return forgetBody(number) }
        for i in first..<end {
            transport.buffers.append(
                &e.pointee.body, outbox.runs[i].iov_base.assumingMemoryBound(to: UInt8.self), outbox.runs[i].iov_len)
        }
    }

    /// An exchange is over, whatever became of it.
    mutating func releaseExchange(_ number: Int32) {
        forgetBody(number)
        let e = exchanges[number]
        // Its client is gone, or sees its answer cut.
        if e.pointee.pipe >= 0 { transport.drop(&e.pointee.pipe, of: &clients[e.pointee.client].pointee.socket) }
        exchanges.release(number)
    }

    /// The body need not be sent again, or cannot be.
    @inline(__always)
    mutating func forgetBody(_ number: Int32) {
        let e = exchanges[number]
        e.pointee.keepsBody = false
        if e.pointee.body.base != nil { transport.buffers.give(&e.pointee.body) }
    }
}
