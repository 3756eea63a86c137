import Simulation

/// One health check as its server sees it: asks for what it should, and is answered as its play has it.
final class CheckPeer: SimulatedPeer {
    private unowned let world: SimulatedWorld
    private let number: Int
    let server: Int
    /// nil where there are no names.
    var address: String?
    let play: CheckPlay
    private let words: CheckWords
    private let path: String
    private var bytes: [UInt8] = []
    private var hasAsked = false
    private var isDead = false
    private var isConnected = false
    /// Bytes of the connection with which its answer is known to be a good one; nil: they have not been sent.
    private(set) var goodAfter: Int?

    init(
        _ world: SimulatedWorld, number: Int, server: Int, _ kind: CheckPlay.Kind, isWell: Bool, path: String,
        _ health: HealthHabits
    ) {
        self.world = world
        self.number = number
        self.server = server
        self.path = path
        words = CheckWords(isFrames: world.speech.upstreams != nil, isSlow: world.checksAreSlow)
        play = CheckPlay(kind, isWell: isWell, words, timeout: health.settings.timeout, &world.random)
        super.init()
    }

    private func note(_ what: @autoclosure () -> String) { world.note("check \(number) of server \(server)", what()) }

    // MARK: Asked

    override func connected() {
        isConnected = true
        if isDead { return reset() }
        note("begins, and will be answered: \(play.kind)")
        if play.kind != .silent { send(words.greeting) }
        if play.kind == .hasty { perform(play.steps[...]) }
    }

    override func received(_ more: [UInt8]) {
        bytes += more
        guard !hasAsked, isWhole else { return }
        hasAsked = true
        if play.kind != .hasty { perform(play.steps[...]) }
    }

    /// Its request is here, and says what it should.
    private var isWhole: Bool {
        guard words.isFrames else {
            guard bytes.suffix(4).elementsEqual("\r\n\r\n".utf8) else { return false }
            let host = world.checkedHost(server)
            let expected = "GET \(path) HTTP/1.1\r\nHost: \(host)\r\nUser-Agent: sendonce-health\r\nConnection: close\r\n\r\n"
            if !bytes.elementsEqual(expected.utf8) { world.fail("a check asks \(String(decoding: bytes, as: UTF8.self))") }
            return true
        }
        return isWholeStream
    }

    private var isWholeStream: Bool {
        var reader = FrameReader()
        reader.receive(bytes)
        guard let isRight = reader.takePreface() else { return false }
        guard isRight else {
            world.fail("a check does not begin as HTTP/2 does")
            return true
        }
        var isFirst = true
        while let frame = reader.next() {
            defer { isFirst = false }
            if isFirst, frame.kind != .settings { world.fail("a check begins with \(frame.shown)") }
            guard frame.kind == .headers else { continue }
            let fields = frame.content.flatMap { FieldPacker().unpack($0) } ?? []
            let expected = [
                ":method": "GET", ":scheme": layer == nil ? "http" : "https", ":path": path,
                ":authority": world.checkedHost(server),
                "user-agent": "sendonce-health",
            ]
            let found = Dictionary(fields.map { ($0.name, $0.value) }) { $0 + $1 }
            let isAll = frame.has(Frame.endStream) && frame.has(Frame.endHeaders) && frame.stream == 1
            if !isAll || found != expected { world.fail("a check asks \(fields)") }
            return true
        }
        return false
    }

    // MARK: Answering

    private func perform(_ steps: ArraySlice<CheckPlay.Step>) {
        guard isOpen, let step = steps.first else { return }
        let next = { [weak self] in
            guard let self, isOpen else { return }
            act(step.act)
            perform(steps.dropFirst())
        }
        if step.delay == 0 { next() } else { world.network.after(step.delay, next) }
    }

    private func act(_ act: CheckPlay.Act) {
        switch act {
        case .send(let bytes): send(bytes)
        case .pass(let bytes):
            note("has its answer")
            send(bytes)
            goodAfter = Int(socket?.writtenTotal ?? 0) + unsentBytes
        case .finish:
            note("ends")
            finish()
        case .reset:
            note("resets")
            reset()
        }
    }

    /// Its process is gone.
    func die() {
        guard isOpen, !isDead else { return }
        isDead = true
        if isConnected { reset() }
    }

    override func ended() { close() }

    override func wasReset() { close() }
}
