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

    /// Why a request is without an answer.
    enum NoAnswer {
        /// No connection could be made for it.
        case unreachable
        /// Nothing of it has been sent, or its server cannot have received a byte of it.
        case unsent
        /// It may have been received, on a connection that was new.
        case unanswered
        /// It may have been received, on a pooled connection that its server was perhaps about to close: nobody's failure.
        case stale
    }

    /// Sends the request again, where that is safe and allowed; otherwise its client is told.
    ///
    /// Safe: its server has not received it, or its method is idempotent (RFC 9110 section 9.2.2), and all of it that
    /// has been sent is still there. Allowed: `retry.attempts`, within the budget; once more for a stale connection; and to
    /// each server once where connections are refused, which costs those servers nothing.
    /// False when its client has been told.
    @discardableResult
    mutating func retryOrFail(_ number: Int32, _ reason: NoAnswer) -> Bool {
        let e = exchanges[number]
        let upstream = Int(e.pointee.upstreamIndex)
        let isUnsent = reason == .unsent || reason == .unreachable
        let isSafe = !e.pointee.answered && (isUnsent || e.pointee.request.method.isIdempotent)
        let hasBody = !e.pointee.sentBody || e.pointee.keepsBody
        if isSafe, !hasBody { counters.countRetryRefused(upstream: upstream) }
        guard isSafe, hasBody, mayRetry(number, reason) else {
            let what = isUnsent ? "cannot be reached" : "closed the connection without an answer"
            failExchange(number, status: 502, "upstream \(plan.upstreams[upstream].name) \(what)")
            return false
        }
        counters.countRetry(upstream: upstream)
        e.pointee.sawAnswer = false
        e.pointee.wantsNewConnection = reason != .unanswered
        outbox.clear()
        findUpstream(number)
        // No server can be used: the client has been told.
        guard exchanges.isTaken(number) else { return false }
        if !outbox.isEmpty { sendToUpstream(number) }
        // The rest of the body waits in the client's connection.
        if !e.pointee.requestEnded { queueClient(e.pointee.client) }
        return true
    }

    private mutating func mayRetry(_ number: Int32, _ reason: NoAnswer) -> Bool {
        let e = exchanges[number]
        let upstream = Int(e.pointee.upstreamIndex)
        if reason == .stale || (reason == .unsent && e.pointee.wasPooled) {
            // Once for each request, for the next connection is a new one: that needs no budget.
            guard e.pointee.staleRetries < Self.staleRetriesMax else { return false }
            e.pointee.staleRetries += 1
            return true
        }
        let attemptsMax = plan.upstreams[upstream].retryAttempts
        if reason == .unreachable, attemptsMax > 0 {
            let most = max(min(plan.upstreams[upstream].servers.count - 1, Self.refusalsMax), attemptsMax)
            guard Int(e.pointee.refusals) < most else { return false }
            e.pointee.refusals += 1
            return true
        }
        guard Int(e.pointee.attempts) - Int(e.pointee.staleRetries) - Int(e.pointee.refusals) <= attemptsMax else {
            return false
        }
        if budgets[upstream].take(now) { return true }
        counters.countRetryRefused(upstream: upstream)
        return false
    }

    /// Retries of one request for stale connections. The second is for when `connections.max` leaves only pooled ones.
    private static var staleRetriesMax: UInt8 { 2 }

    /// Servers that one request tries in vain.
    private static var refusalsMax: Int { 16 }

    /// What the end of a connection says about the request that it carried and did not answer.
    func noAnswer(_ slot: Int32) -> NoAnswer {
        let u = upstreams[slot]
        if u.pointee.isUnsent { return .unsent }
        guard exchanges[u.pointee.exchange].pointee.wasPooled else { return .unanswered }
        return endedBeforeRequest(slot) ? .unsent : .stale
    }

    /// Whether the server ended the connection before any byte of the request had arrived: its end came in good order,
    /// and, as every segment, told what had been received.
    ///
    /// A reset tells nothing: the kernel drops what it acknowledges.
    private func endedBeforeRequest(_ slot: Int32) -> Bool {
        let u = upstreams[slot]
        guard u.pointee.socket.sawEnd, !u.pointee.socket.isBroken, !u.pointee.isStream else { return false }
        let acknowledged = kernel.bytesAcknowledged(u.pointee.socket.fd)
        return acknowledged >= 0 && UInt64(acknowledged) <= requestStartOnWire(slot)
    }

    /// Bytes that the kernel was given on the connection before its current request: those of records, where there are any.
    func requestStartOnWire(_ slot: Int32) -> UInt64 {
        let u = upstreams[slot]
        return u.pointee.socket.security == .none ? requestStart(slot) : u.pointee.recordsBefore
    }

    /// Bytes written on the connection before its current request.
    func requestStart(_ slot: Int32) -> UInt64 {
        let u = upstreams[slot]
        return u.pointee.requestHeadEnd - UInt64(exchanges[u.pointee.exchange].pointee.request.head.count)
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
            buffers.append(
                &e.pointee.body, outbox.runs[i].iov_base.assumingMemoryBound(to: UInt8.self), outbox.runs[i].iov_len)
        }
    }

    /// An exchange is over, whatever became of it.
    mutating func releaseExchange(_ number: Int32) {
        forgetBody(number)
        exchanges.release(number)
    }

    /// The body need not be sent again, or cannot be.
    @inline(__always)
    mutating func forgetBody(_ number: Int32) {
        let e = exchanges[number]
        e.pointee.keepsBody = false
        if e.pointee.body.base != nil { buffers.give(&e.pointee.body) }
    }
}
