import Detector
import EventLoop
import Facts
import HTTP1
import HTTP2
import Report
import Wire

/// Connections and streams to upstreams as they are let go: parted from their exchange, taken out of the pool, closed.
extension Worker {
    /// Takes an exchange off its connection, and closes that.
    mutating func detach(_ slot: UpstreamSlot, _ reason: CloseReason) {
        part(slot)
        closeUpstream(slot, reason)
    }

    /// Takes an exchange off its connection, which is kept for what it may still send.
    mutating func part(_ slot: UpstreamSlot) {
        let exchange = upstreams[slot].pointee.exchange
        guard exchange.exists else { return }
        dropPipe(toUpstreamOf: exchange)
        exchanges[exchange].pointee.upstream = .none
        upstreams[slot].pointee.exchange = .none
    }

    /// Closes a connection that is in no pool.
    mutating func closeUpstream(_ slot: UpstreamSlot, _ reason: CloseReason, reset: Bool = false) {
        let u = upstreams[slot]
        if u.pointee.isStream { return closeUpstreamStream(slot) }
        let server = u.pointee.server
        let upstream = servers.upstream(server)
        connectionPool.unwatch(slot, upstreams)
        servers.exchangeEnds(server)
        connectionPool.changeConnections(server, by: -1)
        giveUpPlace(server)
        counters.changeUpstreamConnections(upstream: upstream, .active, by: -1)
        // A reset is no end in good order.
        let isFlooded = u.pointee.socket.security == .flooded
        let isError = reason == .upstreamClosed && (!u.pointee.socket.mayWrite || isFlooded)
        counters.countClosed(upstream: upstream, isError ? .error : reason)
        if isFlooded { countUpstreamFlood(slot) }
        timers.close(upstreamTimer(slot))
        forgetHistory(slot, learning: reason != .incident)
        if u.pointee.statusLine.isFound { surplus.forgetBlock(in: slot.index) }
        transport.shut(&u.pointee.socket, reset: reset)
        upstreams.release(slot)
        if connectionPool.mayOpen(server) { serveQueue(upstream, server) }
    }

    /// Gives a stream's slot back; the server gets a reset when it has not ended the stream itself.
    mutating func closeUpstreamStream(_ stream: UpstreamSlot) {
        let s = upstreams[stream]
        let parent = s.pointee.parent
        let u = upstreams[parent]
        let shared = multiplexing[u.pointee.sharedIndex]
        if s.pointee.stream > 0 {
            if s.pointee.unconsumed > 0 { shared.session.consumed(s.pointee.stream, Int(s.pointee.unconsumed)) }
            shared.session.setTag(s.pointee.stream, -1)
            if !s.pointee.streamIsOver { shared.session.reset(s.pointee.stream, code: ErrorCode.cancel) }
        }
        shared.end(stream, upstreams)
        servers.exchangeEnds(s.pointee.server)
        timers.close(upstreamTimer(stream))
        upstreams.release(stream)
        frameUpstream(parent)
        if shared.streamCount == 0, u.pointee.phase == .shared {
            timers.set(upstreamTimer(parent), now + u.pointee.idleTimeout)
            countShared(parent, isIdle: true)
        }
        let server = u.pointee.server
        serveQueue(servers.upstream(server), server)
    }

    /// A shared connection is idle when it has no stream, as a pooled one is.
    mutating func countShared(_ slot: UpstreamSlot, isIdle: Bool) {
        let u = upstreams[slot]
        let shared = multiplexing[u.pointee.sharedIndex]
        guard shared.countsAsIdle != isIdle else { return }
        shared.countsAsIdle = isIdle
        let upstream = servers.upstream(u.pointee.server)
        counters.changeUpstreamConnections(upstream: upstream, .active, by: isIdle ? -1 : 1)
        counters.changeUpstreamConnections(upstream: upstream, .idle, by: isIdle ? 1 : -1)
    }

    /// A turn's frames have been sent, or a connection is found to lead to where its server's name no longer does: is there a reason to keep
    /// it? Strays of its last answer may still come.
    mutating func keepOnlyIfNeeded(_ slot: UpstreamSlot) {
        if isOutdated(slot) { upstreams[slot].pointee.mustClose = true }
        guard upstreams[slot].pointee.mustClose, isSpent(slot),
            !multiplexing[upstreams[slot].pointee.sharedIndex].session.waitsForWindow
        else { return }
        // Not later than it is already: its place may be waited for.
        let (end, deadline) = (strayTimeEnds(slot), timers.deadline(upstreamTimer(slot)))
        if deadline == 0 || deadline > end { timers.set(upstreamTimer(slot), end) }
    }

    /// When the strays of a shared connection's last answer have had their time to come.
    func strayTimeEnds(_ slot: UpstreamSlot) -> UInt64 {
        let shared = multiplexing[upstreams[slot].pointee.sharedIndex]
        return max(now, (shared.finished?.latest?.exchange.answer.endedAt ?? 0) + Self.watchTime)
    }

    /// The answer is complete: its facts stay with the connection, its stream is over.
    mutating func upstreamStreamAnswered(_ stream: UpstreamSlot) {
        let s = upstreams[stream]
        let exchange = s.pointee.exchange
        let e = exchanges[exchange]
        e.pointee.answer.endedAt = now
        rememberRequest(exchange, e.pointee.request)
        let finished = exchangeInProgress(on: stream)
        let shared = multiplexing[upstreams[s.pointee.parent].pointee.sharedIndex]
        let entry = FinishedStream(stream: s.pointee.stream, isRecorded: s.pointee.awaitsStreamEnd, exchange: finished)
        if var old = shared.finished?.add(entry) {
            transport.buffers.give(&old.exchange.request.head)
        }
        let requestEnded = e.pointee.state.requestEnded
        let (isTunnel, asksTunnel) = (e.pointee.state.isTunnel, e.pointee.asksUpgrade)
        s.pointee.exchange = .none
        releaseExchange(exchange)
        if isTunnel {
            // Both sides have ended it, or one has broken it.
        } else if asksTunnel {
            // There is none, and so nothing that this side would still say.
            s.pointee.streamIsOver = s.pointee.streamIsOver || !s.pointee.awaitsStreamEnd
            if s.pointee.streamIsOver { endTunnelRequest(stream) }
        } else {
            s.pointee.streamIsOver = requestEnded && (s.pointee.streamIsOver || !s.pointee.awaitsStreamEnd)
        }
        closeUpstreamStream(stream)
    }

    /// This side says nothing more on a stream that was to be a tunnel.
    mutating func endTunnelRequest(_ stream: UpstreamSlot) {
        let s = upstreams[stream]
        guard s.pointee.stream > 0 else { return }
        _ = multiplexing[upstreams[s.pointee.parent].pointee.sharedIndex].session.sendBody(
            s.pointee.stream, outbox.runs, 0, ended: true)
        frameUpstream(s.pointee.parent)
    }

    /// Takes a connection out of its pool, to be used or closed.
    mutating func unpool(_ slot: UpstreamSlot) {
        connectionPool.remove(slot, upstreams)
        leftPool(slot)
    }

    mutating func leftPool(_ slot: UpstreamSlot) {
        let server = upstreams[slot].pointee.server
        servers.exchangeBegins(server)
        counters.changeUpstreamConnections(upstream: servers.upstream(server), .idle, by: -1)
        counters.changeUpstreamConnections(upstream: servers.upstream(server), .active, by: 1)
    }
}
