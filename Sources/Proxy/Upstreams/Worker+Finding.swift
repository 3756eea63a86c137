import Detector
import EventLoop
import Facts
import Glibc
import HTTP1
import HTTP2
import Report
import Wire

/// A connection or a stream for a request: a pooled one, a new one, or a place in the queue.
extension Worker {
    /// Finds a connection for an exchange: a pooled one, a new one, or a place in the queue.
    mutating func findUpstream(_ exchange: ExchangeSlot) {
        let e = exchanges[exchange]
        let upstream = Int(e.pointee.upstreamIndex)
        guard
            let server = chooseServer(
                upstream,
                ServerSet.Demand(
                    now: now, failed: e.pointee.failedServers, sticky: Int(e.pointee.stickyServer),
                    mayTry: e.pointee.attempts == 0 && e.pointee.request.method.isIdempotent
                        && plan.upstreams[upstream].retryAttempts > 0, isRetry: e.pointee.attempts > 0))
        else {
            return failExchange(exchange, status: 503, "no server of upstream \(plan.upstreams[upstream].name) can be used")
        }
        if mustWait(exchange) { return enqueue(exchange) }
        servers.requestGoes(to: server, now)
        if plan.upstreams[upstream].protocol.sharesConnections { return findStream(exchange, on: server) }
        let mayRepeat = e.pointee.request.method.isIdempotent
        if e.pointee.wantsNewConnection, !connectionPool.mayOpen(server) { giveWay(server) }
        if !e.pointee.wantsNewConnection,
            let slot = takePooled(server, evenUnrested: false, mayRepeat: mayRepeat, trustsEcho: needsNoRest(e, on: server))
        {
            return attach(exchange, to: slot)
        }
        if connectionPool.mayOpen(server),
            e.pointee.wantsNewConnection || !connectionPool.isFull(server)
        {
            return connect(exchange, to: server)
        }
        // No more may be opened, or kept: of those that rest, the one that has rested longest is the least risky.
        if let slot = takePooled(server, evenUnrested: true, mayRepeat: mayRepeat) {
            connectionPool.noteUnrested(server)
            return attach(exchange, to: slot)
        }
        if connectionPool.mayOpen(server) { return connect(exchange, to: server) }
        // Its place may have gone to another worker, where somebody has waited longer.
        if endWatch(server), connectionPool.mayOpen(server) { return connect(exchange, to: server) }
        enqueue(exchange)
    }

    /// A request that is asked again is safe on a new connection alone: one that nobody uses is closed for it.
    private mutating func giveWay(_ server: ServerIndex) {
        let oldest = connectionPool.oldest(server)
        guard oldest.exists else { return }
        unpool(oldest)
        closeUpstream(oldest, .maxIdle)
    }

    /// Finds a stream for an exchange: on a connection with room, on a new one, or a place in the queue.
    private mutating func findStream(_ exchange: ExchangeSlot, on server: ServerIndex) {
        // The others may have ended at the same moment, as those of a process that has died do, and not been read since.
        let wantsNew = exchanges[exchange].pointee.wantsNewConnection && connectionPool.mayOpen(server)
        var slot = servers[server].sharedConnections.first
        while slot.exists {
            if isOutdated(slot) { keepOnlyIfNeeded(slot) }
            if hasStream(slot), !wantsNew || upstreams[slot].pointee.phase == .connecting {
                return attachStream(exchange, to: slot)
            }
            slot = upstreams[slot].pointee.next
        }
        guard connectionPool.mayOpen(server) else {
            makeRoom(server)
            return enqueue(exchange)
        }
        switch connectShared(server) {
        case .slot(let slot): attachStream(exchange, to: slot)
        case .failed(let error): noConnection(exchange, server, error)
        }
    }

    /// A shared connection that is open for strays alone is closed in the next turn.
    private mutating func makeRoom(_ server: ServerIndex) {
        var slot = servers[server].sharedConnections.first
        while slot.exists {
            if isSpent(slot), timers.deadline(upstreamTimer(slot)) > now {
                connectionPool.noteCutWatch(server)
                return timers.set(upstreamTimer(slot), now)
            }
            slot = upstreams[slot].pointee.next
        }
    }

    private mutating func connect(_ exchange: ExchangeSlot, to server: ServerIndex) {
        switch openConnection(server) {
        case .slot(let slot): attach(exchange, to: slot)
        case .failed(let error): noConnection(exchange, server, error)
        }
    }

    /// None could be begun.
    private mutating func noConnection(_ exchange: ExchangeSlot, _ server: ServerIndex, _ error: Int32) {
        if Kernel.isOutOfResources(-error) { return waitForDescriptor(exchange, server) }
        if error == EBUSY { return enqueue(exchange) }
        let e = exchanges[exchange]
        e.pointee.attempts += 1
        e.pointee.wasPooled = false
        avoid(server, exchange)
        serverFailed(server, .refused, String(cString: strerror(error)))
        retryOrFail(exchange, .unreachable)
    }

    private enum Opening {
        case slot(UpstreamSlot)
        /// The system's error; EBUSY when another worker has just taken the last place.
        case failed(Int32)
    }

    /// Begins a connection that many exchanges will share; it is the first of its server's.
    private mutating func connectShared(_ server: ServerIndex) -> Opening {
        guard let session = HTTP2Session(.client, plan.upstreamFrameLimits, spare: multiplexing.spare) else {
            return .failed(ENOMEM)
        }
        let opening = openConnection(server)
        guard case .slot(let slot) = opening else { return opening }
        let u = upstreams[slot]
        let shared = SharedConnection(session, .upstream(slot))
        shared.finished = History(capacityMax: FinishedStream.capacity)
        u.pointee.sharedIndex = multiplexing.add(shared)
        servers.addShared(slot, to: server, upstreams)
        return opening
    }

    /// Begins a connection to a server.
    private mutating func openConnection(_ server: ServerIndex) -> Opening {
        guard connectionPool.takePlace(server) else { return .failed(EBUSY) }
        let upstream = servers.upstream(server)
        var isConnected = false
        var target = nextAddress(server)
        var fd = kernel.connect(target.address, isConnected: &isConnected)
        while fd < 0 {
            guard !Kernel.isOutOfResources(fd), isAnotherAddress(server, target.place, target.generation) else {
                giveUpPlace(server)
                return .failed(-fd)
            }
            target = nextAddress(server)
            fd = kernel.connect(target.address, isConnected: &isConnected)
        }
        var connection = UpstreamConnection(
            fd: fd, server: server, number: fleetState.nextConnectionNumber(),
            idleTimeout: plan.upstreams[upstream].idleTimeout)
        connection.asksAcknowledgement = plan.upstreams[upstream].reuse == .guarded && !target.address.isLoopback
        connection.addressPlace = UInt32(target.place)
        connection.addressGeneration = target.generation
        let slot = upstreams.take(connection)
        guard slot.exists else {
            kernel.close(fd)
            giveUpPlace(server)
            return .failed(ENFILE)
        }
        if transport.isTaping, plan.upstreams[upstream].protocol.isTaped {
            transport.beginTape(fd, connection: connection.number)
        }
        connectionPool.changeConnections(server, by: 1)
        servers.exchangeBegins(server)
        counters.changeUpstreamConnections(upstream: upstream, .active, by: 1)
        timers.open(upstreamTimer(slot))
        let registered = loop.register(fd, upstreamTag(slot), edge: true)
        guard registered >= 0 else {
            closeUpstream(slot, .error)
            return .failed(-registered)
        }
        timers.set(upstreamTimer(slot), now + plan.upstreams[upstream].connectTimeout)
        // Streams are put on a shared connection first: the event that it is writable sends them.
        if isConnected, !plan.upstreams[upstream].protocol.sharesConnections,
            plan.upstreams[upstream].servers[Int(servers[server].index)].tls == nil
        {
            upstreams[slot].pointee.phase = .active
            serverConnected(server)
        }
        return .slot(slot)
    }

    private mutating func attachStream(_ exchange: ExchangeSlot, to slot: UpstreamSlot) {
        let u = upstreams[slot]
        let shared = multiplexing[u.pointee.sharedIndex]
        let holds = exchanges[exchange].pointee.asksUpgrade && !shared.session.hasPeerSettings
        if exchanges[exchange].pointee.asksUpgrade, !holds, !shared.session.allowsExtendedConnect {
            return refuseTunnel(exchange)
        }
        var made = UpstreamConnection(fd: -1, server: u.pointee.server, number: u.pointee.number, idleTimeout: 0)
        made.parent = slot
        made.phase = u.pointee.phase == .connecting || holds ? .connecting : .active
        made.ordinal = u.pointee.ordinal
        let stream = upstreams.take(made)
        guard stream.exists else { return failExchange(exchange, status: 503, "too many streams to upstreams") }
        shared.begin(stream, upstreams)
        countShared(slot, isIdle: false)
        // Who is still to ask has no place among its exchanges yet.
        if !holds { u.pointee.ordinal += 1 }
        servers.exchangeBegins(u.pointee.server)
        timers.open(upstreamTimer(stream))
        if u.pointee.phase == .shared { timers.set(upstreamTimer(slot), 0) }
        attach(exchange, to: stream)
        if holds, u.pointee.phase == .shared { holdTunnel(stream) }
    }

    /// This process has no descriptor left, which is not the server's fault: one of its connections has to do.
    private mutating func waitForDescriptor(_ exchange: ExchangeSlot, _ server: ServerIndex) {
        pauseAccepting()
        if let slot = takePooled(server, evenUnrested: true, mayRepeat: false) {
            connectionPool.noteUnrested(server)
            return attach(exchange, to: slot)
        }
        guard connectionPool.connectionCount(server) > 0 else {
            return failExchange(exchange, status: 503, "no file descriptor is left for a connection to the upstream")
        }
        // Not to be tried again at once.
        descriptorsLackUntil = now + Self.queueLookTime
        enqueue(exchange)
    }

    /// Puts an exchange where it waits.
    private mutating func enqueue(_ exchange: ExchangeSlot) {
        let e = exchanges[exchange]
        let upstream = Int(e.pointee.upstreamIndex)
        // Its connection has failed it: how long it waited for that counts no more.
        if e.pointee.state.hasPlace { e.pointee.waitingSince = e.pointee.waitingSince > 0 ? now : 0 }
        // Who has to wait takes what there is.
        e.pointee.failedServers = FailedServers()
        if plan.upstreams[upstream].protocol.sharesConnections { e.pointee.wantsNewConnection = false }
        let server = awaitedServer(exchange)
        let enqueued = waitQueues.enqueue(exchange, boundTo: server, max: plan.upstreams[upstream].queueMax, now, exchanges)
        guard enqueued != .full else {
            return failExchange(exchange, status: 503, "every connection to upstream \(plan.upstreams[upstream].name) is busy")
        }
        timers.set(Worker.clientTimer(e.pointee.client), e.pointee.waitingSince + plan.upstreams[upstream].queueTimeout)
        if timers.deadline(queueTimer) == 0 { timers.set(queueTimer, now + Self.queueLookTime) }
        askForIdle(upstream)
        // Room that was given before this one was seen to wait.
        if enqueued == .queued { if server.isNone { callIfRoom(upstream: upstream) } else { callIfRoom(server: server) } }
    }
}
