import EventLoop
import Report

/// After a proven double send: each connection of the server serves one exchange, is watched for strays, and closed.
extension Worker {
    /// From now on each connection of this server serves one exchange, for the time configured, unless the guilty route only observes.
    mutating func quarantine(_ slot: UpstreamSlot, for guilty: FinishedExchange) {
        let server = upstreams[slot].pointee.server
        let place = servers[server]
        guard plan.quarantine > 0 else { return }
        if !guilty.isEmpty, plan.routes[Int(guilty.request.route)].onViolation == .observe { return }
        timers.set(serverTimer(server), now + plan.quarantine)
        let begins = servers.quarantine(server, until: now + plan.quarantine, now)
        fleetState.gauges?.setQuarantined(upstream: Int(place.upstream), server: Int(place.index), true)
        if begins {
            let upstream = plan.upstreams[Int(place.upstream)]
            fleetState.log.notice(
                "server quarantined",
                metadata: [
                    "upstream": "\(upstream.name)", "server": "\(upstream.servers[Int(place.index)].name)",
                    "for_ms": "\(plan.quarantine / 1_000_000)",
                ])
        }
    }

    /// A server's quarantine is over, unless another offence has prolonged it.
    mutating func quarantineExpired(_ server: ServerIndex) {
        let place = servers[server]
        let until = servers.quarantinedUntil(server)
        guard until <= now else { return timers.set(serverTimer(server), until) }
        guard fleetState.gauges?.isQuarantined(upstream: Int(place.upstream), server: Int(place.index)) ?? false else { return }
        fleetState.gauges?.setQuarantined(upstream: Int(place.upstream), server: Int(place.index), false)
        let upstream = plan.upstreams[Int(place.upstream)]
        fleetState.log.notice(
            "quarantine ended",
            metadata: ["upstream": "\(upstream.name)", "server": "\(upstream.servers[Int(place.index)].name)"])
    }

    /// A server's pooled connections serve nobody any more. Those that were pooled a short time ago are watched first.
    mutating func retirePool(_ server: ServerIndex, _ reason: CloseReason) {
        while true {
            let slot = connectionPool.oldest(server)
            guard slot.exists else { return }
            unpool(slot)
            let u = upstreams[slot]
            if u.pointee.pooledAt + Self.watchTime <= now, !u.pointee.socket.isReadable {
                closeUpstream(slot, reason)
            } else {
                watchForStrays(slot, until: u.pointee.pooledAt + Self.watchTime)
            }
        }
    }

    // MARK: Watching

    /// The connection serves nobody any more, and is watched for late strays.
    mutating func watchForStrays(_ slot: UpstreamSlot, until end: UInt64? = nil) {
        let u = upstreams[slot]
        let server = u.pointee.server
        connectionPool.watch(slot, upstreams)
        timers.set(upstreamTimer(slot), max(end ?? now + Self.watchTime, now))
        if u.pointee.socket.isReadable { queueUpstream(slot) }
        // Whoever waits for a connection comes before what may still be seen.
        serveQueue(servers.upstream(server), server)
    }

    /// The limit is reached: the connection that has been watched for the longest makes room for an exchange.
    mutating func endWatch(_ server: ServerIndex) -> Bool {
        let slot = connectionPool.cutWatch(server)
        guard slot.exists else { return false }
        watchEnded(slot, closed: false)
        return true
    }

    /// A stray has had its time to come. Where this thread had to wait for a processor it may be there and not have had its turn.
    mutating func watchExpired(_ slot: UpstreamSlot) {
        let u = upstreams[slot]
        guard !u.pointee.socket.isReadable, transport.look(at: &u.pointee.socket) == .quiet else {
            u.pointee.socket.isReadable = true
            timers.set(upstreamTimer(slot), now + Self.watchTime)
            return queueUpstream(slot)
        }
        watchEnded(slot, closed: false)
    }

    /// Nothing came while the connection was watched.
    mutating func watchEnded(_ slot: UpstreamSlot, closed: Bool) {
        // A close that was announced is no hang-up; one in quarantine is.
        if closed { noteEnding(slot, mayBeHangup: !upstreams[slot].pointee.mustClose) }
        if closed { return closeUpstream(slot, .upstreamClosed) }
        let isQuarantined = servers.isQuarantined(upstreams[slot].pointee.server, now)
        closeUpstream(slot, isQuarantined ? .quarantine : isLeaving ? .drain : .notReusable)
    }
}
