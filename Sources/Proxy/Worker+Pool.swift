import CShim
import EventLoop
import Exchanges
import Glibc
import Report
import Wire

/// Connections to upstream servers: choosing, opening, taking from the pool, putting back, closing.
extension Worker {
    /// What the look at a pooled connection found.
    enum Look { case quiet, ended, bytes }

    /// Finds a connection for an exchange: a pooled one, a new one, or a place in the queue.
    mutating func findUpstream(_ number: Int32) {
        let e = exchanges[number]
        let upstream = Int(e.pointee.upstreamIndex)
        guard
            let server = chooseServer(
                upstream, avoiding: Int(e.pointee.avoidedServer), sticky: Int(e.pointee.stickyServer))
        else {
            return failExchange(number, status: 503, "no server of upstream \(plan.upstreams[upstream].name) can be used")
        }
        if mustWait(number) { return enqueue(number) }
        if plan.upstreams[upstream].isHTTP2 { return findStream(number, on: server) }
        let isIdempotent = e.pointee.request.method.isIdempotent
        if !e.pointee.wantsNewConnection, let slot = takePooled(server, evenUnrested: false, onlyYoung: !isIdempotent) {
            return attach(number, to: slot)
        }
        if connectionsLeft(server),
            e.pointee.wantsNewConnection || servers[server].connectionCount < plan.upstreams[upstream].idleMax
        {
            return connect(number, to: server)
        }
        // No more may be opened, or kept: of those that rest, the one that has rested longest is the least risky.
        if let slot = takePooled(server, evenUnrested: true, onlyYoung: false) {
            _ = so_fetch_add(&servers[server].shared.pointee.unrested, 1)
            return attach(number, to: slot)
        }
        if connectionsLeft(server) { return connect(number, to: server) }
        enqueue(number)
    }

    // MARK: Taking

    /// A pooled connection that has been looked at and is quiet, nil when there is none.
    ///
    /// `onlyYoung`: none whose server may soon close it, as far as we know its ways; for requests that cannot be sent again.
    private mutating func takePooled(_ server: Int, evenUnrested: Bool, onlyYoung: Bool) -> Int32? {
        let upstream = Int(servers[server].upstream)
        guard plan.upstreams[upstream].reuse != .never else { return nil }
        promoteRested(server, hold: plan.upstreams[upstream].reuse == .guarded ? plan.upstreams[upstream].hold : 0)
        while true {
            let slot =
                servers[server].readyFirst >= 0 ? servers[server].readyFirst : evenUnrested ? servers[server].restingFirst : -1
            guard slot >= 0 else { return nil }
            let idle = now - upstreams[slot].pointee.pooledAt
            if onlyYoung, let safe = safeIdleTime(server), idle > safe / 2 { return nil }
            unpool(slot)
            if idle >= idleTime(slot) {
                closeUpstream(slot, .idleTimeout)
                continue
            }
            if isOutdated(slot) {
                closeUpstream(slot, .aged)
                continue
            }
            if plan.upstreams[upstream].reuse == .always { return slot }
            switch look(slot) {
            case .quiet: return slot
            case .ended:
                upstreams[slot].pointee.socket.sawEnd = true
                pooledConnectionEnded(slot)
            case .bytes:
                // Read in its own turn: the read buffer holds the bytes of the client that is being served.
                upstreams[slot].pointee.socket.isReadable = true
                listenForStrays(slot)
            }
        }
    }

    /// How long a connection may be idle: as configured, as its server allows, and as that has been seen to keep to it.
    private func idleTime(_ slot: Int32) -> UInt64 {
        min(upstreams[slot].pointee.idleTimeout, safeIdleTime(Int(upstreams[slot].pointee.server)) ?? .max)
    }

    private func safeIdleTime(_ server: Int) -> UInt64? { IdleLimit.safeTime(&servers[server].shared.pointee.idleLimit, now) }

    /// Looks at what has come on a pooled connection since the last wait for events.
    private mutating func look(_ slot: Int32) -> Look {
        let socket = upstreams[slot].pointee.socket
        if socket.security != .none { return lookThrough(slot) }
        let n = kernel.peek(socket.fd, readBufferTail, 1)
        return n > 0 ? .bytes : n == Int(-EAGAIN) ? .quiet : .ended
    }

    /// A byte of the read buffer that no request stands in.
    var readBufferTail: UnsafeMutableRawPointer {
        UnsafeMutableRawPointer(scratch + scratchCapacity - 1)
    }

    /// Moves connections that have rested long enough to where they can be taken, last in, first out.
    private mutating func promoteRested(_ server: Int, hold: UInt64) {
        while true {
            let slot = servers[server].restingFirst
            guard slot >= 0, upstreams[slot].pointee.pooledAt + hold <= now else { return }
            let u = upstreams[slot]
            servers[server].restingFirst = u.pointee.next
            if u.pointee.next >= 0 { upstreams[u.pointee.next].pointee.previous = -1 } else { servers[server].restingLast = -1 }
            u.pointee.phase = .ready
            u.pointee.previous = -1
            u.pointee.next = servers[server].readyFirst
            if u.pointee.next >= 0 { upstreams[u.pointee.next].pointee.previous = slot }
            servers[server].readyFirst = slot
        }
    }

    /// Takes a connection out of its pool, to be used or closed.
    mutating func unpool(_ slot: Int32) {
        let u = upstreams[slot]
        let server = Int(u.pointee.server)
        let next = u.pointee.next
        let previous = u.pointee.previous
        if previous >= 0 {
            upstreams[previous].pointee.next = next
        } else if u.pointee.phase == .ready {
            servers[server].readyFirst = next
        } else {
            servers[server].restingFirst = next
        }
        if next >= 0 {
            upstreams[next].pointee.previous = previous
        } else if u.pointee.phase == .resting {
            servers[server].restingLast = previous
        }
        u.pointee.next = -1
        u.pointee.previous = -1
        u.pointee.phase = .active
        servers[server].idleCount -= 1
        _ = so_fetch_add(&servers[server].shared.pointee.idle, -1)
        servers[server].activeCount += 1
        counters.changeUpstreamConnections(upstream: Int(servers[server].upstream), .idle, by: -1)
        counters.changeUpstreamConnections(upstream: Int(servers[server].upstream), .active, by: 1)
    }

    // MARK: Opening

    func connectionsLeft(_ server: Int) -> Bool {
        servers[server].granted > 0
            || so_load_ordered(&servers[server].shared.pointee.connections)
                < UInt64(plan.upstreams[Int(servers[server].upstream)].connectionsMax)
    }

    private mutating func connect(_ number: Int32, to server: Int) {
        let slot = openConnection(server)
        guard slot >= 0 else {
            if Self.meansExhausted(slot) { return waitForDescriptor(number, server) }
            exchanges[number].pointee.attempts += 1
            exchanges[number].pointee.avoidedServer = Int16(server)
            connectFailed(server, String(cString: strerror(-slot)))
            retryOrFail(number, .unsent)
            return
        }
        attach(number, to: slot)
    }

    /// Begins a connection to a server: its slot, or -errno.
    mutating func openConnection(_ server: Int) -> Int32 {
        let upstream = Int(servers[server].upstream)
        var isConnected = false
        var target = nextAddress(server)
        var fd = kernel.connect(target.address, isConnected: &isConnected)
        while fd < 0 {
            guard !Self.meansExhausted(fd), isAnotherAddress(server, target.place, target.generation) else { return fd }
            target = nextAddress(server)
            fd = kernel.connect(target.address, isConnected: &isConnected)
        }
        var connection = UpstreamConnection(
            fd: fd, server: UInt16(server), number: world.nextConnectionNumber(),
            idleTimeout: plan.upstreams[upstream].idleTimeout)
        connection.addressPlace = UInt32(target.place)
        connection.addressGeneration = target.generation
        let slot = upstreams.take(connection)
        guard slot >= 0 else {
            kernel.close(fd)
            return -ENFILE
        }
        takePlace(server)
        servers[server].connectionCount += 1
        servers[server].activeCount += 1
        counters.changeUpstreamConnections(upstream: upstream, .active, by: 1)
        timers.open(upstreamTimer(slot))
        let registered = kernel.register(poll, fd, tag: upstreamTag(slot), edge: true)
        guard registered >= 0 else {
            closeUpstream(slot, .error)
            return registered
        }
        timers.set(upstreamTimer(slot), now + plan.upstreams[upstream].connectTimeout)
        if isConnected, plan.upstreams[upstream].servers[Int(servers[server].index)].tls == nil {
            upstreams[slot].pointee.phase = .active
        }
        return slot
    }

    /// Counts a connection against the server's limit; on a place that was granted it is counted already.
    private mutating func takePlace(_ server: Int) {
        if servers[server].granted > 0 {
            servers[server].granted -= 1
        } else {
            _ = so_fetch_add(&servers[server].shared.pointee.connections, 1)
        }
    }

    /// This process has no descriptor left, which is not the server's fault: one of its connections has to do.
    private mutating func waitForDescriptor(_ number: Int32, _ server: Int) {
        pauseAccepting()
        if let slot = takePooled(server, evenUnrested: true, onlyYoung: false) {
            _ = so_fetch_add(&servers[server].shared.pointee.unrested, 1)
            return attach(number, to: slot)
        }
        guard servers[server].connectionCount > 0 else {
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
        guard error == 0 else { return connectGaveUp(slot, String(cString: strerror(error))) }
        let place = servers[Int(u.pointee.server)]
        if let destination = plan.upstreams[Int(place.upstream)].servers[Int(place.index)].tls {
            return shakeHands(slot, destination)
        }
        connected(slot)
    }

    /// A connection is there, with all that belongs to it: the request goes out.
    mutating func connected(_ slot: Int32) {
        let u = upstreams[slot]
        if u.pointee.multiplex >= 0 { return upstreamMultiplexConnected(slot) }
        let number = u.pointee.exchange
        guard number >= 0 else { return closeUpstream(slot, .clientGone) }
        exchanges[number].pointee.connectTime = max(1, now - exchanges[number].pointee.connectingSince)
        requestStarts(number)
        sendToUpstream(number)
        // Body bytes that came meanwhile wait in the client's connection.
        queueClient(exchanges[number].pointee.client)
    }

    /// A connect failed, or took too long.
    mutating func connectGaveUp(_ slot: Int32, _ reason: String) {
        let number = upstreams[slot].pointee.exchange
        let server = Int(upstreams[slot].pointee.server)
        if isAnotherAddress(server, Int(upstreams[slot].pointee.addressPlace), upstreams[slot].pointee.addressGeneration) {
            if upstreams[slot].pointee.multiplex >= 0 { return upstreamMultiplexUnreachable(slot) }
            detach(slot, .error)
            return tryAgain(number)
        }
        connectFailed(server, reason)
        if upstreams[slot].pointee.multiplex >= 0 { return upstreamMultiplexUnreachable(slot) }
        if number >= 0 { exchanges[number].pointee.avoidedServer = Int16(server) }
        detach(slot, .error)
        if number >= 0 { retryOrFail(number, .unsent) }
    }

    mutating func connectFailed(_ server: Int, _ reason: String) {
        serverFailed(server, reason, "cannot connect")
    }

    // MARK: Putting back and closing

    /// A connection whose answer is complete, and that may serve another exchange. False when it has been closed instead.
    mutating func pool(_ slot: Int32) -> Bool {
        let u = upstreams[slot]
        let server = Int(u.pointee.server)
        let upstream = Int(servers[server].upstream)
        if heir(server) != nil || isOutdated(slot) {
            closeUpstream(slot, isOutdated(slot) ? .aged : .maxIdle)
            return false
        }
        servers[server].activeCount -= 1
        servers[server].idleCount += 1
        _ = so_fetch_add(&servers[server].shared.pointee.idle, 1)
        counters.changeUpstreamConnections(upstream: upstream, .active, by: -1)
        counters.changeUpstreamConnections(upstream: upstream, .idle, by: 1)
        u.pointee.phase = .resting
        u.pointee.pooledAt = now
        u.pointee.next = -1
        u.pointee.previous = servers[server].restingLast
        if servers[server].restingLast >= 0 {
            upstreams[servers[server].restingLast].pointee.next = slot
        } else {
            servers[server].restingFirst = slot
        }
        servers[server].restingLast = slot
        timers.set(upstreamTimer(slot), now + idleTime(slot))
        if Int(servers[server].idleCount) > plan.upstreams[upstream].idleMax {
            // The one in the pool for the longest is the next to be closed by its server anyway.
            let oldest = servers[server].restingFirst
            unpool(oldest)
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
        let upstream = Int(servers[server].upstream)
        servers[server].activeCount -= 1
        servers[server].connectionCount -= 1
        giveUpPlace(server)
        counters.changeUpstreamConnections(upstream: upstream, .active, by: -1)
        counters.countClosed(upstream: upstream, reason)
        timers.close(upstreamTimer(slot))
        buffers.give(&u.pointee.last.request.head)
        buffers.give(&u.pointee.beforeLast.request.head)
        if u.pointee.hasEmbedded { embedded[slot] = nil }
        shut(&u.pointee.socket, reset: reset)
        upstreams.release(slot)
        if connectionsLeft(server) { serveQueue(upstream, server) }
    }

    /// A server's own close of a connection that waited in the pool.
    mutating func pooledConnectionEnded(_ slot: Int32) {
        noteEnding(slot, mayBeHangup: true)
        closeUpstream(slot, .upstreamClosed)
    }
}
