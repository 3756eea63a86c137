/// Waiting for a connection when every one that may be opened is busy.
///
/// First come, first served, over all workers together: a connection that comes free where nobody waits, or somebody who
/// came later, is closed, and its place under the limit granted to the worker where somebody has waited longer.
extension Worker {
    /// While somebody waits it is looked that often whether there is room after all: a server that has come back, say.
    static var queueLookTime: UInt64 { 20_000_000 }

    /// The server for which an exchange waits because it belongs to it; none when any of its upstream's will do.
    func awaitedServer(_ exchange: ExchangeSlot) -> ServerIndex {
        let e = exchanges[exchange]
        guard e.pointee.stickyServer >= 0 else { return .none }
        let server = servers.of(Int(e.pointee.upstreamIndex)).lowerBound.advanced(by: Int(e.pointee.stickyServer))
        return servers.isUp(server) && !servers.isPassedOver(server, now) && !e.pointee.failedServers.contains(server)
            ? server : .none
    }

    /// Takes an exchange out of its queue that will not need a connection any more. What it was called for goes to the next.
    mutating func leaveQueue(_ exchange: ExchangeSlot) {
        let (wasCalled, upstream) = (
            exchanges[exchange].pointee.state.place == .called, Int(exchanges[exchange].pointee.upstreamIndex)
        )
        waitQueues.remove(exchange, exchanges)
        if wasCalled { passOn(upstream) }
    }

    /// Whether an exchange that has just come must wait after others.
    @inline(__always)
    func mustWait(_ exchange: ExchangeSlot) -> Bool {
        let e = exchanges[exchange]
        guard e.pointee.waitingSince == 0 else { return false }
        let server = awaitedServer(exchange)
        return server.isNone
            ? waitQueues.isAwaited(upstream: Int(e.pointee.upstreamIndex)) : waitQueues.isAwaited(server: server)
    }

    // MARK: Calling

    /// A connection of the server has come free, or another may be opened: whoever waits the longest has it.
    @inline(__always)
    mutating func serveQueue(_ upstream: Int, _ server: ServerIndex) {
        guard waitQueues.isAwaited(upstream: upstream) || waitQueues.isAwaited(server: server) else { return }
        call(waitQueues.next(for: server, of: upstream, exchanges))
    }

    /// In its own turn, for a pump may be running. Nobody when -1.
    private mutating func call(_ exchange: ExchangeSlot) {
        guard exchange.exists else { return }
        waitQueues.call(exchange, exchanges)
        let client = exchanges[exchange].pointee.client
        clients[client].pointee.needsUpstream = true
        queueClient(client)
    }

    /// Calls the first of an upstream's queue when it would find room.
    mutating func callIfRoom(upstream: Int) {
        let exchange = waitQueues.next(upstream: upstream, exchanges)
        if exchange.exists, anyHasRoom(upstream) { call(exchange) }
    }

    /// Calls the first of those who belong to a server when it has room, or is not to be used any more.
    mutating func callIfRoom(server: ServerIndex) {
        let exchange = waitQueues.next(server: server, exchanges)
        if exchange.exists, hasRoom(server) || !servers.isUp(server) || servers.isPassedOver(server, now) { call(exchange) }
    }

    // MARK: Other workers

    /// The worker that should have the next connection to a server instead of this one.
    @inline(__always)
    func handover(_ server: ServerIndex) -> Int? { waitQueues.handover(of: server, upstream: servers.upstream(server)) }

    /// Another worker has closed a connection: its place under the limit is ours.
    mutating func takeGrant(_ server: ServerIndex) {
        connectionPool.grantPlace(server)
        serveQueue(servers.upstream(server), server)
        passOn(servers.upstream(server))
    }

    /// Places that were granted, and that nobody here needs any more, go to whoever waits elsewhere, or come free.
    mutating func passOn(_ upstream: Int) {
        for server in servers.of(upstream) {
            if waitQueues.isCalled(for: server, of: upstream) { continue }
            while connectionPool.ungrantPlace(server) { giveUpPlace(server) }
            callIfRoom(server: server)
        }
        callIfRoom(upstream: upstream)
    }

    /// A place under a server's limit is not needed here.
    mutating func giveUpPlace(_ server: ServerIndex) {
        if let handover = handover(server), fleetState.mailboxes[handover].post(.grant(server)) { return }
        connectionPool.freePlace(server)
    }

    /// Connections that other workers keep in their pools are of no use to who waits here.
    func askForIdle(_ upstream: Int) {
        for server in servers.of(upstream) {
            guard connectionPool.idleElsewhere(server) else { continue }
            for worker in fleetState.mailboxes.indices where worker != index {
                fleetState.mailboxes[worker].post(.giveIdle(server))
            }
        }
    }
}
