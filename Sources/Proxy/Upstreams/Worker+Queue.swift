import CShim
import Wire

/// Waiting for a connection when every one that may be opened is busy.
///
/// First come, first served, over all workers together: a connection that comes free where nobody waits, or somebody who
/// came later, is closed, and its place under the limit granted to the worker where somebody has waited longer.
extension Worker {
    /// While somebody waits it is looked that often whether there is room after all: a server that has come back, say.
    static var queueLookTime: UInt64 { 20_000_000 }

    /// Where an exchange waits: with its upstream's, or with those that belong to the same server.
    private func queue(of number: Int32) -> Int {
        let e = exchanges[number]
        let upstream = Int(e.pointee.upstreamIndex)
        guard e.pointee.stickyServer >= 0 else { return upstream }
        let server = firstServer[upstream] + Int(e.pointee.stickyServer)
        guard isUp(server), !isPassedOver(server), server != Int(e.pointee.avoidedServer) else { return upstream }
        return plan.upstreams.count + server
    }

    /// Puts an exchange where it waits; one that had been called, and was too late, before those who came after it.
    mutating func enqueue(_ number: Int32) {
        let e = exchanges[number]
        let upstream = Int(e.pointee.upstreamIndex)
        let isNew = e.pointee.waitingSince == 0
        guard world.waitingRoom.enter(upstream, max: isNew ? plan.upstreams[upstream].queueMax : .max) else {
            return failExchange(number, status: 503, "every connection to upstream \(plan.upstreams[upstream].name) is busy")
        }
        if isNew { e.pointee.waitingSince = now }
        // Who has to wait takes what there is.
        e.pointee.avoidedServer = -1
        let queue = queue(of: number)
        e.pointee.isWaiting = true
        e.pointee.queue = Int32(queue)
        var previous = isNew ? queues[queue].last : -1
        var next = isNew ? -1 : queues[queue].first
        while !isNew, next >= 0, exchanges[next].pointee.waitingSince <= e.pointee.waitingSince {
            previous = next
            next = exchanges[next].pointee.next
        }
        e.pointee.next = next
        if previous >= 0 { exchanges[previous].pointee.next = number } else { queues[queue].first = number }
        if next < 0 { queues[queue].last = number }
        queues[queue].count += 1
        tellSince(queue)
        timers.set(Worker.clientTimer(e.pointee.client), e.pointee.waitingSince + plan.upstreams[upstream].queueTimeout)
        if timers.deadline(queueTimer) == 0 { timers.set(queueTimer, now + Self.queueLookTime) }
        askForIdle(upstream)
        // Room that was given before this one was seen to wait.
        if isNew { callIfRoom(queue) }
    }

    /// Takes an exchange out of its queue, wherever it stands.
    mutating func dequeue(_ number: Int32) {
        let e = exchanges[number]
        let queue = Int(e.pointee.queue)
        var previous: Int32 = -1
        var at = queues[queue].first
        while at >= 0, at != number {
            previous = at
            at = exchanges[at].pointee.next
        }
        guard at == number else { return }
        let next = e.pointee.next
        if previous >= 0 { exchanges[previous].pointee.next = next } else { queues[queue].first = next }
        if next < 0 { queues[queue].last = previous }
        queues[queue].count -= 1
        if e.pointee.isCalled { queues[queue].called -= 1 }
        e.pointee.isCalled = false
        e.pointee.isWaiting = false
        e.pointee.next = -1
        world.waitingRoom.leave(Int(e.pointee.upstreamIndex))
        tellSince(queue)
    }

    /// Takes an exchange out of its queue that will not need a connection any more. What it was called for goes to the next.
    mutating func leaveQueue(_ number: Int32) {
        let (wasCalled, upstream) = (exchanges[number].pointee.isCalled, Int(exchanges[number].pointee.upstreamIndex))
        dequeue(number)
        if wasCalled { passOn(upstream) }
    }

    /// An exchange that was called has its turn.
    mutating func answerCall(_ number: Int32) {
        guard exchanges[number].pointee.isCalled else { return }
        let upstream = Int(exchanges[number].pointee.upstreamIndex)
        dequeue(number)
        findUpstream(number)
        passOn(upstream)
    }

    /// Whether an exchange that has just come must stand behind others.
    func mustWait(_ number: Int32) -> Bool {
        let e = exchanges[number]
        return e.pointee.waitingSince == 0 && queues[queue(of: number)].count > 0
    }

    // MARK: Calling

    /// A connection of the server has come free, or another may be opened: whoever waits the longest has it.
    mutating func serveQueue(_ upstream: Int, _ server: Int) {
        let own = plan.upstreams.count + server
        let (a, b) = (firstUncalled(upstream), firstUncalled(own))
        if a >= 0, b < 0 || exchanges[a].pointee.waitingSince <= exchanges[b].pointee.waitingSince { return call(a) }
        if b >= 0 { call(b) }
    }

    private func firstUncalled(_ queue: Int) -> Int32 {
        guard queues[queue].count > queues[queue].called else { return -1 }
        var at = queues[queue].first
        while at >= 0, exchanges[at].pointee.isCalled { at = exchanges[at].pointee.next }
        return at
    }

    /// In its own turn, for a pump may be running.
    private mutating func call(_ number: Int32) {
        let e = exchanges[number]
        e.pointee.isCalled = true
        queues[Int(e.pointee.queue)].called += 1
        tellSince(Int(e.pointee.queue))
        clients[e.pointee.client].pointee.needsUpstream = true
        queueClient(e.pointee.client)
    }

    /// Calls the first of a queue when it would find room, or when the server that it waits for is not to be used any more.
    private mutating func callIfRoom(_ queue: Int) {
        let number = firstUncalled(queue)
        guard number >= 0 else { return }
        if queue < plan.upstreams.count {
            if anyHasRoom(queue) { call(number) }
        } else {
            let server = queue - plan.upstreams.count
            if hasRoom(server) || !isUp(server) || isPassedOver(server) { call(number) }
        }
    }

    /// It is time to look whether those who wait could be served after all.
    mutating func lookAtQueues() {
        var somebodyWaits = false
        for queue in queues.indices where queues[queue].count > 0 {
            somebodyWaits = true
            callIfRoom(queue)
        }
        for upstream in plan.upstreams.indices where somebodyWaits && world.waitingRoom.count(upstream) > 0 {
            giveUpStill(upstream)
            for worker in world.mailboxes.indices where worker != number {
                world.mailboxes[worker].post(.giveUpStill(upstream))
            }
        }
        if somebodyWaits { timers.set(queueTimer, now + Self.queueLookTime) }
    }

    private func tellSince(_ queue: Int) {
        let first = firstUncalled(queue)
        world.waitingRoom.setSince(first < 0 ? 0 : exchanges[first].pointee.waitingSince, worker: number, queue: queue)
    }

    // MARK: Other workers

    /// The worker that should have the next connection to a server instead of this one.
    func heir(_ server: Int) -> Int? {
        let upstream = Int(servers[server].upstream)
        guard world.waitingRoom.count(upstream) > 0 else { return nil }
        return world.waitingRoom.heir(besides: number, queues: (upstream, plan.upstreams.count + server))
    }

    /// Another worker has closed a connection: its place under the limit is ours.
    mutating func takeGrant(_ server: Int) {
        servers[server].granted += 1
        serveQueue(Int(servers[server].upstream), server)
        passOn(Int(servers[server].upstream))
    }

    /// Places that were granted, and that nobody here needs any more, go to whoever waits elsewhere, or come free.
    private mutating func passOn(_ upstream: Int) {
        for server in firstServer[upstream]..<firstServer[upstream + 1] {
            if queues[upstream].called + queues[plan.upstreams.count + server].called > 0 { continue }
            while servers[server].granted > 0 {
                servers[server].granted -= 1
                giveUpPlace(server)
            }
            callIfRoom(plan.upstreams.count + server)
        }
        callIfRoom(upstream)
    }

    /// A place under a server's limit is not needed here.
    mutating func giveUpPlace(_ server: Int) {
        if let heir = heir(server), world.mailboxes[heir].post(.grant(server)) { return }
        _ = so_fetch_add(&servers[server].shared.pointee.connections, -1)
    }

    /// Connections that other workers keep in their pools are of no use to who waits here.
    private func askForIdle(_ upstream: Int) {
        for server in firstServer[upstream]..<firstServer[upstream + 1] {
            let idle = so_load(&servers[server].shared.pointee.idle)
            guard idle > UInt64(servers[server].idleCount) else { continue }
            for worker in world.mailboxes.indices where worker != number { world.mailboxes[worker].post(.giveIdle(server)) }
        }
    }

    /// Somebody on another worker waits for a connection to the server: one that is idle here is given up for it.
    mutating func giveIdle(_ server: Int) {
        guard heir(server) != nil else { return }
        let slot = oldestPooled(server)
        guard slot >= 0 else { return }
        unpool(slot)
        closeUpstream(slot, .maxIdle)
    }
}
