import Simulation

/// One end of an HTTP/2 connection that has none of the proxy's code: reads frames strictly by RFC 9113, keeps account of the
/// windows of both directions, and sends what it is given as far as they allow.
class FramePeer: SimulatedPeer {
    typealias Fields = FieldPacker.Fields

    /// One stream as this end sees it.
    final class Stream {
        let id: UInt32
        var sendWindow: Int
        var receiveWindow: Int
        var owed = 0
        var outbox: [Output] = []
        var isActive = false
        /// This end, the other end, has said all that it says.
        var hasEnded = false
        var peerHasEnded = false
        /// Reset, by either.
        var isReset = false
        /// Gives no room for more.
        var withholds = false

        init(_ id: UInt32, sendWindow: Int, receiveWindow: Int) {
            self.id = id
            self.sendWindow = sendWindow
            self.receiveWindow = receiveWindow
        }

        var isOver: Bool { isReset || hasEnded && peerHasEnded }
        /// What it says next is a part of a body.
        var sendsBody: Bool { if case .data = outbox.first { true } else { false } }
    }

    enum Output {
        /// Called with how many bytes the block has when it is packed.
        case head(Fields, ends: Bool, packed: ((Int) -> Void)? = nil)
        case data([UInt8], ends: Bool)
        case reset(UInt32)
        /// When everything before it has been given to the socket.
        case action(() -> Void)
    }

    unowned let world: SimulatedWorld
    let isServer: Bool
    let habits: FrameHabits
    var streams: [UInt32: Stream] = [:]
    /// The highest number of the other end's streams, of its own.
    var lastPeerStream: UInt32 = 0
    var nextStream: UInt32 = 1
    let packer = FieldPacker()
    var reader = FrameReader()
    var hasPreface: Bool
    var hasGreeted = false
    var hasPeerSettings = false
    var isPumping = false
    /// No flood comes of it.
    private static let chatsMax = 30
    var chats = 0
    /// PINGs that the other end has yet to answer.
    var pingsUnanswered = 0
    var isBroken = false
    /// Says nothing more on any stream.
    var isSilent = false
    var active: [Stream] = []
    /// Header blocks come in pieces: nothing else comes between them.
    var assembly: (stream: UInt32, ends: Bool, bytes: [UInt8])?

    // What may be sent: by this end, and by the other.
    var sendWindow = 65_535
    var peerWindow = 65_535
    var peerStreamsMax = Int.max
    var peerFrameMax = Frame.payloadMax
    var peerTakesTunnels = false
    var receiveWindow = 65_535
    var windowInForce = 65_535
    var streamsMaxInForce = Int.max
    var owed = 0
    var isCrediting = false
    /// SETTINGS that have been sent and not been acknowledged.
    var unacknowledged: [[(UInt16, Int)]] = []

    init(_ world: SimulatedWorld, isServer: Bool, _ habits: FrameHabits) {
        self.world = world
        self.isServer = isServer
        self.habits = habits
        hasPreface = !isServer
        super.init()
    }

    // MARK: For its owner

    var name: String { isServer ? "server" : "client" }
    /// Of a request, an answer, or the trailers of one.
    func head(_ stream: Stream, _ fields: Fields, ends: Bool) {}
    func data(_ stream: Stream, _ bytes: [UInt8], ends: Bool) {}
    func reset(_ stream: Stream, _ code: UInt32) {}
    func goneAway(last: UInt32, code: UInt32) {}
    /// The other end's SETTINGS are here.
    func introduced() {}
    /// All that has come has been acted on.
    func hasRead() {}

    func note(_ what: @autoclosure () -> String) { world.note(name, what()) }

    func breach(_ what: String) {
        guard !isBroken else { return }
        isBroken = true
        world.fail("\(name): the proxy does not speak HTTP/2: \(what)")
        close()
    }

    /// Opens a stream. A client's.
    func open() -> Stream {
        let stream = Stream(nextStream, sendWindow: peerWindow, receiveWindow: windowInForce)
        nextStream += 2
        streams[stream.id] = stream
        return stream
    }

    func put(_ output: Output, on stream: Stream) {
        guard !stream.isReset else { return }
        stream.outbox.append(output)
        if !stream.isActive {
            stream.isActive = true
            active.append(stream)
        }
        pump()
    }

    /// Says nothing more on the stream.
    func forget(_ stream: Stream) { stream.outbox = [] }

    /// Sends a frame as it is, whatever that does.
    func write(_ frame: Frame) {
        world.note(name, "sends \(frame.shown)")
        send(frame.bytes)
    }

    /// A header block that nothing holds back; how many bytes it has when packed.
    @discardableResult
    func writeHead(_ stream: UInt32, _ fields: Fields, ends: Bool) -> Int {
        let block = packer.pack(fields)
        world.note(name, "sends on \(stream) \(fields.map { "\($0.name): \($0.value)" })")
        var rest = block[...]
        var isFirst = true
        repeat {
            var n = min(rest.count, Frame.payloadMax - 300)
            if n > 1, world.random.chance(perMille: habits.splitsPerMille) { n = 1 + world.random.below(n) }
            let isLast = n == rest.count
            let flags = (isLast ? Frame.endHeaders : 0) | (isFirst && ends ? Frame.endStream : 0)
            if isFirst {
                write(padded(Frame(.headers, flags: flags, stream: stream, Array(rest.prefix(n))), room: 256))
            } else {
                write(Frame(.continuation, flags: flags, stream: stream, Array(rest.prefix(n))))
            }
            rest = rest.dropFirst(n)
            isFirst = false
        } while !rest.isEmpty
        return block.count
    }

    /// DATA that no stream's window holds back.
    func writeData(_ stream: UInt32, _ bytes: [UInt8], ends: Bool) {
        sendWindow -= bytes.count
        write(Frame(.data, flags: ends ? Frame.endStream : 0, stream: stream, bytes))
    }

    func writeGoAway(last: UInt32, code: UInt32 = 0) { write(Frame(.goAway, Frame.number(last) + Frame.number(code))) }

    private func padded(_ frame: Frame, room: Int) -> Frame {
        guard room > 0, world.random.chance(perMille: habits.padsPerMille) else { return frame }
        let count = world.random.below(min(room, 256))
        var made = frame
        made.flags |= Frame.padded
        made.payload = [UInt8(count)] + frame.payload + [UInt8](repeating: 0, count: count)
        return made
    }

    // MARK: Beginning

    /// The first frames of the connection.
    func greet() {
        if !isServer { send(Frame.preface) }
        let step = { [weak self] in
            guard let self, isOpen, !isBroken else { return }
            var values: [(UInt16, Int)] = []
            if !isServer { values.append((2, 0)) }
            if habits.windowBytes != 65_535 { values.append((4, habits.windowBytes)) }
            if habits.takesTunnels { values.append((8, 1)) }
            if let most = habits.streamsMax { values.append((3, most)) }
            put(settings: values)
            hasGreeted = true
            if habits.moreConnectionBytes > 0 { credit(0, habits.moreConnectionBytes) }
            if let later = habits.laterWindowBytes {
                world.network.after(world.random.upTo(20_000_000)) { [weak self] in self?.put(settings: [(4, later)]) }
            }
            creditSoon()
            pump()
        }
        if isServer, habits.settingsDelay > 0 { world.network.after(habits.settingsDelay, step) } else { step() }
    }

    func put(settings values: [(UInt16, Int)]) {
        guard isOpen, !isBroken else { return }
        unacknowledged.append(values)
        write(.settings(values))
    }

    // MARK: Sending

    /// Sends what can be sent, a frame of each stream by turns.
    func pump() {
        guard hasGreeted, !isPumping, !isSilent, isOpen, !isBroken else { return }
        isPumping = true
        var moved = true
        while moved {
            moved = false
            if habits.sendsInOrder { active.sort { ($0.sendsBody ? 1 : 0, $0.id) < ($1.sendsBody ? 1 : 0, $1.id) } }
            for stream in active where !(habits.waitsForSocket && unsentBytes > 0) && step(stream) {
                moved = true
                if habits.sendsInOrder { break }
            }
        }
        for stream in active where stream.outbox.isEmpty { stream.isActive = false }
        active.removeAll { $0.outbox.isEmpty }
        isPumping = false
    }

    override func allSent() { if habits.waitsForSocket { pump() } }

    /// What waits for bytes that have all been given to the socket is done, as it would be in its stream's turn.
    func runDueActions() {
        for stream in active {
            while case .action(let action) = stream.outbox.first {
                stream.outbox.removeFirst()
                action()
            }
        }
    }

    private func step(_ stream: Stream) -> Bool {
        guard let output = stream.outbox.first, isOpen, !isSilent else { return false }
        switch output {
        case .head(let fields, let ends, let packed):
            stream.outbox.removeFirst()
            if ends { stream.hasEnded = true }
            let count = writeHead(stream.id, fields, ends: ends)
            packed?(count)
        case .data(let bytes, let ends):
            let window = min(sendWindow, stream.sendWindow)
            let n = min(bytes.count, habits.dataBytesMax, peerFrameMax - 256, window)
            guard n > 0 || bytes.isEmpty else { return false }
            if n == bytes.count {
                stream.outbox.removeFirst()
                if ends { stream.hasEnded = true }
            } else {
                stream.outbox[0] = .data(Array(bytes[n...]), ends: ends)
            }
            let flags = ends && n == bytes.count ? Frame.endStream : 0
            let frame = padded(Frame(.data, flags: flags, stream: stream.id, Array(bytes[..<n])), room: window - n - 1)
            sendWindow -= frame.payload.count
            stream.sendWindow -= frame.payload.count
            write(frame)
        case .reset(let code):
            stream.outbox = []
            stream.isReset = true
            write(Frame(.reset, stream: stream.id, Frame.number(code)))
        case .action(let action):
            stream.outbox.removeFirst()
            action()
        }
        return true
    }

    private func chat() {
        guard hasGreeted, chats < Self.chatsMax, world.random.chance(perMille: habits.chatPerMille) else { return }
        chats += 1
        switch world.random.below(4) {
        case 0:
            pingsUnanswered += 1
            write(Frame(.ping, [1, 2, 3, 4, 5, 6, 7, 8]))
        case 1: write(Frame(.priority, stream: 1 + 2 * UInt32(world.random.below(20)), [0, 0, 0, 0, 9]))
        case 2: put(settings: [])
        default: write(Frame(type: 0xfa, flags: 0x55, stream: UInt32(world.random.below(9)), [1, 2, 3]))
        }
    }

    // MARK: Reading

    override func received(_ bytes: [UInt8]) {
        guard !isBroken else { return }
        reader.receive(bytes)
        if !hasPreface {
            guard let isRight = reader.takePreface() else { return }
            guard isRight else { return breach("it begins with something else") }
            hasPreface = true
        }
        while !isBroken, isOpen, let frame = reader.next() {
            world.note(name, "gets \(frame.shown)")
            act(frame)
        }
        guard !isBroken else { return }
        chat()
        hasRead()
        pump()
    }
}

extension Frame {
    /// In words, for whoever reads what happened.
    var shown: String {
        let kind = kind.map { "\($0)" } ?? "type \(type)"
        let text = self.kind == .data ? " \(payload.shown)" : payload.count <= 8 ? " \(payload)" : ""
        return "\(kind) on \(stream), flags \(flags), \(payload.count)\(text)"
    }
}
