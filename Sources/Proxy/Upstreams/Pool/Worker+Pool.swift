import EventLoop
import Facts
import HTTP1
import HTTP2
import Report
import Wire

/// Connections of the pool: taken, looked at first where that is due, and put back.
extension Worker {
    // MARK: Taking

    /// A pooled connection that is quiet, nil when there is none.
    ///
    /// For a request that may not be repeated, it is one whose server will not soon close it, as far as we know its ways, and it
    /// is looked at however late the last wait for events was.
    mutating func takePooled(
        _ server: ServerIndex, evenUnrested: Bool, mayRepeat: Bool, trustsEcho: Bool = false
    ) -> UpstreamSlot? {
        let upstream = servers.upstream(server)
        guard plan.upstreams[upstream].reuse != .never else { return nil }
        if servers.isQuarantined(server, now) {
            // Those that were pooled before the quarantine have served their exchange.
            retirePool(server, .quarantine)
            return nil
        }
        var demand = ConnectionPool.Demand()
        demand.isUnguarded = plan.upstreams[upstream].reuse == .always
        demand.takesUnrested = evenUnrested
        demand.trustsEcho = trustsEcho
        demand.idleMax = mayRepeat || evenUnrested ? safeIdleTime(server) : safeIdleTime(server).map { $0 / 2 }
        if !demand.isUnguarded {
            demand.rest(
                plan.upstreams[upstream].hold, idleTimeout: plan.upstreams[upstream].idleTimeout,
                workers: fleetState.counters.count)
        }
        demand.addressGeneration = servers.addressGeneration(server)
        while true {
            switch connectionPool.checkOut(server, demand, now, upstreams) {
            case .empty: return nil
            case .connection(let slot):
                leftPool(slot)
                return slot
            case .close(let slot, let reason):
                leftPool(slot)
                closeUpstream(slot, reason)
            case .examine(let slot):
                leftPool(slot)
                if now - upstreams[slot].pointee.pooledAt < demand.hold { counters.countShortRest(upstream: upstream) }
                if isQuiet(slot, mayRepeat: mayRepeat) { return slot }
            }
        }
    }

    /// Whether nothing has come on a connection that has just been taken from the pool; otherwise it is dealt with.
    private mutating func isQuiet(_ slot: UpstreamSlot, mayRepeat: Bool) -> Bool {
        let u = upstreams[slot]
        switch isTrusted(slot, mayRepeat: mayRepeat) ? .quiet : transport.look(at: &u.pointee.socket) {
        case .quiet:
            IdleLimit.noteAlive(
                &servers[u.pointee.server].shared.pointee.idleLimit, idle: now - u.pointee.pooledAt, now)
            return true
        case .ended:
            u.pointee.socket.sawEnd = true
            pooledConnectionEnded(slot)
        case .bytes:
            // Read in its own turn: the read buffer holds the bytes of the client that is being served.
            u.pointee.socket.isReadable = true
            watchForStrays(slot)
        }
        return false
    }

    /// How long a connection to a server may be idle as far as the server has been seen to keep to it.
    private mutating func safeIdleTime(_ server: ServerIndex) -> UInt64? {
        guard let safe = IdleLimit.safeTime(&servers[server].shared.pointee.idleLimit, now) else { return nil }
        let oldest = connectionPool.oldest(server)
        guard oldest.exists else { return safe }
        let idle = now - upstreams[oldest].pointee.pooledAt
        guard IdleLimit.wouldBelie(&servers[server].shared.pointee.idleLimit, idle: idle) else { return safe }
        guard transport.look(at: &upstreams[oldest].pointee.socket) == .quiet else {
            // To be read in its own turn.
            upstreams[oldest].pointee.socket.isReadable = true
            queueUpstream(oldest)
            return safe
        }
        IdleLimit.noteAlive(&servers[server].shared.pointee.idleLimit, idle: idle, now)
        return IdleLimit.safeTime(&servers[server].shared.pointee.idleLimit, now)
    }

    /// Whether the last wait for events, which found nothing on this pooled connection, was so lately that it is look enough.
    mutating func isTrusted(_ slot: UpstreamSlot, mayRepeat: Bool) -> Bool {
        mayRepeat && !upstreams[slot].pointee.socket.isReadable && loop.standsForLook()
    }

    // MARK: Putting back and closing

    /// A connection whose answer is complete, and that may serve another exchange. False when it has been closed instead.
    mutating func putBack(_ slot: UpstreamSlot) -> Bool {
        let u = upstreams[slot]
        let server = u.pointee.server
        let upstream = servers.upstream(server)
        if handover(server) != nil || isOutdated(slot) {
            closeUpstream(slot, isOutdated(slot) ? .aged : .maxIdle)
            return false
        }
        servers.exchangeEnds(server)
        counters.changeUpstreamConnections(upstream: upstream, .active, by: -1)
        counters.changeUpstreamConnections(upstream: upstream, .idle, by: 1)
        timers.set(upstreamTimer(slot), now + u.pointee.idleTimeout)
        if case .insteadOf(let oldest) = connectionPool.checkIn(slot, now, upstreams) {
            leftPool(oldest)
            closeUpstream(oldest, .maxIdle)
            if oldest == slot { return false }
        }
        serveQueue(upstream, server)
        return true
    }

    /// A server's own close of a connection that waited in the pool.
    mutating func pooledConnectionEnded(_ slot: UpstreamSlot) {
        let (server, idle) = (upstreams[slot].pointee.server, now - upstreams[slot].pointee.pooledAt)
        noteEnding(slot, mayBeHangup: !IdleLimit.explains(&servers[server].shared.pointee.idleLimit, idle: idle, now))
        closeUpstream(slot, .upstreamClosed)
    }

    /// Whether this request would be asked for again if its answer lacked its mark, so that no stray can stand for it however soon
    /// the connection is used again. What may be delivered without a mark needs the rest, as everything does that has no echo.
    @inline(__always)
    func needsNoRest(_ e: UnsafeMutablePointer<Exchange>, on server: ServerIndex) -> Bool {
        plan.echo != .off && e.pointee.state.requestEnded && !e.pointee.asksUpgrade && retries.maySendAgain(e)
            && (retries.askedInVain.isEmpty
                || !retries.askedInVain.contains(server: server, sort: e.pointee.request.sort))
    }
}
