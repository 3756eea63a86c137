import CShim
import Glibc
import Report

/// The endpoint's thread: waits for sockets, for news and for time to pass.
struct AdminLoop: Sendable {
    let socket: AdminSocket
    let wakeUp: WakeUp
    let routes: AdminRoutes

    func run() {
        let subscription = routes.sources.ring.subscribe { [wakeUp] in wakeUp.wake() }
        var connections: [AdminConnection] = []
        var acceptTime: UInt64 = 0
        var endTime: UInt64?
        while true {
            if wakeUp.isStopAsked, endTime == nil {
                endTime = so_monotonic_ns() + AdminLimit.endNanoseconds
                leave(&connections)
            }
            if let endTime, connections.isEmpty || so_monotonic_ns() >= endTime { break }
            let isAccepting = endTime == nil && so_monotonic_ns() >= acceptTime
            var polled = [pollfd(fd: wakeUp.descriptor, events: Int16(POLLIN), revents: 0)]
            polled.append(pollfd(fd: isAccepting ? socket.descriptor : -1, events: Int16(POLLIN), revents: 0))
            for connection in connections {
                polled.append(pollfd(fd: connection.descriptor, events: connection.interest, revents: 0))
            }
            unsafe poll(
                &polled, nfds_t(polled.count),
                timeout(connections, isAccepting ? nil : endTime ?? acceptTime, now: so_monotonic_ns()))

            let now = so_monotonic_ns()
            let hasNews = polled[0].revents != 0
            if hasNews { wakeUp.clear() }
            serve(&connections, polled.dropFirst(2).map { $0.revents != 0 }, hasNews: hasNews, now: now)
            if polled[1].revents != 0, !accept(into: &connections, now: now) {
                // No descriptors left: the client in the backlog would wake us again at once.
                acceptTime = now + AdminLimit.acceptPauseNanoseconds
            }
        }
        if let subscription { routes.sources.ring.unsubscribe(subscription) }
        for connection in connections { so_close(connection.descriptor) }
    }

    /// Nobody else can connect. Who has a question, or is about to ask one, stays.
    private func leave(_ connections: inout [AdminConnection]) {
        _ = accept(into: &connections, now: so_monotonic_ns())
        connections = connections.compactMap { connection in
            var connection = connection
            guard connection.leave() == .closed else { return connection }
            so_close(connection.descriptor)
            return nil
        }
        socket.close(removingFile: wakeUp.removesFile)
    }

    /// One turn of all. Those with several requests at once answer a few of them, and stand behind the others next time.
    private func serve(_ connections: inout [AdminConnection], _ isReady: [Bool], hasNews: Bool, now: UInt64) {
        var staying: [AdminConnection] = []
        var last: [AdminConnection] = []
        var streams = connections.count { $0.stream != nil }
        for (index, var connection) in connections.enumerated() {
            let wasStream = connection.stream != nil
            let hadMore = connection.hasMore
            let hasTurn = hadMore ? last.count < AdminLimit.laterAnswersMax : isReady[index]
            let outcome = serve(
                &connection, isReady: hasTurn, hasNews: hasNews, mayStream: streams < AdminLimit.streamsMax, now: now)
            guard outcome == .stays else {
                so_close(connection.descriptor)
                continue
            }
            if hadMore, hasTurn { last.append(connection) } else { staying.append(connection) }
            if !wasStream, connection.stream != nil { streams += 1 }
        }
        connections = staying + last
    }

    private func serve(
        _ connection: inout AdminConnection, isReady: Bool, hasNews: Bool, mayStream: Bool, now: UInt64
    ) -> AdminConnection.Outcome {
        if isReady, connection.attend(routes, mayStream: mayStream, now: now) == .closed { return .closed }
        if hasNews, connection.follow(routes.sources, now: now) == .closed { return .closed }
        return now >= connection.wakeTime && !connection.hasMore ? connection.expire(now: now) : .stays
    }

    /// False when the system cannot give more connections for now.
    private func accept(into connections: inout [AdminConnection], now: UInt64) -> Bool {
        // Whoever has just come is heard before others can take the place.
        for _ in 0..<AdminLimit.acceptsMax {
            var peer = sockaddr_storage()
            let descriptor = unsafe so_accept(socket.descriptor, &peer)
            guard descriptor >= 0 else {
                return ![EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(-descriptor)
            }
            guard connections.count < AdminLimit.connectionsMax || makeRoom(in: &connections) else {
                so_close(descriptor)
                continue
            }
            so_no_delay(descriptor)
            connections.append(AdminConnection(descriptor: descriptor, now: now))
        }
        return true
    }

    /// Those who keep a place and do nothing with it must not keep others out.
    private func makeRoom(in connections: inout [AdminConnection]) -> Bool {
        let stalled = connections.indices.filter { connections[$0].stream == nil }.min {
            connections[$0].deadline < connections[$1].deadline
        }
        guard let stalled else { return false }
        so_close(connections.remove(at: stalled).descriptor)
        return true
    }

    /// Milliseconds until the first connection wants to be looked at; rounded up, or the loop would spin.
    private func timeout(_ connections: [AdminConnection], _ acceptTime: UInt64?, now: UInt64) -> Int32 {
        if connections.contains(where: \.hasMore) { return 0 }
        guard let first = (connections.map(\.wakeTime) + [acceptTime].compactMap(\.self)).min() else { return -1 }
        return first <= now ? 0 : Int32(min((first - now + 999_999) / 1_000_000, 60_000))
    }
}
