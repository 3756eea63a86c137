import EventLoop
import Facts
import Glibc
import HTTP1
import HTTP2
import Report
import Wire

/// Deadlines: one a connection, whose meaning its phase gives.
extension Worker {
    mutating func expired(_ deadline: Deadlines.Deadline) {
        switch deadline {
        case .client(let slot): clientExpired(slot)
        case .upstream(let slot): upstreamExpired(slot)
        // The turn's end looks at it.
        case .drain: break
        case .hangups: judgeHangups()
        case .queues: lookAtQueues()
        case .streamSurplus: surplusExpired()
        case .server(let server): quarantineExpired(server)
        case .access: access.handOver()
        }
    }

    private mutating func clientExpired(_ slot: ClientSlot) {
        let c = clients[slot]
        if c.pointee.phase == .shared { return sharedClientExpired(slot) }
        if let end = answerTimeEnds(slot) { return timers.set(Worker.clientTimer(slot), end) }
        // A window that is kept shut holds the answer, and whatever feeds it.
        if c.pointee.isStream, c.pointee.socket.isHeldBack || c.pointee.awaitsRoom || c.pointee.phase == .lingering {
            counters.countRejected(.stalledStream)
        }
        if c.pointee.socket.isBlocked || c.pointee.awaitsRoom { return clientStalled(slot) }
        if c.pointee.abortsWhenDrained { return closeClient(slot, reset: true) }
        switch c.pointee.phase {
        case .head:
            guard c.pointee.scanned > 0 else {
                if let end = idleTimeEnds(slot) { return timers.set(Worker.clientTimer(slot), end) }
                return closeIdleClient(slot)
            }
            c.pointee.mustClose = true
            refuse(slot, status: 408, "the request's header block did not come in time", hasWholeHead: false)
        case .body:
            guard c.pointee.exchange.exists else { return closeClient(slot) }
            if exchanges[c.pointee.exchange].pointee.state.isWaiting { return waitedInVain(slot) }
            guard isAwaited(slot), hadTurn(slot) else { return restartBodyDeadline(slot) }
            failExchange(c.pointee.exchange, status: 408, "the request's body did not come in time")
        case .waiting:
            if c.pointee.exchange.exists, exchanges[c.pointee.exchange].pointee.state.isWaiting { waitedInVain(slot) }
        case .lingering where !c.pointee.isStream: lingeringExpired(slot)
        case .lingering, .shared: clientBroke(slot)
        case .tunnel:
            if let end = tunnelTimeEnds(slot) { return timers.set(Worker.clientTimer(slot), end) }
            tunnelExpired(slot)
        }
    }

    private mutating func waitedInVain(_ slot: ClientSlot) {
        failExchange(clients[slot].pointee.exchange, status: 503, "no connection to the upstream came free in time")
    }

    private mutating func upstreamExpired(_ slot: UpstreamSlot) {
        let u = upstreams[slot]
        if u.pointee.sharedIndex >= 0 { return sharedUpstreamExpired(slot) }
        switch u.pointee.phase {
        case .connecting:
            // A stream's connection has its own deadline.
            guard !u.pointee.isStream else { return tunnelHeldTooLong(slot) }
            let isShaking = u.pointee.socket.security != .none
            connectGaveUp(slot, isShaking ? "the TLS handshake took too long" : String(cString: strerror(ETIMEDOUT)))
        case .resting, .settled:
            unpool(slot)
            closeUpstream(slot, .idleTimeout)
        case .watched: watchExpired(slot)
        case .surplus: surplusExpired(slot)
        case .shared: break
        case .active:
            let exchange = u.pointee.exchange
            guard exchange.exists else { return closeUpstream(slot, .error) }
            switch answerPhase(slot) {
            case .head:
                let e = exchanges[exchange]
                // A client that is still sending its request has its own deadline.
                if isAwaited(e.pointee.client) { return timers.set(upstreamTimer(slot), now + responseHeaderTimeout(e)) }
                if let end = requestTimeEnds(slot) { return timers.set(upstreamTimer(slot), end) }
                serverFailed(u.pointee.server, .silent, "did not answer in time")
                failExchange(
                    exchange, status: 504,
                    "upstream \(plan.upstreams[Int(e.pointee.upstreamIndex)].name) did not answer in time")
            case .body where u.pointee.awaitsStreamEnd: answerEndedBeforeSurplus(slot, isOver: false)
            // A server that answers while it reads may be waiting for more of the request.
            case .body where isAwaited(exchanges[exchange].pointee.client):
                timers.set(upstreamTimer(slot), now + bodyIdleTimeout(exchanges[exchange]))
            case .body: bodyIsLate(slot)
            case .idle, .tunnel: break
            }
        }
    }

    /// A shared connection has been idle for as long as it may be, or could not be made in time.
    mutating func sharedUpstreamExpired(_ slot: UpstreamSlot) {
        let u = upstreams[slot]
        guard u.pointee.phase == .shared else { return connectGaveUp(slot, String(cString: strerror(ETIMEDOUT))) }
        let shared = multiplexing[u.pointee.sharedIndex]
        guard shared.streamCount == 0 else { return }
        if u.pointee.socket.isReadable || transport.look(at: &u.pointee.socket) != .quiet {
            // Where this thread had to wait for a processor, a stray may be there that has not had its turn.
            let generation = upstreams.generation(slot)
            u.pointee.socket.isReadable = true
            readFrames(.upstream(slot))
            guard upstreams.generation(slot) == generation, shared.streamCount == 0 else { return }
        }
        // The rest of a tunnel that both sides have ended goes to its server at that one's pace.
        if shared.session.waitsForWindow || u.pointee.socket.isBlocked, shared.movedAt + u.pointee.idleTimeout > now {
            return timers.set(upstreamTimer(slot), shared.movedAt + u.pointee.idleTimeout)
        }
        shared.session.goAway()
        let reason: CloseReason = isOutdated(slot) ? .aged : u.pointee.mustClose ? .notReusable : .idleTimeout
        closeSharedUpstream(slot, isLeaving ? .drain : reason)
    }
}
