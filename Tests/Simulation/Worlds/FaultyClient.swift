import Simulation

/// One connection of a client that floods, goes against the rules of HTTP/2, or is gone in the middle. It does not look at what comes back.
final class FaultyClient: SimulatedPeer {
    /// One of its requests.
    final class Asked {
        let story: Story
        let stream: UInt32
        var sent = 0
        var hasEnded = false
        var isReset = false
        /// Nothing more of its body may be sent without breaking what it says of itself.
        var isSpoilt = false

        init(_ story: Story, _ stream: UInt32) {
            self.story = story
            self.stream = stream
        }

        var isOpen: Bool { !hasEnded && !isReset }
    }

    unowned let world: SimulatedWorld
    let number: Int
    let vices: [Vice]
    let stories: [Story]
    var random: SeededNumbers
    /// In TLS: it offers HTTP/2, and does not begin with its preface by itself.
    let offersFrames: Bool
    private var actsLeft: Int
    private var asked: [Asked] = []
    private var nextStream: UInt32 = 1
    private var hasAcknowledged = false
    private(set) var isOver = false
    private(set) var isSpoken = false
    /// By its own choice, whatever has come of it.
    private(set) var hasLeft = false
    private(set) var hasBeenDeaf = false
    private(set) var sent: [UInt8] = []
    /// What its header blocks are.
    var senses: [[UInt8]: FrameLedger.Sense] = [:]
    let overheard = Overheard()
    /// Where it comes from.
    var port: UInt16?
    /// Packs without a table, so that each block can be read by itself.
    let packer = FieldPacker(tableBytes: 0)
    /// Streams that one connection opens at the most.
    private static let streamsMax: UInt32 = 1400

    init(_ world: SimulatedWorld, number: Int, _ stories: [Story], seed: UInt64) {
        self.world = world
        self.number = number
        self.stories = stories
        var own = SeededNumbers(seed: seed)
        vices = (0..<1 + own.below(3)).map { _ in own.pick(Vice.allCases) }
        offersFrames = seed >> 8 & 3 != 0
        actsLeft = 1 + own.below(own.pick([5, 20, 60]))
        random = own
        super.init()
    }

    var hasAgreedFrames: Bool { offersFrames && layer != nil }

    func note(_ what: @autoclosure () -> String) { world.note("faulty \(number)", what()) }

    // MARK: Course

    override func connected() {
        isSpoken = true
        note("has the vices \(vices)")
        if vices.contains(.deafness), random.chance(perMille: 300) { stopReading() }
        if vices.contains(.badPreface) {
            sendCut(random.pick([Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\rX".utf8), Array(Frame.preface.dropLast(3)), noise(80)]))
            return goOn()
        }
        sendCut(Frame.preface)
        var values: [(UInt16, Int)] = [(2, 0)]
        if vices.contains(.shutWindows) { values.append((4, 0)) }
        if vices.contains(.narrowWindows) { values.append((4, 1)) }
        write(.settings(values))
        goOn()
    }

    private func goOn() {
        guard isOpen, !isOver else { return }
        guard actsLeft > 0 else { return leave() }
        actsLeft -= 1
        let delay = random.pick([0, 0, random.upTo(300_000), random.upTo(5_000_000), random.upTo(200_000_000)])
        world.network.after(delay) { [weak self] in
            guard let self, isOpen, !isOver else { return }
            act()
            goOn()
        }
    }

    private func act() {
        if vices.contains(.narrowWindows), random.chance(perMille: 500) { widen(by: 1) }
        switch random.below(10) {
        case 0...2: ask()
        case 3, 4: sayMore()
        default: play(random.pick(vices))
        }
    }

    /// Sits there for good, closes or resets, or is cut off in the middle of something.
    private func leave() {
        switch random.below(5) {
        case 0, 1: note("sits there")
        case 2:
            goes()
            close()
        case 3:
            goes()
            reset()
        default: cut()
        }
    }

    private func goes() {
        isOver = true
        hasLeft = true
    }

    func stopReading() {
        isReading = false
        hasBeenDeaf = true
    }

    override func received(_ bytes: [UInt8]) {
        guard !hasAcknowledged else { return }
        hasAcknowledged = true
        write(Frame(.settings, flags: Frame.ack))
    }

    override func ended() { over() }
    override func wasReset() { over() }
    override func refused(_ error: Int32) { isOver = true }

    private func over() {
        note("is sent away")
        isOver = true
        close()
    }

    // MARK: What all do

    func write(_ frame: Frame) {
        note("sends \(frame.shown)")
        sendCut(frame.bytes)
    }

    func sendCut(_ bytes: [UInt8]) {
        guard isOpen, !isOver else { return }
        sent += bytes
        send(bytes)
    }

    var openOne: Asked? {
        let open = asked.filter(\.isOpen)
        return open.isEmpty ? nil : random.pick(open)
    }
    var anyOne: Asked? { asked.isEmpty ? nil : random.pick(asked) }
    var idleStream: UInt32 { nextStream + 2 * UInt32(1 + random.below(100)) }
    var freshStream: UInt32 {
        defer { nextStream += 2 }
        return nextStream
    }

    /// Asks for something, as it should.
    @discardableResult
    func ask(_ wanted: Story? = nil) -> Asked? {
        guard nextStream < 2 * Self.streamsMax, let story = wanted ?? (stories.isEmpty ? nil : random.pick(stories)) else {
            return nil
        }
        let one = Asked(story, freshStream)
        asked.append(one)
        one.hasEnded = !story.request.hasBody
        writeHead(one.stream, story.request.fields(scheme: "http"), ends: one.hasEnded, .request(story.request))
        return one
    }

    func writeHead(_ stream: UInt32, _ fields: FieldPacker.Fields, ends: Bool, _ sense: FrameLedger.Sense = .unknown) {
        note("sends on \(stream) \(fields.prefix(6).map { "\($0.name): \($0.value.prefix(40))" })")
        var rest = packer.pack(fields)[...]
        senses[Array(rest)] = sense
        var isFirst = true
        repeat {
            let part = Array(rest.prefix(Frame.payloadMax))
            rest = rest.dropFirst(part.count)
            let flags = (rest.isEmpty ? Frame.endHeaders : 0) | (isFirst && ends ? Frame.endStream : 0)
            write(Frame(isFirst ? .headers : .continuation, flags: flags, stream: stream, part))
            isFirst = false
        } while !rest.isEmpty
    }

    /// More of a request's body, perhaps all that is left.
    private func sayMore() {
        guard let one = openOne, !one.isSpoilt else { return ask().map { _ in } ?? () }
        let body = one.story.request.body
        let n = min(body.count - one.sent, random.chance(perMille: 500) ? 16_000 : 1 + random.below(2000))
        let isLast = one.sent + n == body.count && random.chance(perMille: 700)
        write(Frame(.data, flags: isLast ? Frame.endStream : 0, stream: one.stream, Array(body[one.sent..<one.sent + n])))
        one.sent += n
        one.hasEnded = isLast
    }

    func widen(by count: UInt32) {
        write(Frame(.windowUpdate, Frame.number(count)))
        if let one = anyOne { write(Frame(.windowUpdate, stream: one.stream, Frame.number(count))) }
    }

    func noise(_ most: Int) -> [UInt8] { (0..<1 + random.below(most)).map { _ in UInt8(random.below(256)) } }

    /// Is gone, with a part of a frame.
    func cut() {
        let frame = Frame(.headers, flags: 5, stream: freshStream, packer.pack(Self.nobodys)).bytes
        sendCut(Array(frame.prefix(random.below(frame.count))))
        goes()
        if random.chance(perMille: 500) { close() } else { reset() }
    }

    /// Fields of a request that no server must get.
    static let nobodys: FieldPacker.Fields = [
        (":method", "GET"), (":scheme", "http"), (":path", "/evil"), (":authority", "evil.example"),
    ]
}
