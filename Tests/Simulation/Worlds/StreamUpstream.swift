import Detector
import Simulation

/// One HTTP/2 connection as its upstream's server sees it: holds requests against what the clients sent, and answers them side by
/// side as scripted, in order or with a fault.
final class StreamUpstream: FramePeer {
    /// One request of this connection and its answer.
    final class Served {
        let story: Story
        let stream: Stream
        let ordinal: Int
        var script: AnswerScript
        var seen = 0
        var isAnswering = false
        var isAnswered = false
        /// It has ended with its connection, on which it was not answered.
        var isLost = false
        /// The answer's final header block has been sent, and how much of its body.
        var hasHead = false
        /// The incident that it is silent for.
        var stall: Int?
        /// The incident of DATA for which it has no room.
        var surplus: Int?
        /// Its end of a tunnel, when it has opened that.
        var tunnel: TunnelEnd?
        let mark: String
        init(_ story: Story, _ stream: Stream, ordinal: Int, script: AnswerScript, mark: String) {
            self.mark = mark
            self.story = story
            self.stream = stream
            self.ordinal = ordinal
            self.script = script
        }

        /// Its client lacks nothing but the stream's end.
        var isInProgress: Bool { !isAnswered && !stream.isReset }
    }

    let number: Int
    let server: Int
    /// nil where there are no names.
    var lineage: SimulatedWorld.Lineage?
    /// When it last had an answer behind it.
    private(set) var answeredAt: UInt64 = 0
    /// When something of a request last came.
    private(set) var askedAt: UInt64 = 0
    private var isDead = false
    /// Frames on a stream that nobody has opened.
    var hasSentUnrequested = false
    private var isConnected = false
    private(set) var served: [Served] = []
    private var byStream: [UInt32: Served] = [:]
    /// Streams beyond it are not answered.
    private var lastAnswered: UInt32?
    private var hasStopped = false
    private var marks = TakenMarks()

    init(_ world: SimulatedWorld, number: Int, server: Int, _ habits: FrameHabits) {
        self.number = number
        self.server = server
        super.init(world, isServer: true, habits)
    }

    override var name: String { "upstream \(number)" }

    // MARK: Requests

    override func connected() {
        isConnected = true
        if isDead { return reset() }
        if world.weather.upstreamReadsSlowly {
            readBytesMax = max(1 + world.random.below(3000), world.weather.bodyBytesMax / 8000)
        }
        greet()
        closeWhenIdle()
    }

    override func hasRead() {
        guard world.weather.upstreamReadsSlowly, isReading else { return }
        isReading = false
        world.network.after(world.random.upTo(3_000_000)) { [weak self] in self?.isReading = true }
    }

    override func head(_ stream: Stream, _ fields: Fields, ends: Bool) {
        askedAt = world.network.time
        if let served = byStream[stream.id] {
            // Trailers of a request, of which none is ever sent.
            return world.fail("request \(served.story.id) was given trailers")
        }
        guard let id = Int(fields.value("x-client") ?? ""), let story = world.stories[id] else {
            return world.fail("an upstream got a request that nobody sent: \(fields)")
        }
        check(fields, story)
        world.noteArrival(of: story, at: server)
        world.noteArrival(of: story, over: lineage)
        let mark = marks.take(fields.values("sendonce-id"), of: story, world)
        if let lastAnswered, stream.id > lastAnswered {
            // Its sender did not know yet that the connection goes away.
            story.refusals += 1
            return
        }
        if story.refusals == 0, world.refusedStreams < 6, !hasStopped, world.random.chance(perMille: habits.refusesPerMille) {
            story.refusals += 1
            world.refusedStreams += 1
            return put(.reset(7), on: stream)
        }
        var script = story.answer
        if story.hasUsedFault || hasStopped { script.fault = nil }
        if script.fault != nil { script.head.insert(contentsOf: script.faultyFields.utf8, at: script.head.count - 2) }
        script.put(mark)
        let next = Served(story, stream, ordinal: served.count + 1, script: script, mark: mark)
        served.append(next)
        byStream[stream.id] = next
        story.arrivals.append(Story.Arrival(connection: number, ordinal: next.ordinal))
        if let way = world.failing[server] { return fails(next, way) }
        if story.request.expectsContinue, script.start == .afterRequest, world.random.chance(perMille: 800) {
            put(.head([(":status", "100"), ("x-id", "\(id)")], ends: false), on: stream)
        }
        // What asks for a tunnel has no end before it.
        if script.start == .withHead || asksTunnel(story) { answer(next) }
        if ends { requestEnded(next) }
        if hasGreeted, world.goAways == 0, world.random.chance(perMille: habits.goesAwayPerMille) { goAway() }
    }

    /// The request must be what its client sent, without what belongs to its hop.
    private func check(_ fields: Fields, _ story: Story) {
        let request = story.request
        func fail(_ what: String) { world.fail("request \(story.id) \(what): \(fields)") }
        if fields.value(":method") != (asksTunnel(story) ? "CONNECT" : request.method) || fields.value(":path") != request.path
        {
            fail("became another")
        }
        if fields.value(":scheme") != (layer == nil ? "http" : "https") { fail("has another scheme") }
        if fields.values(":authority") + fields.values("host") != ["h\(story.id).example"] { fail("has other hosts") }
        if fields.value("x-hop") != nil { fail("kept a field of its hop") }
        if asksTunnel(story) {
            if !habits.takesTunnels { fail("asks for a tunnel that is not to be had") }
            if fields.value(":protocol") != "websocket" { fail("asks for another tunnel") }
            if fields.value("sec-websocket-version") != "13" { fail("has lost what its WebSocket needs") }
            if fields.value("sec-websocket-key") != nil { fail("has a key") }
        } else if fields.value(":protocol") != nil {
            fail("asks for a tunnel")
        }
        switch request.framing {
        case .none: if fields.value("content-length") ?? "0" != "0" { fail("was given a body") }
        case .length: if fields.value("content-length") != "\(request.body.count)" { fail("has another length") }
        case .chunked: break
        }
    }

    override func data(_ stream: Stream, _ bytes: [UInt8], ends: Bool) {
        askedAt = world.network.time
        guard let current = byStream[stream.id] else { return }
        if let tunnel = current.tunnel {
            tunnel.hear(bytes)
            return ends ? tunnel.hearEnd() : ()
        }
        let sent = current.story.request.body
        if current.seen + bytes.count > sent.count || Array(sent[current.seen..<current.seen + bytes.count]) != bytes {
            world.fail("the body of request \(current.story.id) reached its upstream changed, \(current.seen) bytes in")
        }
        current.seen += bytes.count
        if ends { requestEnded(current) }
    }

    private func requestEnded(_ current: Served) {
        if current.seen != current.story.request.body.count {
            world.fail("request \(current.story.id) ended after \(current.seen) of \(current.story.request.body.count) bytes")
        }
        current.story.arrivals[current.story.arrivals.count - 1].isWhole = true
        if !current.isAnswering { answer(current) }
    }

    private func asksTunnel(_ story: Story) -> Bool { story.request.tunnel?.name == "websocket" }

    override func reset(_ stream: Stream, _ code: UInt32) {
        // The end of the surplus is not waited for for ever.
        if let surplus = byStream[stream.id]?.surplus { world.expected[surplus].surplusBytes = nil }
        byStream[stream.id]?.tunnel?.hearBreak()
        closeIfDone()
    }

    // MARK: Tunnels

    /// Its header block has been given to the socket.
    func opensTunnel(_ served: Served) {
        guard let tunnel = served.story.tunnel, !served.stream.isReset else { return }
        let stream = served.stream
        served.tunnel = tunnel.server
        tunnel.openedAt = world.network.time
        tunnel.server.begin(
            TunnelEnd.Wire(
                say: { [weak self] in self?.put(.data($0, ends: false), on: stream) },
                end: { [weak self] in self?.put(.data([], ends: true), on: stream) },
                reset: { [weak self] in
                    guard let self else { return }
                    forget(stream)
                    put(.reset(world.random.pick([8, 2, 10])), on: stream)
                    closeIfDone()
                },
                stall: { [weak self] in self?.withhold(stream, for: $0) },
                over: { [weak self] in
                    served.isAnswered = true
                    self?.closeIfDone()
                    self?.closeWhenIdle()
                }))
    }

    private func breakTunnels() { for one in served { one.tunnel?.hearBreak() } }

    // MARK: Answers

    private func answer(_ served: Served) {
        served.isAnswering = true
        // Played meanwhile on another connection, to which the request was sent again.
        if served.script.fault != nil, served.story.hasUsedFault { served.script = served.story.innocentAnswer }
        let play = StreamPlay(served, on: self)
        if served.script.fault != nil { served.story.hasUsedFault = true }
        let steps = play.takeSteps()
        world.network.after(served.script.delay) { [weak self] in self?.play(steps, served) }
    }

    private func play(_ steps: ArraySlice<StreamPlay.Step>, _ served: Served) {
        guard !hasStopped, isOpen, !isBroken, let step = steps.first else { return }
        let go = { [weak self] in
            guard let self, !hasStopped, isOpen, !isBroken else { return }
            put(step.output, on: served.stream)
            play(steps.dropFirst(), served)
        }
        if step.delay == 0 { go() } else { world.network.after(step.delay, go) }
    }

    /// The answer, with END_STREAM, has been given to the socket.
    func answered(_ served: Served) {
        served.isAnswered = true
        answeredAt = world.network.time
        // The rest of the request is not wanted, and says so, or is read.
        if !served.stream.peerHasEnded, world.random.chance(perMille: 500) { put(.reset(0), on: served.stream) }
        closeIfDone()
        closeWhenIdle()
    }

    // MARK: Ends

    override func ended() {
        note("sees the end")
        hasStopped = true
        breakTunnels()
        close()
    }

    override func wasReset() {
        note("sees a reset")
        hasStopped = true
        breakTunnels()
        close()
    }

    var maySpeak: Bool { isOpen && !isBroken && !hasStopped }

    /// Says nothing more: what goes wrong with the connection is read, with all that is before it.
    func stop() {
        hasStopped = true
        isSilent = true
        for one in served { one.tunnel?.leave() }
    }

    /// It answers no request.
    private func fails(_ failed: Served, _ way: ServerOutage.Failing) {
        failed.isAnswering = true
        if case .resetsStream(let code) = way {
            world.noteFailure(failed.story, way)
            return put(.reset(code), on: failed.stream)
        }
        for one in served where one.isInProgress && !one.hasHead && !one.isLost {
            one.isLost = true
            world.noteFailure(one.story, way)
        }
        if way == .resets { return die() }
        stop()
        for one in served where one.isInProgress && one.hasHead { one.story.wasOnBrokenConnection = true }
        finish()
    }

    /// Its process is gone, and with it what has not left.
    func die() {
        guard isOpen, !isDead else { return }
        isDead = true
        stop()
        guard isConnected else { return }
        let hasLeft = unsentBytes == 0 && socket.map { $0.acknowledgedTotal == $0.writtenTotal } ?? true
        for one in served where one.hasHead && one.story.mayBeWaitedFor && (!one.isAnswered || !hasLeft) {
            one.story.wasOnBrokenConnection = true
        }
        note("dies")
        reset()
    }

    /// Whatever is on its connection ends with it.
    func floods(_ flooding: Flooding) {
        for one in served where one.isInProgress { one.story.wasOnBrokenConnection = true }
        world.note(flooding, on: self)
    }

    private func goAway() {
        world.goAways += 1
        let leave = { [weak self] in
            guard let self, isOpen, !isBroken, !hasStopped, lastAnswered == nil else { return }
            lastAnswered = lastPeerStream
            writeGoAway(last: lastPeerStream)
            closeIfDone()
        }
        guard world.random.chance(perMille: 500) else { return leave() }
        writeGoAway(last: 0x7fff_ffff)
        world.network.after(world.random.upTo(5_000_000), leave)
    }

    private var isBusy: Bool { served.contains { $0.isInProgress } }

    private func closeIfDone() {
        guard lastAnswered != nil, !hasStopped, !isBusy else { return }
        hasStopped = true
        note("ends as announced")
        finish()
    }

    /// An innocent server closes connections that have been idle for a while, most after they have said so.
    private func closeWhenIdle() {
        guard let delay = world.weather.upstreamIdleNanoseconds else { return }
        let count = served.count
        let saysSo = world.random.chance(perMille: 700)
        world.network.after(delay) { [weak self] in
            guard let self, isOpen, hasGreeted, !hasStopped, served.count == count, !isBusy, unsentBytes == 0 else { return }
            // Its client is still on the way to its first request: TLS takes its time.
            guard hasPeerSettings else { return closeWhenIdle() }
            hasStopped = true
            note("closes an idle connection")
            if saysSo {
                lastAnswered = lastPeerStream
                writeGoAway(last: lastPeerStream)
            } else {
                world.closes += 1
            }
            finish()
        }
    }
}

extension FieldPacker.Fields {
    func values(_ name: String) -> [String] { filter { $0.name == name }.map(\.value) }
    func value(_ name: String) -> String? { first { $0.name == name }?.value }
}
