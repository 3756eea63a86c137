import CShim
import EventLoop
import Exchanges
import Glibc
import Report
import Wire

/// Connections to upstream servers: choosing, opening, taking from the pool, putting back, closing.
extension Worker {
    /// Finds a connection for an exchange: a pooled one, a new one, or a place in the queue.
    mutating func findUpstream(_ number: Int32) {
        let e = exchanges[number]
        let upstream = Int(e.pointee.upstreamIndex)
        guard
            let server = chooseServer(
                upstream,
                ServerSet.Demand(
                    now: now, avoided: Int(e.pointee.avoidedServer), sticky: Int(e.pointee.stickyServer),
                    mayTry: e.pointee.attempts == 0 && e.pointee.request.method.isIdempotent
                        && plan.upstreams[upstream].retryAttempts > 0))
        else {
            return failExchange(number, status: 503, "no server of upstream \(plan.upstreams[upstream].name) can be used")
        }
        if mustWait(number) { return enqueue(number) }
        servers.requestGoes(to: server, now)
        if plan.upstreams[upstream].isHTTP2 { return findStream(number, on: server) }
        let mayRepeat = e.pointee.request.method.isIdempotent
        if !e.pointee.wantsNewConnection,
            let slot = takePooled(server, evenUnrested: false, mayRepeat: mayRepeat, trustsEcho: needsNoRest(e, on: server))
        {
            return attach(number, to: slot)
        }
        if connectionPool.mayOpen(server),
            e.pointee.wantsNewConnection || !connectionPool.isFull(server)
        {
            return connect(number, to: server)
        }
        // No more may be opened, or kept: of those that rest, the one that has rested longest is the least risky.
        if let slot = takePooled(server, evenUnrested: true, mayRepeat: mayRepeat) {
            connectionPool.noteUnrested(server)
            return attach(number, to: slot)
        }
        if connectionPool.mayOpen(server) { return connect(number, to: server) }
        // Its place may have gone to another worker, where somebody has waited longer.
        if endListening(server), connectionPool.mayOpen(server) { return connect(number, to: server) }
        enqueue(number)
    }

    // MARK: Taking

    /// A pooled connection that is quiet, nil when there is none.
    ///
    /// For a request that may not be repeated, it is one whose server will not soon close it, as far as we know its ways, and it
    /// is looked at however late the last wait for events was.
    private mutating func takePooled(
        _ server: Int, evenUnrested: Bool, mayRepeat: Bool, trustsEcho: Bool = false
    ) -> Int32? {
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
                plan.upstreams[upstream].hold, idleTimeout: plan.upstreams[upstream].idleTimeout, workers: world.counters.count)
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
    private mutating func isQuiet(_ slot: Int32, mayRepeat: Bool) -> Bool {
        let u = upstreams[slot]
        switch isTrusted(slot, mayRepeat: mayRepeat) ? .quiet : transport.look(at: &u.pointee.socket) {
        case .quiet:
            IdleLimit.noteAlive(
                &servers[Int(u.pointee.server)].shared.pointee.idleLimit, idle: now - u.pointee.pooledAt, now)
            return true
        case .ended:
            u.pointee.socket.sawEnd = true
            pooledConnectionEnded(slot)
        case .bytes:
            // Read in its own turn: the read buffer holds the bytes of the client that is being served.
            u.pointee.socket.isReadable = true
            listenForStrays(slot)
        }
        return false
    }

    /// How long a connection to a server may be idle as far as the server has been seen to keep to it.
    private mutating func safeIdleTime(_ server: Int) -> UInt64? {
        guard let safe = IdleLimit.safeTime(&servers[server].shared.pointee.idleLimit, now) else { return nil }
        let oldest = connectionPool.oldest(server)
        guard oldest >= 0 else { return safe }
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
    private mutating func isTrusted(_ slot: Int32, mayRepeat: Bool) -> Bool {
        mayRepeat && !upstreams[slot].pointee.socket.isReadable && loop.standsForLook()
    }

    /// Takes a connection out of its pool, to be used or closed.
    mutating func unpool(_ slot: Int32) {
        connectionPool.remove(slot, upstreams)
        leftPool(slot)
    }

    private mutating func leftPool(_ slot: Int32) {
        let server = Int(upstreams[slot].pointee.server)
        servers.exchangeBegins(server)
        counters.changeUpstreamConnections(upstream: servers.upstream(server), .idle, by: -1)
        counters.changeUpstreamConnections(upstream: servers.upstream(server), .active, by: 1)
    }

    // MARK: Opening

    private mutating func connect(_ number: Int32, to server: Int) {
        let slot = openConnection(server)
        guard slot >= 0 else {
            if Self.meansExhausted(slot) { return waitForDescriptor(number, server) }
            if slot == -EBUSY { return enqueue(number) }
            exchanges[number].pointee.attempts += 1
            exchanges[number].pointee.wasPooled = false
            exchanges[number].pointee.avoidedServer = Int16(server)
            serverFailed(server, .refused, String(cString: strerror(-slot)))
            retryOrFail(number, .unreachable)
            return
        }
        attach(number, to: slot)
    }

    /// Begins a connection to a server: its slot, or -errno; -EBUSY when another worker has just taken the last place.
    mutating func openConnection(_ server: Int) -> Int32 {
        guard connectionPool.takePlace(server) else { return -EBUSY }
        let upstream = servers.upstream(server)
        var isConnected = false
        var target = nextAddress(server)
        var fd = kernel.connect(target.address, isConnected: &isConnected)
        while fd < 0 {
            guard !Self.meansExhausted(fd), isAnotherAddress(server, target.place, target.generation) else {
                giveUpPlace(server)
                return fd
            }
            target = nextAddress(server)
            fd = kernel.connect(target.address, isConnected: &isConnected)
        }
        var connection = UpstreamConnection(
            fd: fd, server: UInt16(server), number: world.nextConnectionNumber(),
            idleTimeout: plan.upstreams[upstream].idleTimeout)
        connection.asksAcknowledgement = plan.upstreams[upstream].reuse == .guarded && !target.address.isLoopback
        connection.addressPlace = UInt32(target.place)
        connection.addressGeneration = target.generation
        let slot = upstreams.take(connection)
        guard slot >= 0 else {
            kernel.close(fd)
            giveUpPlace(server)
            return -ENFILE
        }
        if transport.isTaping {
            transport.beginTape(fd, connection: connection.number, isHTTP2: plan.upstreams[upstream].isHTTP2)
        }
        connectionPool.changeConnections(server, by: 1)
        servers.exchangeBegins(server)
        counters.changeUpstreamConnections(upstream: upstream, .active, by: 1)
        timers.open(upstreamTimer(slot))
        let registered = loop.register(fd, upstreamTag(slot), edge: true)
        guard registered >= 0 else {
            closeUpstream(slot, .error)
            return registered
        }
        timers.set(upstreamTimer(slot), now + plan.upstreams[upstream].connectTimeout)
        // Streams are put on a shared connection first: the event that it is writable sends them.
        if isConnected, !plan.upstreams[upstream].isHTTP2,
            plan.upstreams[upstream].servers[Int(servers[server].index)].tls == nil
        {
            upstreams[slot].pointee.phase = .active
            serverConnected(server)
        }
        return slot
    }

    /// This process has no descriptor left, which is not the server's fault: one of its connections has to do.
    mutating func waitForDescriptor(_ number: Int32, _ server: Int) {
        pauseAccepting()
        if let slot = takePooled(server, evenUnrested: true, mayRepeat: false) {
            connectionPool.noteUnrested(server)
            return attach(number, to: slot)
        }
        guard connectionPool.connectionCount(server) > 0 else {
            return failExchange(number, status: 503, "no file descriptor is left for a connection to the upstream")
        }
        // Not to be tried again at once.
        descriptorsLackUntil = now + Self.queueLookTime
        enqueue(number)
    }

    /// A connect has been decided: the request goes out, or elsewhere.
    mutating func connectDecided(_ slot: Int32) {
        let u = upstreams[slot]
        let error = kernel.takeError(u.pointee.socket.fd)
        guard error == 0 else {
            return connectGaveUp(slot, String(cString: strerror(error)), error == ETIMEDOUT ? .unreachable : .refused)
        }
        let place = servers[Int(u.pointee.server)]
        if let destination = plan.upstreams[Int(place.upstream)].servers[Int(place.index)].tls {
            return shakeHands(slot, destination)
        }
        connected(slot)
    }

    /// A connection is there, with all that belongs to it: the request goes out.
    mutating func connected(_ slot: Int32) {
        let u = upstreams[slot]
        serverConnected(Int(u.pointee.server))
        if u.pointee.multiplex >= 0 { return upstreamMultiplexConnected(slot) }
        let number = u.pointee.exchange
        guard number >= 0 else { return closeUpstream(slot, .clientGone) }
        exchanges[number].pointee.state.receive(.placed)
        exchanges[number].pointee.connectTime = max(1, now - exchanges[number].pointee.connectTime)
        u.pointee.roundTrip = exchanges[number].pointee.connectTime
        requestStarts(number)
        sendToUpstream(number)
        // Body bytes that came meanwhile wait in the client's connection.
        queueClient(exchanges[number].pointee.client)
    }

    /// A connect failed, or took too long.
    mutating func connectGaveUp(_ slot: Int32, _ reason: String, _ failure: ServerFailure = .unreachable) {
        let number = upstreams[slot].pointee.exchange
        let server = Int(upstreams[slot].pointee.server)
        if isAnotherAddress(server, Int(upstreams[slot].pointee.addressPlace), upstreams[slot].pointee.addressGeneration) {
            if upstreams[slot].pointee.multiplex >= 0 { return upstreamMultiplexUnreachable(slot) }
            detach(slot, .error)
            return tryAgain(number)
        }
        serverFailed(server, failure, reason)
        if upstreams[slot].pointee.multiplex >= 0 { return upstreamMultiplexUnreachable(slot, avoiding: server) }
        if number >= 0 { exchanges[number].pointee.avoidedServer = Int16(server) }
        detach(slot, .error)
        if number >= 0 { retryOrFail(number, .unreachable) }
    }

    // MARK: Putting back and closing

    /// A connection whose answer is complete, and that may serve another exchange. False when it has been closed instead.
    mutating func putBack(_ slot: Int32) -> Bool {
        let u = upstreams[slot]
        let server = Int(u.pointee.server)
        let upstream = servers.upstream(server)
        if heir(server) != nil || isOutdated(slot) {
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

    /// Closes a connection that is in no pool.
    mutating func closeUpstream(_ slot: Int32, _ reason: CloseReason, reset: Bool = false) {
        let u = upstreams[slot]
        if u.pointee.isStream { return closeUpstreamStream(slot) }
        let server = Int(u.pointee.server)
        let upstream = servers.upstream(server)
        connectionPool.unwatch(slot, upstreams)
        servers.exchangeEnds(server)
        connectionPool.changeConnections(server, by: -1)
        giveUpPlace(server)
        counters.changeUpstreamConnections(upstream: upstream, .active, by: -1)
        // A reset is no end in good order.
        let isError = reason == .upstreamClosed && !u.pointee.socket.mayWrite
        counters.countClosed(upstream: upstream, isError ? .error : reason)
        timers.close(upstreamTimer(slot))
        forgetHistory(slot, learning: reason != .incident)
        if u.pointee.statusLine.isFound { surplus.forgetBlock(in: slot) }
        transport.shut(&u.pointee.socket, reset: reset)
        upstreams.release(slot)
        if connectionPool.mayOpen(server) { serveQueue(upstream, server) }
    }

    /// A server's own close of a connection that waited in the pool.
    mutating func pooledConnectionEnded(_ slot: Int32) {
        let (server, idle) = (Int(upstreams[slot].pointee.server), now - upstreams[slot].pointee.pooledAt)
        noteEnding(slot, mayBeHangup: !IdleLimit.explains(&servers[server].shared.pointee.idleLimit, idle: idle, now))
        closeUpstream(slot, .upstreamClosed)
    }
}
