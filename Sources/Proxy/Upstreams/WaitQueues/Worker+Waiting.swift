import Wire

/// Requests in a queue that are called, and the looks at queues that nobody has called.
extension Worker {
    /// An exchange that was called has its turn.
    mutating func answerCall(_ exchange: ExchangeSlot) {
        guard exchanges[exchange].pointee.state.place == .called else { return }
        let upstream = Int(exchanges[exchange].pointee.upstreamIndex)
        waitQueues.remove(exchange, exchanges)
        // Until now it was the queue's, and if it waits again it will be.
        restartBodyDeadline(exchanges[exchange].pointee.client)
        findUpstream(exchange)
        passOn(upstream)
    }

    /// It is time to look whether those who wait could be served after all.
    mutating func lookAtQueues() {
        for upstream in plan.upstreams.indices { callIfRoom(upstream: upstream) }
        for server in servers.indices { callIfRoom(server: server) }
        guard waitQueues.count > 0 else { return }
        for upstream in plan.upstreams.indices where fleetState.waitingRoom.count(upstream) > 0 {
            giveUpStill(upstream)
            for worker in fleetState.mailboxes.indices where worker != index {
                fleetState.mailboxes[worker].post(.giveUpStill(upstream))
            }
        }
        timers.set(queueTimer, now + Self.queueLookTime)
    }

    /// Somebody on another worker waits for a connection to the server: one that is idle here is given up for it.
    mutating func giveIdle(_ server: ServerIndex) {
        guard handover(server) != nil else { return }
        let slot = connectionPool.oldest(server)
        guard slot.exists else { return }
        unpool(slot)
        closeUpstream(slot, .maxIdle)
    }
}
