import Detector
import Simulation

/// One connection as its upstream's server sees it: reads requests and holds them against what the clients sent, and
/// answers as scripted, in order or with a fault.
final class ScriptedUpstream: SimulatedPeer {
    unowned let world: SimulatedWorld
    let number: Int
    let server: Int
    /// nil where there are no names.
    var lineage: SimulatedWorld.Lineage?
    /// When it last had an answer behind it.
    private(set) var answeredAt: UInt64 = 0
    private(set) var isDead = false
    private var isConnected = false
    private var reader = MessageReader(responses: false)
    private(set) var served: [Served] = []
    private(set) var stray: Stray?
    private var garbageIsDue = false
    private var marks = TakenMarks()
    private(set) var hasStopped = false
    private(set) var isTunnel = false
    /// Its end of one that has a script.
    private var tunnel: TunnelEnd?
    /// The worker has ended its side.
    private(set) var hasEnded = false
    private(set) var hasClosedIdle = false
    private(set) var hasFlooded = false

    init(_ world: SimulatedWorld, number: Int, server: Int) {
        self.world = world
        self.number = number
        self.server = server
        super.init()
    }

    private var current: Served? { served.last }

    /// Bytes of a request are here whose header block is not whole.
    var hasPartialRequest: Bool { !reader.isAtStart && (current?.isWhole ?? true) && !isTunnel }
    /// Or of the first record of one, of which nothing can be read yet.
    var hasSomeOfARequest: Bool { hasPartialRequest || tls?.records.hasPart ?? false }

    // MARK: Reading

    override func connected() {
        isConnected = true
        if isDead { return reset() }
        // The largest body is read within half a minute: longer than its answer may take nobody waits.
        if world.weather.upstreamReadsSlowly {
            readBytesMax = max(1 + world.random.below(3000), world.weather.bodyBytesMax / 8000)
        }
        closeWhenIdle()
    }

    override func received(_ bytes: [UInt8]) {
        note("gets", bytes)
        if isTunnel { return echo(bytes) }
        reader.receive(bytes)
        while let event = reader.next() {
            switch event {
            case .interim: break
            case .head(let head): begin(head)
            case .body(let bytes):
                guard let current, !isTunnel else { return echo(bytes) }
                let sent = current.story.request.body
                if current.seen + bytes.count > sent.count || Array(sent[current.seen..<current.seen + bytes.count]) != bytes {
                    world.fail("the body of request \(current.story.id) reached its upstream changed, \(current.seen) bytes in")
                }
                current.seen += bytes.count
            case .end: requestEnded()
            case .broken(let what): world.fail("an upstream got something that is not HTTP: \(what)")
            }
        }
        if world.weather.upstreamReadsSlowly, isReading {
            isReading = false
            world.network.after(world.random.upTo(3_000_000)) { [weak self] in self?.isReading = true }
        }
    }

    private func begin(_ head: MessageReader.Head) {
        guard let id = Int(head.value("x-client") ?? ""), let story = world.stories[id] else {
            return world.fail("an upstream got a request that nobody sent: \(head.startLine)")
        }
        // Who has been given another's answer asks on.
        if let current, !current.isAnswered, !hasStopped, stray == nil {
            world.fail("request \(id) reached its upstream before the answer to \(current.story.id) had ended")
        }
        check(head, story)
        world.noteArrival(of: story, at: server)
        world.noteArrival(of: story, over: lineage)
        var script = story.answer
        // Each fault is played once, and one connection has one fault behind an answer's end.
        if story.hasUsedFault || stray != nil || garbageIsDue { script.fault = nil }
        if script.fault != nil { script.head.insert(contentsOf: script.faultyFields.utf8, at: script.head.count - 2) }
        let mark = marks.take(head.values("sendonce-id"), of: story, world)
        script.put(mark)
        let next = Served(story, ordinal: served.count + 1, script: script, mark: mark)
        if stray != nil {
            stray!.others.append(next)
            story.mayBeVictim = true
            if !isDistinguished(next) { story.mayBeGivenAnother = true }
        }
        story.arrivals.append(Story.Arrival(connection: number, ordinal: next.ordinal))
        served.append(next)
        if let way = world.failing[server] { return fails(next, way) }
        if story.request.expectsContinue, script.start == .afterRequest, world.random.chance(perMille: 800) {
            let times = world.random.chance(perMille: 100) ? 2 : 1
            for _ in 0..<times { send("HTTP/1.1 100 Continue\r\nX-Id: \(id)\r\n\r\n") }
        }
        if script.start == .withHead || garbageIsDue { answer(next) }
    }

    /// The request must be what its client sent, without what belongs to its hop.
    private func check(_ head: MessageReader.Head, _ story: Story) {
        let request = story.request
        if head.startLine != "\(request.method) \(request.path) HTTP/1.1" {
            world.fail("request \(story.id) became \(head.startLine)")
        }
        if head.values("host") != ["h\(story.id).example"] {
            world.fail("request \(story.id) has the hosts \(head.values("host"))")
        }
        if head.value("x-hop") != nil { world.fail("request \(story.id) kept a field of its hop") }
        switch request.framing {
        case .none: if head.value("content-length") ?? "0" != "0" { world.fail("request \(story.id) was given a body") }
        case .length: if head.value("content-length") != "\(request.body.count)" { world.fail("request \(story.id): length") }
        case .chunked: if head.value("transfer-encoding") != "chunked" { world.fail("request \(story.id) is not chunked") }
        }
    }

    private func requestEnded() {
        guard let current else { return }
        if current.seen != current.story.request.body.count, !current.story.request.asksTunnel {
            world.fail("request \(current.story.id) ended after \(current.seen) of \(current.story.request.body.count) bytes")
        }
        current.isWhole = true
        current.story.arrivals[current.story.arrivals.count - 1].isWhole = true
        if !current.isAnswering { answer(current) }
    }

    override func ended() {
        world.note("upstream \(number)", "sees the end")
        hasEnded = true
        if isTunnel, let tunnel { return tunnel.hearEnd() }
        if isTunnel { return finish() }
        hasStopped = true
        close()
    }

    override func wasReset() {
        world.note("upstream \(number)", "sees a reset")
        tunnel?.hearBreak()
        hasStopped = true
        close()
    }

    /// It answers no request, and has read no more of this one than its header block.
    private func fails(_ served: Served, _ way: ServerOutage.Failing) {
        world.noteFailure(served.story, way)
        served.isAnswering = true
        hasStopped = true
        if way == .ends { finish() } else { reset() }
    }

    /// Its process is gone, and with it what has not left.
    func die() {
        guard isOpen, !isDead else { return }
        isDead = true
        hasStopped = true
        guard isConnected else { return }
        let hasLeft = unsentBytes == 0 && socket.map { $0.acknowledgedTotal == $0.writtenTotal } ?? true
        for one in served where one.hasBegun && one.story.mayBeWaitedFor && (!one.isAnswered || isTunnel || !hasLeft) {
            one.story.wasOnBrokenConnection = true
        }
        world.note("upstream \(number)", "dies")
        reset()
    }

    /// Whatever is on its connection ends with it.
    func floods(_ flooding: Flooding) {
        hasFlooded = true
        for one in served where !one.isAnswered || isTunnel { one.story.wasOnBrokenConnection = true }
        world.note(flooding, on: self)
    }

    private func say(_ bytes: [UInt8]) {
        note("sends", bytes)
        send(bytes)
    }

    private func note(_ what: String, _ bytes: [UInt8]) {
        world.note("upstream \(number)", "\(what) \(bytes.count): \(bytes.shown)")
    }

    private func echo(_ bytes: [UInt8]) {
        if let tunnel { tunnel.hear(bytes) } else { send(bytes) }
    }

    /// 101 has been given to the socket.
    private func opens(_ pair: Tunnel) {
        tunnel = pair.server
        pair.openedAt = world.network.time
        pair.endsWithServer = world.speech.clients != nil
        pair.server.begin(
            TunnelEnd.Wire(
                say: { [weak self] in self?.send($0) },
                end: { [weak self] in self?.finish() },
                reset: { [weak self] in self?.resetWhenSent() },
                stall: { [weak self] time in
                    guard let self else { return }
                    isReading = false
                    world.network.after(time) { [weak self] in self?.isReading = true }
                },
                over: { [weak self] in self?.close() }))
    }

    /// Behind the header block that opened the tunnel, all of which is on its way: without that it would be a cut answer's. A peer that
    /// takes nothing for seconds is not waited for.
    private func resetWhenSent(patience: Int = 3000) {
        guard let socket, isOpen else { return }
        if unsentBytes + socket.unsentBytes == 0 || patience == 0 { return reset() }
        world.network.after(1_000_000) { [weak self] in self?.resetWhenSent(patience: patience - 1) }
    }

    // MARK: Answering

    private func answer(_ served: Served) {
        served.isAnswering = true
        // Played meanwhile on another connection, to which the request was sent again.
        if served.script.fault != nil, served.story.hasUsedFault { served.script = served.story.innocentAnswer }
        var prefix: [UInt8] = []
        if garbageIsDue, self.served.count > 1 {
            garbageIsDue = false
            prefix = Array("garbage!".utf8)
            expectGarbage(self.served[self.served.count - 2], victim: served)
        }
        let play = FaultPlay(served, on: self, random: &world.random)
        if play.isFaulty { served.story.hasUsedFault = true }
        play.announce(world)
        let pieces = play.pieces
        world.network.after(served.script.delay) { [weak self] in
            guard let self else { return }
            if !prefix.isEmpty { say(prefix) }
            self.play(pieces[...], play, served)
        }
    }

    private func play(_ pieces: ArraySlice<Piece>, _ play: FaultPlay, _ served: Served) {
        guard !hasStopped, isOpen else { return }
        guard let piece = pieces.first else { return answered(served, play) }
        let step = { [weak self] in
            guard let self, !hasStopped, isOpen else { return }
            served.hasBegun = true
            say(piece.bytes)
            self.play(pieces.dropFirst(), play, served)
        }
        if piece.delay == 0 { step() } else { world.network.after(piece.delay, step) }
    }

    /// Everything that belongs to the answer has been given to the socket, and what its fault puts right behind it.
    private func answered(_ served: Served, _ play: FaultPlay) {
        served.isAnswered = true
        answeredAt = world.network.time
        for place in play.toConfirm { world.confirm(place) }
        if served.script.status == 101, served.script.fault == nil {
            isTunnel = true
            reader.switchToRaw()
            if let tunnel = served.story.tunnel { opens(tunnel) }
            return
        }
        switch play.after {
        case .nothing: afterGoodAnswer(served)
        case .stops: hasStopped = true
        case .end:
            world.note("upstream \(number)", "ends")
            hasStopped = true
            world.noteClose(self)
            if let tls, world.random.chance(perMille: 300) { sendBelow(tls.tornRecord()) }
            finish()
        case .endUnannounced:
            world.note("upstream \(number)", "ends without a word")
            hasStopped = true
            world.noteClose(self)
            tls?.endSilently()
            finish()
        case .reset:
            world.note("upstream \(number)", "resets")
            hasStopped = true
            world.noteClose(self)
            if let tls, world.random.chance(perMille: 300) {
                play.noteReset(leftBytes: sentSoFar - play.sentBefore, world)
                sendBelow(tls.alert())
                return finish()
            }
            let left = Int(socket?.sentTotal ?? 0)
            play.noteReset(leftBytes: (tls?.given(within: left) ?? left) - play.sentBefore, world)
            reset()
        case .stray(let bytes, let delay):
            noteStray(served, bytes.count, isAtOnce: delay == 0)
            let step = { [weak self] in
                guard let self, !hasStopped, isOpen else { return self?.forgetStray() ?? () }
                if let current, current !== served, current.isAnswering {
                    stray?.isInside = true
                    if current.hasBegun { strayIsBehindBytes() }
                }
                say(bytes)
                if served.script.closes { closeAfterwards() }
            }
            if delay == 0 { step() } else { world.network.after(delay, step) }
        case .garbageIsDue:
            garbageIsDue = true
            if served.script.closes { closeAfterwards() }
        }
    }

    private func afterGoodAnswer(_ served: Served) {
        if served.script.closes || served.script.framing == .close { return closeAfterwards() }
        closeWhenIdle()
    }

    /// An announced end: the side is ended, and the rest of the request is read.
    private func closeAfterwards() {
        world.note("upstream \(number)", "ends as announced")
        hasStopped = true
        world.noteClose(self)
        // The end of such a body is its connection's.
        if current?.script.framing == .close { tls?.mustAnnounce = true }
        finish()
    }

    /// An innocent server closes connections that have been idle for a while, some with a word before it.
    private func closeWhenIdle() {
        guard let delay = world.weather.upstreamIdleNanoseconds else { return }
        let count = served.count
        let acknowledged = socket?.acknowledgedTotal ?? 0
        let says408 = world.random.chance(perMille: 200)
        world.network.after(delay) { [weak self] in
            guard let self, isOpen, !hasEnded, served.count == count, current?.isAnswered ?? true, unsentBytes == 0,
                stray == nil
            else { return }
            // Idle is who has nothing on its way any more, and has had nothing for so long.
            if let socket, socket.acknowledgedTotal != acknowledged || acknowledged < socket.writtenTotal {
                return closeWhenIdle()
            }
            hasStopped = true
            hasClosedIdle = true
            world.note("upstream \(number)", "closes an idle connection")
            world.noteClose(self)
            if says408 {
                // It has no length: its end is its connection's, and a server of TLS announces that.
                tls?.mustAnnounce = true
                send("HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n")
            }
            finish()
        }
    }

    // MARK: Strays

    private func noteStray(_ served: Served, _ count: Int, isAtOnce: Bool) {
        stray = Stray(fault: served.script.fault!, guilty: served, bytes: count, isAtOnce: isAtOnce)
        guard case .secondAnswer = served.script.fault, world.probe != nil else { return }
        stray!.isMarked = served.script.strayIsMarked
        stray!.hasEchoed = self.served.contains { $0.script.mark == .own }
    }

    /// Where its own answer has begun, a stray is a part of what its client gets.
    private func strayIsBehindBytes() {
        stray?.isBehindBytes = true
        for other in stray?.others ?? [] { other.story.mayBeGivenAnother = true }
    }

    /// Whether the stray's mark, or that it has none, shows that it does not answer this request.
    private func isDistinguished(_ next: Served) -> Bool {
        guard let stray, let probe = world.probe, case .secondAnswer = stray.fault else { return false }
        if stray.isMarked || probe.echo == .require { return true }
        // What comes for a request that may not be sent again, or has been often enough, is delivered.
        let mayBeKnown = world.stories.values.contains { $0.answer.mark == .none }
        return stray.hasEchoed && !mayBeKnown && next.story.isReplayable && next.story.arrivals.count < 2
    }

    /// The connection was gone before the bytes could leave.
    private func forgetStray() { stray = nil }

    private func expectGarbage(_ guilty: Served, victim: Served) {
        victim.story.mayBeVictim = true
        victim.story.mayBeGivenAnother = true
        world.expect(
            Expected(
                kind: .bodyAfterEnd, id: guilty.story.id, connection: number, ordinal: guilty.ordinal, phases: [.nextExchange],
                victim: victim.story.id))
    }

    // MARK: What the world asks

    /// Bytes that have left by the end of everything sent so far.
    var sentSoFar: Int { tls?.given ?? Int(socket?.writtenTotal ?? 0) + unsentBytes }

    private var tls: PeerTLS? { layer as? PeerTLS }
}
