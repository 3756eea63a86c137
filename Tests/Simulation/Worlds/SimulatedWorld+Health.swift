import EventLoop
import Proxy
import Simulation

/// Health checks: who is out at what time, and that requests keep to it.
extension SimulatedWorld {
    /// What a world knows of the health of its servers.
    struct Health {
        let habits: HealthHabits
        /// Since when each has been out, or in; and the times in which each was out, but for the last.
        var outSince: [UInt64?]
        var inSince: [UInt64]
        var outs: [[Range<UInt64>]]
        /// Those that the log says are passed over for what they have done to requests.
        var ejected: Set<Int> = []
        /// What must be logged next.
        var due: (server: Int, isOut: Bool)?
        /// The server whose check is about to be connected to it, and what it has been given.
        var checking: Int?
        var path = ""
        var newest: CheckPeer?
        var peers: [CheckPeer] = []
        /// A check has failed, unless it goes on at another address.
        var settle: (() -> Void)?
        /// When servers could not be reached.
        var outages: [(server: Int, from: UInt64, until: UInt64)] = []

        /// When a reload last changed what is checked.
        var changedAt: UInt64 = 0

        init(_ habits: HealthHabits, servers: Int) {
            self.habits = habits
            outSince = Array(repeating: nil, count: servers)
            inSince = Array(repeating: 0, count: servers)
            outs = Array(repeating: [], count: servers)
        }

        func timesOut(_ server: Int) -> [Range<UInt64>] {
            outs[server] + (outSince[server].map { [$0..<UInt64.max] } ?? [])
        }
    }

    // MARK: Watches

    func planHealth() {
        guard let health else { return }
        // Who cannot make a check takes nobody back.
        network.after(health.habits.troublesEnd) { [unowned self] in network.troubles.exhaustedPerMille = 0 }
    }

    func startWatch(_ hand: Hand) {
        guard health != nil || names != nil else { return }
        for watch in watches { watch.turnsLeft = random.below(random.pick([2, 30, 400])) }
        watches.append(Watch(self, hand.plan, hand.fleetState))
        forgetUnchecked()
    }

    /// The next worker's: its checks may be others, be none, or come back.
    func changedPlan(after plan: Plan) -> Plan {
        guard health != nil || names != nil else { return plan }
        let settings = health?.habits.changed(plan.upstreams[0].health, &reloadNumbers)
        if health != nil { note("world", "checks: \(settings.map { "\($0)" } ?? "none")") }
        return Self.plan(weather, speech, probe, tls, settings) { [self] in
            names?.habits.named($0, at: network.time - start, &nameNumbers) ?? $0
        }
    }

    /// Where nothing is checked any more, nobody is out because of checks: who would take him back?
    private func forgetUnchecked() {
        guard let health, let hand = hands.last, hand.plan.upstreams[0].health == nil else { return }
        for (server, since) in health.outSince.enumerated() {
            guard let since else { continue }
            self.health?.outs[server].append(since..<network.time)
            self.health?.outSince[server] = nil
            self.health?.inSince[server] = network.time
        }
    }

    private func stop(_ ended: [Watch]) {
        guard !ended.isEmpty else { return }
        for watch in ended { watch.stop() }
        watches.removeAll { watch in ended.contains { $0 === watch } }
        // As the fleet that retires does it.
        if let hand = hands.last { hand.fleetState.forgetUnchecked(hand.plan) }
        forgetUnchecked()
    }

    /// True while servers are watched.
    func turnWatches() {
        guard health != nil || names != nil else { return }
        for watch in watches { watch.turn() }
        var end = start + (names?.habits.lasts ?? 0)
        if let health { end = max(end, start + health.habits.lasts, health.changedAt + health.habits.recoveryMax) }
        let isOver = network.time >= end
        stop(watches.filter { $0.turnsLeft.map { isOver || $0 <= 0 } ?? false })
        guard isOver, !watches.isEmpty else { return }
        judgeRecovery()
        stop(watches)
    }

    /// A turn works off what has come of each check: as much as a turn reads, and a few calls more.
    func bound(callsOfWatch calls: Int) {
        callsPeak = max(callsPeak, calls)
        let most = 8 + weather.servers * (2 * 16 + 8 + (names == nil ? 0 : 8))
        if calls > most { fail("a turn of the watch makes \(calls) system calls, at most \(most)") }
    }

    /// Something shows that a check which could not be connected does not go on.
    func settleCheck() {
        let settle = health?.settle
        health?.settle = nil
        settle?()
    }

    func turnOfWatchEnds() {
        if let due = health?.due { fail("server \(due.server) is \(due.isOut ? "in" : "out") in spite of its checks") }
        health?.due = nil
    }

    // MARK: Checks

    func beginCheck(_ server: Int, path: String) {
        health?.checking = server
        health?.path = path
    }

    func takeCheck() -> CheckPeer? {
        let peer = health?.newest
        health?.newest = nil
        health?.checking = nil
        return peer
    }

    /// The peer of the check that is being made now; nil when a request is.
    func makeCheck(of asked: Int, at address: String?) -> CheckPeer? {
        guard let server = health?.checking, let habits = health?.habits else { return nil }
        if asked != server { fail("a check of server \(server) is one of server \(asked)") }
        checks += 1
        let kind = habits.kind(server, at: network.time - start, &random)
        let isWell = habits.isWell(server, at: network.time - start)
        let peer = CheckPeer(self, number: checks, server: server, kind, isWell: isWell, path: health?.path ?? "", habits)
        peer.address = address
        peer.layer = tls?.upstream(self, number: -checks)
        health?.newest = peer
        health?.peers.removeAll { !$0.isOpen && $0.socket != nil }
        health?.peers.append(peer)
        return peer
    }

    func dieInChecks(_ server: Int, at address: String? = nil) {
        for peer in health?.peers ?? [] where peer.server == server && peer.address == address { peer.die() }
    }

    /// What is sent to a check takes long on its way, or in its records.
    var checksAreSlow: Bool { weather.upstreamLink.isDrip || weather.upstreamLink.isSlow || tls?.habits.upstreams != nil }

    /// Whose address it is that is checked; nil: nobody's.
    func checkedServer(at address: String) -> Int? {
        names == nil ? (0..<weather.servers).first { self.address($0) == address } : namedServer(at: address)
    }

    /// What a check says that it asks for.
    func checkedHost(_ server: Int) -> String { names == nil ? "localhost" : "server-\(server)" }

    // MARK: Who is out

    func isOut(_ server: Int) -> Bool { health?.outSince[server] != nil }

    /// A check has just decided it.
    func expect(_ server: Int, isOut: Bool) {
        turnOfWatchEnds()
        health?.due = (server, isOut)
    }

    func noteLogged(_ message: String, server name: String, _ error: String) {
        note("log", "\(message) \(name) \(error)")
        if names != nil { noteLoggedOfName(message, name) }
        guard health != nil, let server = (0..<weather.servers).first(where: { "server-\($0)" == name }) else { return }
        switch message {
        case "server down", "server up":
            settleCheck()
            let isOut = message == "server down"
            guard let due = health?.due, due == (server, isOut) else {
                return fail("server \(server) is \(isOut ? "out" : "in") without its checks having shown that")
            }
            health?.due = nil
            if isOut {
                health?.outSince[server] = network.time
            } else if let since = health?.outSince[server] {
                health?.outs[server].append(since..<network.time)
                health?.outSince[server] = nil
                health?.inSince[server] = network.time
            }
            // One that is out stays ejected as well: its checks may be taken away before they bring it back.
            if !isOut { health?.ejected.remove(server) }
        case "health check failed": settleCheck()
        case "server ejected": health?.ejected.insert(server)
        case "server no longer ejected": health?.ejected.remove(server)
        default: break
        }
    }

    /// A request has reached a server: one that was out ever since it was sent gets none while another was in all the time.
    func noteArrival(of story: Story, at server: Int) {
        guard let health, let since = health.outSince[server], since < story.sentAt else { return }
        let others = (0..<weather.servers).filter {
            $0 != server && health.outSince[$0] == nil && health.inSince[$0] <= story.sentAt
        }
        if !others.isEmpty {
            fail("request \(story.id) was sent to server \(server), which is out, and not to one of \(others)")
        }
    }
}
