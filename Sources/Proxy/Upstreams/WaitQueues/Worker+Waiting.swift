import Wire

/// Requests in a queue that are called, and the looks at queues that nobody has called.
extension Worker {
    /// An exchange that was called has its turn.
    mutating func answerCall(_ number: ExchangeSlot) {
        guard exchanges[number].pointee.state.place == .called else { return }
        let upstream = Int(exchanges[number].pointee.upstreamIndex)
        waitQueues.remove(number, exchanges)
        findUpstream(number)
        passOn(upstream)
    }

    /// It is time to look whether those who wait could be served after all.
    mutating func lookAtQueues() {
        for upstream in plan.upstreams.indices { callIfRoom(upstream: upstream) }
        for server in servers.indices { callIfRoom(server: server) }
        guard waitQueues.count > 0 else { return }
        for upstream in plan.upstreams.indices where world.waitingRoom.count(upstream) > 0 {
            giveUpStill(upstream)
            for worker in world.mailboxes.indices where worker != number {
                world.mailboxes[worker].post(.giveUpStill(upstream))
            }
        }
        timers.set(queueTimer, now + Self.queueLookTime)
    }

    /// Somebody on another worker waits for a connection to the server: one that is idle here is given up for it.
    mutating func giveIdle(_ server: Int) {
        guard heir(server) != nil else { return }
        let slot = connectionPool.oldest(server)
        guard slot.exists else { return }
        unpool(slot)
        closeUpstream(slot, .maxIdle)
    }
}
