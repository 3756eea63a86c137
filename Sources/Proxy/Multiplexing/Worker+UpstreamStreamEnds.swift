import EventLoop
import Facts
import HTTP1
import HTTP2
import Report
import Wire

/// Who has ended a connection of streams: its server, or we, for frames that break HTTP/2 or go over a limit of ours.
enum ConnectionEnd { case server, frames, limit }

/// How streams to upstreams end, and the connections that carry them.
extension Worker {
    /// The server ended a stream before its answer's end.
    mutating func upstreamStreamReset(_ stream: UpstreamSlot, _ code: UInt32) {
        let exchange = upstreams[stream].pointee.exchange
        upstreams[stream].pointee.socket.isBroken = true
        upstreams[stream].pointee.streamIsOver = true
        if exchanges[exchange].pointee.state.isTunnel { return tunnelBroken(stream) }
        if upstreams[stream].pointee.awaitsStreamEnd { return answerEndedBeforeSurplus(stream, isOver: true) }
        if code == ErrorCode.noError || code == ErrorCode.cancel, isWhole(exchange) {
            return answerEnded(stream, surplusAt: 0, 0)
        }
        guard exchanges[exchange].pointee.answer.status == 0 else {
            return truncated(stream, .inBody, code: ErrorCode.name(code))
        }
        if code == ErrorCode.refusedStream || code == ErrorCode.enhanceYourCalm {
            // More than its memory allows, say, which Node says so: the others are work enough for this connection.
            let shared = multiplexing[upstreams[upstreams[stream].pointee.parent].pointee.sharedIndex]
            shared.streamsMax = max(1, min(shared.streamsMax, shared.streamCount - 1))
        }
        let server = upstreams[stream].pointee.server
        let hasServed = multiplexing[upstreams[upstreams[stream].pointee.parent].pointee.sharedIndex].hasServed
        // A refused stream was not processed at all (RFC 9113 section 8.7).
        let reason: NoAnswer = code != ErrorCode.refusedStream ? .unanswered : hasLeft(stream) ? .left : .unsent
        detach(stream, .upstreamClosed)
        // Who has gone in good order may be asked anew.
        if reason != .left { avoid(server, exchange) }
        // One request may be at fault where others have been answered.
        if reason == .unanswered, !hasServed { serverFailed(server, .hungUp, "reset a stream without an answer") }
        retryOrFail(exchange, reason)
    }

    /// Whether the server of a stream's connection has said, without an error, that it takes no more streams.
    func hasLeft(_ stream: UpstreamSlot) -> Bool {
        multiplexing[upstreams[upstreams[stream].pointee.parent].pointee.sharedIndex].session.leavesInOrder
    }

    /// Whether an answer lacks nothing but its END_STREAM, without which it is not complete (RFC 9113 section 8.1). A server that
    /// ends it without an error has sent all that it promised: that is no cut, and its client has the whole answer.
    private func isWhole(_ exchange: ExchangeSlot) -> Bool {
        let e = exchanges[exchange]
        let status = e.pointee.answer.status
        guard status >= 200 else { return false }
        if e.pointee.request.method == .head || status == 204 || status == 304 { return true }
        return e.pointee.answer.declaresLength && e.pointee.answer.bodyBytes == e.pointee.answer.declaredBytes
    }

    /// The connection ended, or failed: so does every stream on it.
    mutating func sharedUpstreamEnded(_ slot: UpstreamSlot, by end: ConnectionEnd = .server) {
        let u = upstreams[slot]
        let wasReset = !u.pointee.socket.mayWrite
        u.pointee.mustClose = true
        noteEnding(slot, mayBeHangup: false)
        endUpstreamStreams(slot, wasReset: wasReset, u.pointee.socket.security == .flooded ? .limit : end)
        closeSharedUpstream(slot, .upstreamClosed)
    }

    /// The server takes no more frames, but answers may have come before the end of its connection: those are read first.
    mutating func upstreamRefusesFrames(_ slot: UpstreamSlot) {
        let u = upstreams[slot]
        u.pointee.mustClose = true
        u.pointee.socket.isBroken = false
        u.pointee.socket.refusesBytes = true
        u.pointee.socket.peerEnded = true
        u.pointee.socket.isReadable = true
        transport.buffers.give(&u.pointee.socket.output)
        queueUpstream(slot)
    }

    private mutating func endUpstreamStreams(_ slot: UpstreamSlot, wasReset: Bool, _ end: ConnectionEnd) {
        let shared = multiplexing[upstreams[slot].pointee.sharedIndex]
        // That a connection which has served ends says nothing of its server; that a new one does, says something.
        let hasServed = shared.hasServed
        var isServersFailure = false
        while !shared.upstreamStreams.isEmpty {
            let stream = shared.upstreamStreams.first
            let exchange = upstreams[stream].pointee.exchange
            upstreams[stream].pointee.streamIsOver = true
            upstreams[stream].pointee.socket.isBroken = wasReset
            if exchange.exists, upstreams[stream].pointee.awaitsStreamEnd {
                answerEndedBeforeSurplus(stream, isOver: true)
            } else if exchange.exists, exchanges[exchange].pointee.state.isTunnel {
                tunnelBroken(stream)
            } else if exchange.exists, isWhole(exchange) {
                answerEnded(stream, surplusAt: 0, 0)
            } else if exchange.exists, exchanges[exchange].pointee.answer.status != 0, end != .limit {
                truncated(stream, .inBody)
            } else if exchange.exists, exchanges[exchange].pointee.answer.status != 0 {
                cutByUs(stream)
            } else {
                detach(stream, .upstreamClosed)
                guard exchange.exists else { continue }
                if !hasServed {
                    avoid(upstreams[slot].pointee.server, exchange)
                    isServersFailure = true
                }
                // Nor of this request that we have ended it, for what came on others: that takes none of its tries.
                retryOrFail(exchange, hasServed || end != .server ? .stale : .unanswered)
            }
        }
        if isServersFailure, end != .limit {
            serverFailed(upstreams[slot].pointee.server, .hungUp, "closed the connection without an answer")
        }
    }

    /// The connect failed: nothing of its streams has been sent.
    ///
    /// - Parameter isAnother: its server has another address, which is tried at once.
    mutating func sharedUpstreamUnreachable(
        _ slot: UpstreamSlot, avoiding avoided: ServerIndex = .none, isAnother: Bool = false
    ) {
        let shared = multiplexing[upstreams[slot].pointee.sharedIndex]
        upstreams[slot].pointee.mustClose = true
        while !shared.upstreamStreams.isEmpty {
            let stream = shared.upstreamStreams.first
            let exchange = upstreams[stream].pointee.exchange
            detach(stream, .error)
            if isAnother {
                tryAgain(exchange)
            } else if exchange.exists {
                if avoided.exists { avoid(avoided, exchange) }
                retryOrFail(exchange, .unreachable)
            }
        }
        closeSharedUpstream(slot, .error)
    }

    /// Closes a shared connection that has no streams any more.
    mutating func closeSharedUpstream(_ slot: UpstreamSlot, _ reason: CloseReason) {
        let u = upstreams[slot]
        let server = u.pointee.server
        let shared = multiplexing[u.pointee.sharedIndex]
        surplusEnded(ofStreamsOn: slot)
        for age in 0..<(shared.finished?.count ?? 0) {
            var head = shared.finished![age].exchange.request.head
            transport.buffers.give(&head)
        }
        shared.finished?.deallocate()
        countShared(slot, isIdle: false)
        servers.removeShared(slot, from: server, upstreams)
        multiplexing.remove(u.pointee.sharedIndex)
        u.pointee.sharedIndex = -1
        closeUpstream(slot, reason)
    }

    /// The server does not speak HTTP/2 as it should: the connection cannot be gone on with.
    mutating func upstreamFramesFailed(_ slot: UpstreamSlot, _ failure: HTTP2Failure) {
        let limit = UpstreamRejectReason(failure)
        if let limit {
            counters.countUpstreamRejected(upstream: servers.upstream(upstreams[slot].pointee.server), limit)
        } else {
            recordFramesFailed(slot, failure)
        }
        upstreams[slot].pointee.socket.isBroken = true
        sendUpstreamFarewell(slot)
        sharedUpstreamEnded(slot, by: limit == nil ? .frames : .limit)
    }

    /// The GOAWAY that says why, as far as the socket takes it.
    private mutating func sendUpstreamFarewell(_ slot: UpstreamSlot) {
        let u = upstreams[slot]
        let count = multiplexing[u.pointee.sharedIndex].session.write(
            into: multiplexing.frames, capacity: Multiplexing.frameBytesMax)
        guard count > 0, !u.pointee.socket.isBlocked else { return }
        outbox.clear()
        outbox.add(multiplexing.frames, count)
        u.pointee.socket.isBroken = false
        transport.deliver(&outbox, to: &u.pointee.socket, .upstream)
        u.pointee.socket.isBroken = true
    }
}
