import CPeerTLS
import Detector
import EventLoop
import Logging
import Proxy
import Report
import Simulation

/// A world's course: workers have their turns until nothing can happen any more, and then it is judged.
extension SimulatedWorld {
    /// Runs the world to its end. What is wrong with it, in words; empty when nothing is.
    public func run() -> [String] { tls?.whileDrawing(runToEnd) ?? runToEnd() }

    private func runToEnd() -> [String] {
        tlsBytesBefore = so_memory_bytes()
        guard let first = Hand(self, plan, kernel: network, seed: random.next()) else { return ["no memory for a worker"] }
        listener = network.makeListener()
        _ = first.worker.addListener(fd: listener, index: 0)
        hands = [first]
        noteNames(of: plan)
        planNames()
        startWatch(first)
        // Who is out is seen by those who come meanwhile.
        let comeWithin = health.map { $0.habits.troublesEnd } ?? names.map { $0.habits.lasts } ?? 20_000_000
        for plan in plans {
            network.after(comingTime(within: comeWithin)) { [unowned self] in
                network.connect(plan.connection(self, first: 0), to: listener, over: plan.link)
            }
        }
        for change in changes {
            network.after(change.after) { [unowned self] in
                dueChanges.append(change)
                network.interrupt()
            }
        }
        planOutages()
        planHealth()
        planVisits()
        planFaultyClients()
        planFaultyRequesters()
        planIntruders()
        turnUntilQuiet()
        if turns == turnsMax { fail("the worker turns for ever") }
        note("weather", "\(weather)")
        if sort != .bytes { note("speech", "\(speech)") }
        incidents = recorder.ring.entries(after: 0, limit: Self.incidentsMax).entries.map(\.incident)
        judge()
        return failures
    }

    private func planVisits() {
        for number in 0..<(tls?.habits.visitors ?? 0) {
            network.after(random.upTo(100_000_000)) { [unowned self] in
                guard let visitor = tls?.visitor(self, number: number + 1) else { return }
                visitors.append(visitor)
                network.connect(visitor, to: listener, over: weather.clientLink)
            }
        }
    }

    private func turnUntilQuiet() {
        // Each has found, one after the other, that there is nothing to wait for.
        var quiet = 0
        repeat {
            for hand in hands {
                turn(hand)
                quiet = network.isQuiet ? quiet + 1 : 0
            }
            turnWatches()
            for hand in hands where hand.worker.isStopped { dismiss(hand) }
            while !dueChanges.isEmpty { make(dueChanges.removeFirst()) }
            if hands.isEmpty { return letTheRestHappen() }
        } while quiet < hands.count && turns < turnsMax
    }

    private func turn(_ hand: Hand) {
        let calls = network.calls
        let before = hand.worker.census
        if [.changes, .health, .tunnels, .names].contains(sort) { hand.worker.readMailbox() }
        let allocations = so_memory_calls()
        network.peersAct = { $0 ? so_memory_end() : so_memory_begin() }
        so_memory_begin()
        hand.worker.turn(waitMilliseconds: -1)
        so_memory_end()
        network.peersAct = nil
        turns += 1
        let after = hand.worker.census
        look(at: after)
        bound(
            calls: network.calls - calls,
            connections: max(before.clients + before.upstreams, after.clients + after.upstreams))
        let connections = hands.reduce(0) { $0 + $1.worker.census.clients + $1.worker.census.upstreams }
        if tls != nil { boundTLS(allocations: so_memory_calls() - allocations, connections) }
    }

    /// OpenSSL's memory, and its work, measured by how often it allocates some. Only where that is counted: a hello may be of 128 KiB and is held twice,
    /// and a handshake, or the late steps of a client, are some two thousand allocations.
    private func boundTLS(allocations: Int, _ connections: Int) {
        allocationsPeak = max(allocationsPeak, allocations)
        let most = 24_576 + connections * 3072
        if allocations > most {
            fail("TLS allocates \(allocations) times in a turn with \(connections) connections, at most \(most)")
        }
        let bytes = so_memory_bytes() - tlsBytesBefore
        let bytesMax = (96 + connections * 320) << 10
        if bytes > bytesMax { fail("TLS has \(bytes) bytes for \(connections) connections, at most \(bytesMax)") }
    }

    /// Nobody serves any more: clients find that out.
    private func letTheRestHappen() {
        while network.hasMore { network.advance() }
    }

    private func look(at census: WorkerCensus) {
        lentBytesPeak = max(lentBytesPeak, census.lentBytes)
        // A connection holds at most what one read brings and what one read yields, each in a buffer of its size class.
        let most = (census.clients + census.upstreams) * 2 * 160 * 1024 + census.exchanges * 16 * 1024 + 1 << 20
        if census.lentBytes > most { fail("\(census.lentBytes) bytes are lent for \(census)") }
    }

    /// What one turn may do: the others wait for its end.
    private func bound(calls: Int, connections: Int) {
        callsPeak = max(callsPeak, calls)
        let most = Self.callsMax + connections * (Self.callsPerConnectionMax + (sort == .bytes ? 0 : callsPerFramesMax))
        if calls > most { fail("a turn of \(calls) system calls with \(connections) connections, at most \(most)") }
    }

    // MARK: Changes

    private func make(_ change: Change) {
        guard let serving = hands.last, !hasDrained else { return }
        hasChanged = true
        note("world", "\(change.kind)")
        if change.kind == .drain {
            drainEndsAt = network.time + serving.plan.timeouts.drain
            return serving.worker.startDrain(within: serving.plan.timeouts.drain)
        }
        let thread = network.makeThread()
        let changed = changedPlan(after: serving.plan)
        guard let next = Hand(self, changed, kernel: thread, thread, seed: random.next(), after: serving) else { return }
        let descriptor = network.duplicate(listener)
        _ = next.worker.addListener(fd: descriptor, index: 0)
        hands.append(next)
        noteNames(of: changed)
        health?.changedAt = network.time
        startWatch(next)
        listener = descriptor
        serving.worker.startRetirement(change.kind == .reload ? Succession(next.fleetState, listeners: 1) : nil)
    }

    private func dismiss(_ hand: Hand) {
        hands.removeAll { $0 === hand }
        if let thread = hand.thread { thread.end() } else { network.endFirstThread() }
        judge(hand)
    }

    // MARK: Judgement

    private func judge(_ hand: Hand) {
        let census = hand.worker.census
        if census != WorkerCensus() { fail("left behind: \(census)") }
        let gauges = [ConnectionStateLabel.active, .idle].map { hand.counters.upstreamConnections(upstream: 0, $0) }
        if gauges != [0, 0] { fail("the gauges say \(gauges) upstream connections") }
        if hand.counters.clientConnections(listener: 0) != 0 { fail("the gauge says that clients are connected") }
    }

    /// Who floods TLS is given up, and counted once.
    private func judgeFloodings() {
        let counted = hands.reduce(0) { $0 + Int($1.counters.upstreamRejected(upstream: 0, .tlsFlood)) }
        let (least, most) = (floodings.count { $0.mustBeCounted }, floodings.count { $0.mayBeCounted })
        if counted < least || counted > most { fail("\(counted) floods of TLS are counted, of \(least) to \(most)") }
        for _ in 0..<least { hold("floods of TLS") }
    }

    private func judge() {
        for hand in hands { judge(hand) }
        judgeFloodings()
        if hands.count > 1 { fail("\(hands.count - 1) workers have not ended") }
        if network.openDescriptors != hands.count { fail("\(network.openDescriptors) descriptors are open") }
        for visitor in visitors where visitor.isOpen && !visitor.isOver { fail("a visitor is still there") }
        for story in stories.values.sorted(by: { $0.id < $1.id }) { Verdicts.judge(story, self) }
        Verdicts.judgeIncidents(self)
        if sort == .clients { Verdicts.judgeFaultyClients(self) }
        if sort == .requests { Verdicts.judgeFaultyRequesters(self) }
        if sort == .records { Verdicts.judgeIntruders(self) }
        for upstream in upstreams
        where upstream.hasPartialRequest && weather.isInnocent && !upstream.isDead
            && !upstream.hasFlooded
        {
            if !stories.values.contains(where: { $0.outcome == .aborted || $0.answer.start == .withHead }) {
                fail("a request reached its upstream in part")
            }
        }
    }
}
