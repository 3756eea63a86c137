import CPeerTLS
import Simulation

/// One connection of a client: sends requests as scripted, and holds each answer against what its upstream sent.
final class ScriptedClient: SimulatedPeer {
    unowned let world: SimulatedWorld
    private let plan: ClientPlan
    /// Stories of this connection from `first` on; those sent, and the one whose answer is due.
    private var nextToSend: Int
    private var answering: Int
    private var reader = MessageReader(responses: true)

    // The answer being read.
    private var head: MessageReader.Head?
    private var body: [UInt8] = []
    private var isTunnel = false
    private var isDone = false
    /// No request follows those that have been sent.
    private var mayBecomeClosed = false
    /// An answer has said that nothing comes behind it.
    private var closeWasAnnounced = false
    private var continues = false
    private var isSendingRest = false

    init(_ world: SimulatedWorld, _ plan: ClientPlan, first: Int) {
        self.world = world
        self.plan = plan
        nextToSend = first
        answering = first
        super.init()
    }

    private var stories: [Story] { plan.stories }
    private var story: Story? { answering < nextToSend ? stories[answering] : nil }

    // MARK: Sending

    override func connected() {
        if plan.readsSlowly { readBytesMax = 50 + world.random.below(2000) }
        sendNext()
    }

    override func refused(_ error: Int32) { plan.isRefused(world, first: nextToSend) ? () : over() }

    private func sendNext() {
        guard !isDone, nextToSend < stories.count, !mayBecomeClosed, !isSendingRest else { return }
        let story = stories[nextToSend]
        let request = story.request
        nextToSend += 1
        story.isSent = true
        story.sentAt = world.network.time
        if request.closes || request.abort != nil || request.asksTunnel { mayBecomeClosed = true }
        if request.isHTTP10, !request.head.contains(text: "keep-alive") { mayBecomeClosed = true }
        isSendingRest = true
        abortAfterSending(request, request.head.count)
        note("sends", request.head)
        send(request.head)
        if case .some(.resetAfterSending(let count)) = request.abort, count <= request.head.count { return }
        if request.expectsContinue {
            world.network.after(1_000_000_000) { [weak self] in self?.goOn(story) }
        } else {
            sendRest(story, request.rest[...], sent: request.head.count)
        }
    }

    /// The body follows when it was asked for, or nobody has said anything for a while.
    private func goOn(_ story: Story) {
        guard !isDone, !continues, isSendingRest, stories[nextToSend - 1] === story else { return }
        continues = true
        sendRest(story, story.request.rest[...], sent: story.request.head.count)
    }

    private func sendRest(_ story: Story, _ pieces: ArraySlice<Piece>, sent: Int) {
        guard !isDone else { return }
        guard let piece = pieces.first else { return requestSent(story) }
        let step = { [weak self] in
            guard let self, !isDone else { return }
            let total = sent + piece.bytes.count
            if abortAfterSending(story.request, total) { return }
            note("sends", piece.bytes)
            send(piece.bytes)
            sendRest(story, pieces.dropFirst(), sent: total)
        }
        if piece.delay == 0 { step() } else { world.network.after(piece.delay, step) }
    }

    private func requestSent(_ story: Story) {
        isSendingRest = false
        continues = false
        if mayBecomeClosed || nextToSend == stories.count {
            if plan.halfCloses, !story.request.asksTunnel, story.request.abort == nil { finish() }
            return
        }
        if plan.pipelines { sendNext() } else { afterAnswer() }
    }

    /// True when the client goes away before the byte with this number.
    @discardableResult
    private func abortAfterSending(_ request: RequestScript, _ total: Int) -> Bool {
        switch request.abort {
        case .some(.resetAfterSending(let count)) where count <= total: abort(reset: true)
        case .some(.closeAfterSending(let count)) where count <= total: abort(reset: false)
        default: return false
        }
        return true
    }

    private func note(_ what: String, _ bytes: [UInt8]) {
        world.note("client \(plan.stories[0].id)", "\(what) \(bytes.count): \(bytes.shown)")
    }

    private func abort(reset isReset: Bool) {
        note(isReset ? "resets" : "goes away", [])
        for place in answering..<nextToSend where stories[place].outcome == .nothing {
            stories[place].outcome = .aborted
            stories[place].tunnel?.client.leave()
        }
        isDone = true
        if isReset, layer != nil, !hasHeard { world.handshakesLeft += 1 }
        if isReset { reset() } else { close() }
        plan.goOn(after: nextToSend, world)
    }

    // MARK: Reading

    /// Something has been answered: to the worker, too, the handshake is over.
    private var hasHeard = false

    override func received(_ bytes: [UInt8]) {
        guard !isDone else { return }
        hasHeard = true
        note("gets", bytes)
        reader.receive(bytes)
        while !isDone {
            if head == nil { reader.answersHead = story?.request.method == "HEAD" }
            guard let event = reader.next() else { break }
            switch event {
            case .interim(let head): interim(head)
            case .head(let head): begin(head)
            case .body(let bytes): bodyBytes(bytes)
            case .end(let trailers): answered(trailers)
            case .broken(let what):
                story?.outcome = .wrong("not HTTP: \(what)")
                return over()
            }
        }
        if plan.readsSlowly, !isDone, isReading {
            isReading = false
            world.network.after(world.random.upTo(plan.readPause)) { [weak self] in self?.isReading = true }
        }
    }

    private func interim(_ head: MessageReader.Head) {
        guard let story else { return world.fail("a client got an interim response that it was not owed") }
        if head.value("x-id") != "\(story.id)" {
            story.strangeInterims.append(head.value("x-id") ?? "nobody")
        } else if head.status != 100 {
            story.interims += 1
        }
        if head.status == 100 { goOn(story) }
    }

    private func begin(_ head: MessageReader.Head) {
        guard let story else {
            isDone = true
            return world.fail("a client got an answer that it was not owed: \(head.startLine)")
        }
        self.head = head
        body = []
        if head.closes {
            mayBecomeClosed = true
            closeWasAnnounced = true
        }
        if head.status == 101 {
            isTunnel = true
            if let tunnel = story.tunnel { return opens(story, tunnel, head) }
            send(story.request.body)
            if story.request.body.isEmpty { tunnelled() }
        }
    }

    private func bodyBytes(_ bytes: [UInt8]) {
        guard let story else { return world.fail("a client got bytes that it was not owed") }
        if isTunnel, let tunnel = story.tunnel { return tunnel.client.hear(bytes) }
        body += bytes
        if case .some(.resetAfterReceiving(let count)) = story.request.abort, body.count >= count { return abort(reset: true) }
        if isTunnel, body.count >= story.request.body.count { tunnelled() }
    }

    private func opens(_ story: Story, _ tunnel: Tunnel, _ head: MessageReader.Head) {
        if head.value("x-id") != "\(story.id)" { world.fail("the tunnel of request \(story.id) is another's") }
        if head.values("upgrade") != [tunnel.script.name] { world.fail("the tunnel of request \(story.id) is \(head.fields)") }
        if tunnel.script.name == "websocket", head.values("sec-websocket-accept") != [TunnelScript.accept] {
            world.fail("the WebSocket of request \(story.id) is not accepted as it should: \(head.fields)")
        }
        tunnel.client.begin(
            TunnelEnd.Wire(
                say: { [weak self] in self?.send($0) },
                end: { [weak self] in self?.finish() },
                reset: { [weak self] in self?.abort(reset: true) },
                stall: { [weak self] time in
                    guard let self else { return }
                    isReading = false
                    world.network.after(time) { [weak self] in self?.isReading = true }
                },
                over: { [weak self] in self?.tunnelOver(story, tunnel) }))
    }

    private func tunnelOver(_ story: Story, _ tunnel: Tunnel) {
        guard !isDone else { return }
        story.finishedAt = world.network.time
        story.outcome = tunnel.client.ending == .orderly ? .whole : .cut
        answering = nextToSend
        over()
    }

    /// Everything has come back through the tunnel.
    private func tunnelled() {
        guard let story else { return }
        story.outcome = body == story.request.body ? .whole : .wrong("a tunnel changed its bytes")
        story.finishedAt = world.network.time
        finish()
    }

    private func answered(_ trailers: [(name: String, value: String)]) {
        guard let story, let head else { return }
        judge(story, head, trailers)
        self.head = nil
        answering += 1
        if answering == nextToSend, mayBecomeClosed || nextToSend == stories.count { return endOrderly() }
        if mayBecomeClosed, head.closes { return endOrderly() }
        if !plan.pipelines { afterAnswer() }
    }

    private func afterAnswer() {
        guard !isSendingRest, answering == nextToSend, !isDone else { return }
        let delay = world.random.pick([
            0, 0, world.random.upTo(2_000_000), world.random.upTo(100_000_000), plan.thinkNanoseconds,
        ])
        if delay == 0 { sendNext() } else { world.network.after(delay) { [weak self] in self?.sendNext() } }
    }

    private func judge(_ story: Story, _ head: MessageReader.Head, _ trailers: [(name: String, value: String)]) {
        story.finishedAt = world.network.time
        let answer = story.answer
        if head.value("sendonce-id") != nil { world.fail("the answer to request \(story.id) has a mark for its client") }
        guard let id = head.value("x-id") else {
            story.outcome = .proxyError(head.status)
            return
        }
        if id != "\(story.id)" {
            story.outcome = .wrong("the answer to \(id)")
        } else if head.status != answer.status {
            story.outcome = .wrong("status \(head.status) instead of \(answer.status)")
        } else if body != answer.body, body != story.faultyBody {
            let same = zip(body, answer.body).prefix { $0 == $1 }.count
            story.outcome = .wrong("a body of \(body.count) bytes instead of \(answer.body.count), other from byte \(same) on")
        } else if !story.request.isHTTP10, let trailer = answer.trailer, trailers.map(\.value) != [trailer] {
            story.outcome = .wrong("the trailers \(trailers)")
        } else {
            story.outcome = .whole
        }
    }

    // MARK: Ends

    private func endOrderly() {
        for place in answering..<nextToSend where stories[place].outcome == .nothing { stories[place].outcome = .unserved }
        isDone = true
        close()
        plan.goOn(after: nextToSend, world)
    }

    override func ended() { connectionOver(wasReset: false) }
    override func wasReset() { connectionOver(wasReset: true) }

    private func connectionOver(wasReset: Bool) {
        note(wasReset ? "sees a reset" : "sees the end", [])
        guard !isDone else { return }
        let isAnnounced = (layer as? PeerTLS)?.endWasAnnounced ?? true
        if !isAnnounced, !wasReset, head == nil, reader.isAtStart {
            world.fail("client \(plan.stories[0].id): no close_notify")
        }
        if isTunnel, let tunnel = story?.tunnel {
            return wasReset ? tunnel.client.hearBreak() : tunnel.client.hearEnd()
        }
        if isTunnel {
            if let story, story.outcome == .nothing { story.outcome = .cut }
            answering = nextToSend
        } else if let story, head != nil || !reader.isAtStart || wasReset {
            // A reset shows even before the first byte.
            if let head, reader.endsWithConnection, !wasReset, isAnnounced {
                judge(story, head, [])
            } else {
                story.outcome = .cut
            }
            answering += 1
            closeWasAnnounced = true
        }
        if closeWasAnnounced {
            for place in answering..<nextToSend where stories[place].outcome == .nothing { stories[place].outcome = .unserved }
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

extension [UInt8] {
    /// As text, shortened.
    var shown: String {
        let text = String(
            decoding: count > 600 ? self[..<300] + Array(" ... ".utf8) + self[(count - 100)...] : self[...], as: UTF8.self)
        return String(reflecting: text)
    }

    func contains(text: String) -> Bool {
        let wanted = Array(text.utf8)
        guard count >= wanted.count else { return false }
        return (0...(count - wanted.count)).contains { self[$0..<$0 + wanted.count].elementsEqual(wanted) }
    }
}

/// What one client does: its requests in order, over as many connections as it takes.
final class ClientPlan {
    let stories: [Story]
    let link: Link
    /// What its next TLS session goes on with.
    var session: OpaquePointer?
    var pipelines = false
    var readsSlowly = false
    var readPause: UInt64 = 0
    var halfCloses = false
    var thinkNanoseconds: UInt64 = 0
    /// How it speaks HTTP/2, and how much it asks for at once; nil: it speaks HTTP/1.
    var frames: FrameHabits?
    var streamsAtOnce = 1

    init(_ stories: [Story], _ link: Link) {
        self.stories = stories
        self.link = link
    }

    deinit { session.map { so_peer_forget($0) } }

    /// Opens a connection for the requests that are left.
    func goOn(after first: Int, _ world: SimulatedWorld) {
        guard first < stories.count else { return }
        world.network.after(world.random.upTo(3_000_000)) { [unowned world] in
            world.network.connect(self.connection(world, first: first), to: world.listener, over: self.link)
        }
    }

    /// Nobody listens any more: the requests that are left are not served. False when that cannot be.
    func isRefused(_ world: SimulatedWorld, first: Int) -> Bool {
        for story in stories[first...] where world.hasDrained { story.outcome = .unserved }
        return world.hasDrained
    }

    /// A new connection, for the requests from this one on.
    func connection(_ world: SimulatedWorld, first: Int) -> SimulatedPeer {
        let peer =
            frames.map { StreamClient(world, self, first: first, $0) } ?? ScriptedClient(world, self, first: first)
        peer.layer = world.tls?.client(world, self)
        return peer
    }
}
