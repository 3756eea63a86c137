import Simulation

/// One HTTP/2 connection of a client: several requests at once, each held against what its upstream sent.
final class StreamClient: FramePeer {
    /// One request that is on its way, or being answered.
    private final class Asked {
        let story: Story
        let stream: Stream
        var head: Fields?
        var body: [UInt8] = []
        var sent = 0
        var isDone = false
        var mayGoOn = false
        var isTunnel = false
        init(_ story: Story, _ stream: Stream) {
            self.story = story
            self.stream = stream
        }
    }

    private let plan: ClientPlan
    private var nextToSend: Int
    private var asked: [Asked] = []
    private var lastServed: UInt32?
    private var isDone = false
    private var isAsking = false

    init(_ world: SimulatedWorld, _ plan: ClientPlan, first: Int, _ habits: FrameHabits) {
        self.plan = plan
        nextToSend = first
        super.init(world, isServer: false, habits)
    }

    override var name: String { "client \(plan.stories[0].id)" }

    private var stories: [Story] { plan.stories }
    private func inProgress(_ stream: Stream) -> Asked? { asked.first { $0.stream === stream && !$0.isDone } }

    // MARK: Requests

    override func connected() {
        if plan.readsSlowly { readBytesMax = 50 + world.random.below(2000) }
        greet()
        askMore()
    }

    override func refused(_ error: Int32) { plan.isRefused(world, first: nextToSend) ? () : over() }
    override func introduced() { askMore() }

    private func askMore() {
        guard !isAsking else { return }
        isAsking = true
        let most = min(plan.streamsAtOnce, peerStreamsMax)
        while !isDone, nextToSend < stories.count, lastServed == nil, asked.reduce(0, { $0 + ($1.isDone ? 0 : 1) }) < most {
            // Whether a tunnel may be asked for is in the proxy's SETTINGS (RFC 8441 section 3).
            if stories[nextToSend].tunnel != nil, !hasPeerSettings { break }
            ask(stories[nextToSend])
        }
        isAsking = false
    }

    private func ask(_ story: Story) {
        let request = story.request
        nextToSend += 1
        story.isSent = true
        story.sentAt = world.network.time
        let asked = Asked(story, open())
        self.asked.append(asked)
        let endsWithHead = !request.hasBody && story.tunnel == nil && world.random.chance(perMille: 800)
        story.hasEmptyBody = !request.hasBody && !endsWithHead && story.tunnel == nil
        if let tunnel = story.tunnel { return ask(asked, tunnel) }
        put(.head(fields(request), ends: endsWithHead), on: asked.stream)
        if abortsAfterSending(asked, request.head.count) || endsWithHead { return }
        if request.expectsContinue {
            world.network.after(1_000_000_000) { [weak self] in self?.goOn(asked) }
        } else {
            goOn(asked)
        }
    }

    private func fields(_ request: RequestScript) -> Fields { request.fields(scheme: layer == nil ? "http" : "https") }

    /// The body follows when it was asked for, or nobody has said anything for a while.
    private func goOn(_ asked: Asked) {
        guard !asked.mayGoOn else { return }
        asked.mayGoOn = true
        let request = asked.story.request
        var pieces: [Piece] = []
        var at = 0
        for (i, piece) in request.rest.enumerated() {
            let left = request.body.count - at
            let n = i == request.rest.count - 1 ? left : min(left, piece.bytes.count)
            pieces.append(Piece(delay: piece.delay, bytes: Array(request.body[at..<at + n])))
            at += n
        }
        sendBody(asked, pieces[...])
    }

    private func sendBody(_ asked: Asked, _ pieces: ArraySlice<Piece>) {
        guard !isDone, !asked.stream.isReset else { return }
        guard let piece = pieces.first else {
            if !asked.stream.hasEnded { put(.data([], ends: true), on: asked.stream) }
            return
        }
        let step = { [weak self] in
            guard let self, !isDone, !asked.stream.isReset else { return }
            let isLast = pieces.count == 1 && world.random.chance(perMille: 700)
            if abortsAfterSending(asked, asked.story.request.head.count + asked.sent + piece.bytes.count) { return }
            asked.sent += piece.bytes.count
            put(.data(piece.bytes, ends: isLast), on: asked.stream)
            if !isLast { sendBody(asked, pieces.dropFirst()) }
        }
        if piece.delay == 0 { step() } else { world.network.after(piece.delay, step) }
    }

    /// True when the client goes away before the byte with this number.
    private func abortsAfterSending(_ asked: Asked, _ total: Int) -> Bool {
        switch asked.story.request.abort {
        case .some(.resetAfterSending(let count)) where count <= total: abort(asked)
        case .some(.closeAfterSending(let count)) where count <= total: leave()
        default: return false
        }
        return true
    }

    /// Does not want the answer any more.
    private func abort(_ asked: Asked) {
        guard !asked.isDone else { return }
        asked.isDone = true
        asked.story.outcome = .aborted
        asked.story.tunnel?.client.leave()
        forget(asked.stream)
        put(.reset(world.random.pick([8, 8, 0, 2])), on: asked.stream)
        afterAnswer()
    }

    /// Goes away, with everything that it has asked for.
    private func leave() {
        note("goes away")
        for other in asked {
            // What its last words are may not have left it.
            other.story.tunnel?.client.hasGone = true
            guard !other.isDone else { continue }
            other.story.outcome = .aborted
            other.story.tunnel?.client.leave()
        }
        isDone = true
        if world.random.chance(perMille: 500) { reset() } else { close() }
        plan.goOn(after: nextToSend, world)
    }

    // MARK: Answers

    override func hasRead() {
        guard plan.readsSlowly, !isDone, isReading else { return }
        isReading = false
        world.network.after(world.random.upTo(plan.readPause)) { [weak self] in self?.isReading = true }
    }

    override func head(_ stream: Stream, _ fields: Fields, ends: Bool) {
        guard let asked = inProgress(stream) else { return }
        if asked.head != nil {
            guard ends, fields.value(":status") == nil else { return breach("a header block in the middle of an answer") }
            return answered(asked, trailers: fields)
        }
        guard let status = Int(fields.value(":status") ?? "") else { return breach("an answer without a status: \(fields)") }
        if status < 200 {
            if ends { return breach("an interim response that ends its stream") }
            return interim(asked, status, fields)
        }
        asked.head = fields
        if status == 200, let tunnel = asked.story.tunnel { return opens(asked, tunnel, ended: ends) }
        if ends { answered(asked, trailers: []) }
    }

    private func interim(_ asked: Asked, _ status: Int, _ fields: Fields) {
        if fields.value("x-id") != "\(asked.story.id)" {
            asked.story.strangeInterims.append(fields.value("x-id") ?? "nobody")
        } else if status != 100 {
            asked.story.interims += 1
        }
        if status == 100 { goOn(asked) }
    }

    override func data(_ stream: Stream, _ bytes: [UInt8], ends: Bool) {
        guard let asked = inProgress(stream) else { return }
        guard asked.head != nil else { return breach("DATA before its header block") }
        if asked.isTunnel, let tunnel = asked.story.tunnel {
            tunnel.client.hear(bytes)
            return ends ? tunnel.client.hearEnd() : ()
        }
        asked.body += bytes
        if case .some(.resetAfterReceiving(let count)) = asked.story.request.abort, asked.body.count >= count {
            return abort(asked)
        }
        if ends { answered(asked, trailers: []) }
    }

    private func answered(_ asked: Asked, trailers: Fields) {
        asked.isDone = true
        judge(asked, trailers)
        afterAnswer()
    }

    private func judge(_ asked: Asked, _ trailers: Fields) {
        let (story, head, answer) = (asked.story, asked.head!, asked.story.answer)
        story.finishedAt = world.network.time
        let status = Int(head.value(":status")!)!
        if head.value("sendonce-id") != nil { world.fail("the answer to request \(story.id) has a mark for its client") }
        guard let id = head.value("x-id") else { return story.outcome = .proxyError(status) }
        let length = head.value("content-length")
        if id != "\(story.id)" {
            story.outcome = .wrong("the answer to \(id)")
        } else if status != answer.status {
            story.outcome = .wrong("status \(status) instead of \(answer.status)")
        } else if asked.body != answer.body, asked.body != story.faultyBody {
            story.outcome = .wrong("a body of \(asked.body.count) bytes instead of \(answer.body.count)")
        } else if let length, answer.framing != .none, length != "\(asked.body.count)" {
            story.outcome = .wrong("\(asked.body.count) bytes for a length of \(length)")
        } else if let trailer = answer.trailer, trailers.map(\.value) != [trailer] {
            story.outcome = .wrong("the trailers \(trailers)")
        } else {
            story.outcome = .whole
        }
    }

    private func afterAnswer() {
        guard !isDone else { return }
        if asked.allSatisfy(\.isDone), nextToSend == stories.count || lastServed != nil { return endOrderly() }
        let delay = world.random.pick([
            0, 0, world.random.upTo(2_000_000), world.random.upTo(100_000_000), plan.thinkNanoseconds,
        ])
        if delay == 0 { askMore() } else { world.network.after(delay) { [weak self] in self?.askMore() } }
    }

    override func reset(_ stream: Stream, _ code: UInt32) {
        guard let asked = inProgress(stream) else { return }
        if asked.isTunnel, let tunnel = asked.story.tunnel { return tunnel.client.hearBreak() }
        asked.isDone = true
        asked.story.outcome = .cut
        afterAnswer()
    }

    // MARK: Tunnels

    private func ask(_ asked: Asked, _ tunnel: Tunnel) {
        if !peerTakesTunnels { return breach("its SETTINGS do not say that it takes tunnels") }
        put(.head(fields(asked.story.request), ends: false), on: asked.stream)
        if abortsAfterSending(asked, asked.story.request.head.count) { return }
        if tunnel.script.isHasty { begin(asked, tunnel) }
    }

    private func begin(_ asked: Asked, _ tunnel: Tunnel) {
        let stream = asked.stream
        tunnel.client.begin(
            TunnelEnd.Wire(
                say: { [weak self] in self?.put(.data($0, ends: false), on: stream) },
                end: { [weak self] in self?.put(.data([], ends: true), on: stream) },
                reset: { [weak self] in self?.abort(asked) },
                stall: { [weak self] in self?.withhold(stream, for: $0) },
                over: { [weak self] in self?.tunnelOver(asked, tunnel) }))
    }

    private func opens(_ asked: Asked, _ tunnel: Tunnel, ended: Bool) {
        let head = asked.head!
        asked.isTunnel = true
        if head.value("x-id") != "\(asked.story.id)" { world.fail("the tunnel of request \(asked.story.id) is another's") }
        if head.value("sec-websocket-accept") != nil || head.value("upgrade") != nil || head.value("content-length") != nil {
            world.fail("the tunnel of request \(asked.story.id) was opened with \(head)")
        }
        begin(asked, tunnel)
        if ended { tunnel.client.hearEnd() }
    }

    private func tunnelOver(_ asked: Asked, _ tunnel: Tunnel) {
        guard !asked.isDone else { return }
        asked.isDone = true
        asked.story.finishedAt = world.network.time
        asked.story.outcome = tunnel.client.ending == .orderly ? .whole : .cut
        afterAnswer()
    }

    // MARK: Ends

    override func goneAway(last: UInt32, code: UInt32) {
        if code != 0 { return breach("GOAWAY with code \(code), though nothing was wrong") }
        lastServed = min(lastServed ?? .max, last)
        afterAnswer()
    }

    private func endOrderly() {
        isDone = true
        if world.random.chance(perMille: 300) { writeGoAway(last: 0) }
        // The end of a tunnel may be on its way for long, and whatever meets a closed socket would reset it: new keys, acknowledgements.
        let hears = world.tls?.habits.clients != nil || !unacknowledged.isEmpty || pingsUnanswered > 0
        let lingers = hears && asked.contains { $0.isTunnel }
        if plan.halfCloses || lingers { finish() } else { close() }
        plan.goOn(after: nextToSend, world)
    }

    override func ended() { connectionOver() }
    override func wasReset() { connectionOver() }

    private func connectionOver() {
        guard !isDone else { return close() }
        note("sees the end")
        for asked in asked where !asked.isDone {
            if asked.isTunnel, let tunnel = asked.story.tunnel {
                tunnel.client.hearBreak()
            } else if let lastServed, asked.stream.id > lastServed {
                asked.story.outcome = .unserved
            } else if asked.head != nil {
                asked.story.outcome = .cut
            }
        }
        over()
    }

    private func over() {
        guard !isDone else { return }
        isDone = true
        close()
        plan.goOn(after: nextToSend, world)
    }
}

extension RequestScript {
    /// As a client of HTTP/2 asks for it.
    func fields(scheme: String) -> FieldPacker.Fields {
        let lines = String(decoding: head, as: UTF8.self).split(separator: "\r\n").dropFirst()
        let pairs = lines.map { line in
            let parts = line.split(separator: ":", maxSplits: 1)
            return (name: parts[0].lowercased(), value: String(parts[1].drop { $0 == " " }))
        }
        let left = ["host", "transfer-encoding", "connection", "x-hop", "upgrade", "sec-websocket-key"]
        let pseudo: FieldPacker.Fields = [
            (":scheme", scheme), (":path", path), (":authority", "h\(id).example"),
        ]
        let method = tunnel.map { [(":method", "CONNECT"), (":protocol", $0.name)] } ?? [(":method", self.method)]
        return method + pseudo + pairs.filter { !left.contains($0.name) }
    }
}
