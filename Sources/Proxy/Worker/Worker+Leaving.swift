import EventLoop
import Glibc
import Report

/// The end of a worker: by a drain, which has a deadline, or by retirement, when another worker goes on in its place.
///
/// Neither loses a request: who waits to be accepted is accepted, who is being served is served, and whoever may be about
/// to ask again is moved to the successor, or learns from its last answer that the connection closes.
extension Worker {
    var isLeaving: Bool { departure.isLeaving }

    /// While draining, a connection that has been quiet for so long is closed: its next request would hardly meet the close.
    static var quietTime: UInt64 { 250_000_000 }

    /// How long a client may be idle.
    var idleTime: UInt64 { departure.isDraining ? min(Self.quietTime, plan.timeouts.clientIdle) : plan.timeouts.clientIdle }

    // MARK: Draining

    /// No new clients; those that are idle are closed, the others after their answer.
    package mutating func startDrain(within time: UInt64) {
        let deadline = now + time
        guard departure.drain(until: deadline) else { return }
        closeListeners { _ in true }
        var slot = clients.next(after: .none)
        while slot.exists {
            quieten(slot)
            slot = clients.next(after: slot)
        }
        timers.open(timers.timer(.drain))
        timers.set(timers.timer(.drain), deadline)
    }

    /// An idle client is closed soon. A request whose first bytes have come is served.
    private mutating func quieten(_ slot: ClientSlot) {
        let c = clients[slot]
        if c.pointee.sharedIndex >= 0 { return leaveSharedClient(slot) }
        guard c.pointee.exchange.isNone, c.pointee.phase == .head, c.pointee.scanned == 0, !c.pointee.socket.isBlocked,
            c.pointee.socket.security != .handshaking
        else { return }
        let deadline = timers.deadline(Worker.clientTimer(slot))
        let quiet = now + Self.quietTime
        if deadline == 0 || deadline > quiet { timers.set(Worker.clientTimer(slot), quiet) }
    }

    /// Leaves the listening sockets. Those that nobody goes on with are emptied first: a connection that waits in one
    /// that is closed would be reset.
    private mutating func closeListeners(_ isGone: (Int) -> Bool) {
        for place in listeners.open {
            if isGone(listeners[place].index) { acceptAll(place) }
            if !listeners.isPaused { loop.unregister(listeners[place].fd) }
            kernel.close(listeners[place].fd)
            listeners.close(place)
        }
    }

    private mutating func acceptAll(_ place: Int) {
        // More than can wait in a socket's queue: whoever comes faster than that is not waited for.
        for _ in 0..<Fleet.backlog {
            var address = sockaddr_storage()
            let fd = kernel.accept(listeners[place].fd, &address)
            if fd >= 0 {
                admit(fd, address, listener: listeners[place].index)
            } else if fd != -ECONNABORTED, fd != -EINTR {
                return
            }
        }
    }

    // MARK: Retiring

    /// Others have the listening sockets now. Clients move to them as soon as they are idle.
    package mutating func startRetirement(_ succession: Succession?) {
        guard departure.retire(to: succession) else { return }
        closeListeners { index in succession.map { $0.listeners[index] < 0 } ?? false }
        // Their places under the servers' limits are the successor's.
        watchPooled()
        var slot = clients.next(after: .none)
        while slot.exists {
            // In a turn of its own, in which all that has been read of it is worked off.
            queueClient(slot)
            if clients[slot].pointee.sharedIndex >= 0 { leaveSharedClient(slot) }
            if departure.abandons(listener: Int(clients[slot].pointee.listener)) { quieten(slot) }
            slot = clients.next(after: slot)
        }
    }

    /// Gives an idle client to the successor. False when it stays.
    mutating func moveToSuccessor(_ slot: ClientSlot) -> Bool {
        let c = clients[slot]
        guard c.pointee.phase == .head, c.pointee.exchange.isNone, !c.pointee.mustClose, mayMove(c) else { return false }
        let socket = c.pointee.socket
        guard socket.input.isEmpty, !socket.isBlocked, !socket.isBroken, !socket.sawEnd else { return false }
        var connection = c.pointee
        guard let successor = departure.successor(ofWorker: index, listener: Int(c.pointee.listener)) else { return false }
        connection.socket = Socket(fd: socket.fd)
        connection.listener = successor.listener
        // Before it is posted: the descriptor may be closed, and its number used anew, at any time after that.
        loop.unregister(socket.fd)
        guard successor.mailbox.post(.adopt(MovedClient(connection: connection))) else {
            // The successor has ended before us. Whoever asks again gets an answer that closes the connection.
            departure.successorHasEnded()
            if loop.register(socket.fd, clientTag(slot), edge: true) < 0 { closeClient(slot) }
            return false
        }
        timers.close(Worker.clientTimer(slot))
        counters.changeClientConnections(listener: Int(c.pointee.listener), by: -1)
        clients.release(slot)
        return true
    }

    /// Takes over a client that an earlier plan's worker has left.
    mutating func adopt(_ moved: MovedClient) {
        let connection = moved.connection
        let slot = clients.take(connection)
        guard slot.exists else {
            _ = fleetState.changeClients(by: -1)
            counters.countRejected(.connectionLimit)
            return kernel.close(connection.socket.fd)
        }
        let listener = Int(connection.listener)
        clients[slot].pointee.isTrusted = plan.trusted.contains { connection.address.isIn($0) }
        counters.changeClientConnections(listener: listener, by: 1)
        timers.open(Worker.clientTimer(slot))
        timers.set(Worker.clientTimer(slot), now + idleTime)
        guard loop.register(connection.socket.fd, clientTag(slot), edge: true) >= 0 else {
            return closeClient(slot)
        }
        if departure.isRetiring { queueClient(slot) }
    }

    // MARK: The end

    /// Pooled connections have nobody to serve any more, but the last exchange's strays may still come.
    mutating func watchPooled() {
        for server in servers.indices {
            var shared = servers[server].sharedConnections.first
            while shared.exists {
                let next = upstreams[shared].pointee.next
                if multiplexing[upstreams[shared].pointee.sharedIndex].streamCount == 0 {
                    watchStreams(on: shared)
                }
                shared = next
            }
            if connectionPool.idleCount(server) > 0 { retirePool(server, .drain) }
        }
    }

    /// Nobody needs a shared connection any more, but strays of its last answer may still come.
    private mutating func watchStreams(on slot: UpstreamSlot) {
        let u = upstreams[slot]
        guard u.pointee.phase == .shared else { return closeSharedUpstream(slot, .drain) }
        // The rest of a tunnel has its time.
        let hasMore = multiplexing[u.pointee.sharedIndex].session.waitsForWindow || u.pointee.socket.isBlocked
        if hasMore, timers.deadline(upstreamTimer(slot)) > now { return }
        let end = strayTimeEnds(slot)
        if end <= now { return sharedUpstreamExpired(slot) }
        timers.set(upstreamTimer(slot), end)
    }

    /// Closes whatever is left; surplus that is being collected is recorded first.
    mutating func closeAll() {
        var client = clients.next(after: .none)
        while client.exists {
            if !clients[client].pointee.isStream { cutClient(client) }
            client = clients.next(after: client)
        }
        // No exchange is in progress any more.
        var upstream = upstreams.next(after: .none)
        while upstream.exists {
            closeForDrain(upstream)
            upstream = upstreams.next(after: upstream)
        }
        judgeHangups(isEnding: true)
    }

    private mutating func closeForDrain(_ slot: UpstreamSlot) {
        if upstreams[slot].pointee.sharedIndex >= 0 { return closeSharedUpstream(slot, .drain) }
        switch upstreams[slot].pointee.phase {
        case .surplus: surplusCutShort(slot)
        case .resting, .settled:
            unpool(slot)
            closeUpstream(slot, .drain)
        default: closeUpstream(slot, .drain)
        }
    }
}
