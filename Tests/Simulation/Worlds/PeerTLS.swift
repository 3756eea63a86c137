import CPeerTLS
import Simulation

/// Where records begin and end in what comes (RFC 8446 section 5.1).
struct RecordCounter {
    private var header: [UInt8] = []
    private var left = 0

    /// The last record has come in part.
    var hasPart: Bool { left > 0 || !header.isEmpty }

    mutating func count(_ bytes: [UInt8]) {
        var at = 0
        while at < bytes.count {
            if left > 0 {
                let n = min(left, bytes.count - at)
                left -= n
                at += n
                continue
            }
            header.append(bytes[at])
            at += 1
            guard header.count == 5 else { continue }
            left = Int(header[3]) << 8 | Int(header[4])
            header = []
        }
    }
}

/// One peer's end of TLS, with records as its habits cut them. Whatever it says is allowed, unless it is told to spoil it.
final class PeerTLS: PeerLayer {
    private static let roomMax = 40_000
    private static let cutRecordBytes = 512

    unowned let world: SimulatedWorld
    let side: TLSSide
    private let name: String
    let ssl: OpaquePointer
    private var spoil: TLSSpoil?
    /// What it floods the other end with, and who is told.
    var dueFlood: TLSFlood?
    var begins: ((Flooding) -> Void)?
    /// Where the peer itself is gone: nothing more is said.
    var isMute = false
    private(set) var isReady = false
    /// The other end has said that it sends no more.
    private(set) var endWasAnnounced = false
    /// The end that the peer comes to is announced, whatever its habits are.
    var mustAnnounce = false
    private var hasEnded = false
    /// A client's session that has been gone on with, and where the next one is put down.
    private let plan: ClientPlan?
    private let isOffered: Bool
    /// Who changed its keys more often would flood (`so_tls_late_steps_burst`).
    private var keyUpdatesLeft = 15
    private(set) var records = RecordCounter()

    /// Bytes made so far, and which of the peer's they end with.
    private(set) var made = 0
    private(set) var given = 0
    private var marks: [(made: Int, given: Int)] = []

    /// What it has understood, and how far it had been given records then; nil: nobody asks.
    private var heard: HeardRecords?

    /// Its own records are forged.
    let isForging: Bool
    private let early: [UInt8]

    init(
        _ world: SimulatedWorld, _ side: TLSSide, _ name: String, plan: ClientPlan? = nil, spoil: TLSSpoil? = nil,
        hello: TLSHello? = nil
    ) {
        self.world = world
        self.side = side
        self.name = name
        self.plan = plan
        self.spoil = spoil
        isOffered = plan?.session != nil
        isForging = hello != nil
        early = hello?.early ?? []
        let earlier = hello?.session() ?? plan?.session
        guard let ssl = so_peer_open(side.settings, earlier) else { preconditionFailure("no memory for TLS") }
        self.ssl = ssl
        if let hello {
            so_peer_forget(earlier)
            hello.prepare(ssl)
        }
        if side.end.paddingBlock > 0 { so_peer_set_padding(ssl, side.end.paddingBlock) }
        if side.end.cutsHandshakes { so_peer_set_record_bytes(ssl, Self.cutRecordBytes) }
    }

    deinit { so_peer_close(ssl) }

    // MARK: What passes

    func begin() -> PeerLayerStep {
        if !early.isEmpty {
            precondition(so_peer_start_early(ssl, early, early.count) == 1, "OpenSSL makes no early data")
        } else if !side.isServer {
            _ = so_peer_start(ssl)
        }
        return step()
    }

    func receive(_ bytes: [UInt8]) -> PeerLayerStep {
        records.count(bytes)
        if isMute { return PeerLayerStep() }
        let (plaintext, state) = understand(bytes)
        let reason = state == SO_PEER_FAILED ? String(cString: so_peer_reason(ssl)) : ""
        let opens = !isReady && so_peer_is_ready(ssl) == 1
        if opens { isReady = true }
        // A server that has got through its handshake is a good one.
        if opens, side.isServer { spoil = nil }
        var step = step()
        if opens, !isMute {
            step.hasOpened = true
            step.output += flood()
        }
        step.bytes = plaintext
        if opens { check() }
        if state == SO_PEER_ENDED {
            endWasAnnounced = true
            if step.leaving == nil { step.leaving = .ended }
        } else if state == SO_PEER_FAILED {
            if !hasSpoiled { world.fail("\(name): the proxy does not speak TLS: \(reason)") }
            step.leaving = step.leaving ?? .failed
        }
        return step
    }

    func wrap(_ bytes: [UInt8]) -> [UInt8] {
        guard isReady, !hasEnded else { return [] }
        if isForging { return forge(23, bytes) }
        var wrapped: [UInt8] = []
        var at = 0
        while at < bytes.count {
            if world.random.chance(perMille: side.end.keyUpdatesPerMille), side.isServer || keyUpdatesLeft > 0 {
                let asks = world.random.chance(perMille: 500)
                if keyUpdatesLeft > 0 { so_peer_update_keys(ssl, asks ? 1 : 0) }
                keyUpdatesLeft -= 1
            }
            let most =
                world.random.chance(perMille: 500) ? side.end.recordBytesMax : 1 + world.random.below(side.end.recordBytesMax)
            let end = min(bytes.count, at + most)
            // Record by record, as OpenSSL itself would cut them: a part of them may be all that leaves.
            while at < end {
                let n = min(end - at, side.end.cutsHandshakes ? Self.cutRecordBytes : most)
                wrapped += write(bytes[at..<at + n])
                at += n
            }
            wrapped += flood()
        }
        return wrapped
    }

    private func write(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        if bytes.withUnsafeBufferPointer({ so_peer_write(ssl, $0.baseAddress!, $0.count) }) == 0 {
            world.fail("\(name): the world's own TLS cannot be written")
        }
        given += bytes.count
        let output = step().output
        marks.append((made, given))
        return output
    }

    func end() -> [UInt8] {
        guard !hasEnded, !isMute else { return [] }
        hasEnded = true
        if isForging { return [] }
        keepSession()
        if !mustAnnounce, world.random.chance(perMille: side.end.silentEndsPerMille) { return [] }
        so_peer_shutdown(ssl)
        return step().output
    }

    // MARK: What is overheard

    /// From now on it is known what stood in which record.
    func listen() { heard = HeardRecords() }

    /// What all these records say, of which it has been given some.
    func hear(all records: [UInt8]) -> HeardRecords {
        let rest = records.dropFirst(heard?.taken ?? 0)
        if !rest.isEmpty { _ = understand(Array(rest)) }
        return heard ?? HeardRecords()
    }

    private func understand(_ bytes: [UInt8]) -> ([UInt8], so_peer_state) {
        guard heard != nil else { return decrypt(bytes) }
        var plaintext: [UInt8] = []
        var state = SO_PEER_OPEN
        for piece in heard!.split(bytes) where state == SO_PEER_OPEN {
            let said: [UInt8]
            (said, state) = decrypt(piece)
            heard!.add(said, of: piece.count)
            plaintext += said
        }
        return (plaintext, state)
    }

    private func decrypt(_ bytes: [UInt8]) -> ([UInt8], so_peer_state) {
        var plaintext = [UInt8](repeating: 0, count: bytes.count + Self.roomMax)
        var count = 0
        let state = so_peer_receive(ssl, bytes, bytes.count, &plaintext, plaintext.count, &count)
        return (Array(plaintext[..<count]), state)
    }

    // MARK: Wrong ends

    /// A record of which the end is missing: nothing follows it.
    func tornRecord() -> [UInt8] {
        guard isReady, !hasEnded else { return [] }
        let bytes = [UInt8](repeating: 0x78, count: 1 + world.random.below(100))
        _ = so_peer_write(ssl, bytes, bytes.count)
        let whole = step().output
        hasEnded = true
        return whole.isEmpty ? [] : Array(whole[..<world.random.below(whole.count)])
    }

    /// The alert with which OpenSSL answers nonsense.
    func alert() -> [UInt8] {
        guard isReady, !hasEnded else { return [] }
        var plaintext = [UInt8](repeating: 0, count: Self.roomMax)
        var count = 0
        let nonsense: [UInt8] = [23, 3, 3, 0, 40] + [UInt8](repeating: 0, count: 20_000)
        _ = so_peer_receive(ssl, nonsense, nonsense.count, &plaintext, plaintext.count, &count)
        hasEnded = true
        defer { isMute = true }
        return step().output
    }

    /// New keys again and again, for both sides.
    func manyKeyUpdates() -> [UInt8] {
        var output: [UInt8] = []
        for _ in 0..<1 + world.random.below(400) {
            so_peer_update_keys(ssl, 1)
            output += step().output
        }
        return output
    }

    /// The end comes as a surprise: nobody is told.
    func endSilently() { hasEnded = true }

    /// What the other end says to it may be an alert, or nothing that can be read.
    private(set) var hasSpoiled = false

    func willSpoil() { hasSpoiled = true }

    // MARK: What is said

    /// What OpenSSL has for the other end, as far as nothing is spoilt.
    func step() -> PeerLayerStep {
        var step = PeerLayerStep()
        var output = [UInt8](repeating: 0, count: so_peer_pending(ssl))
        _ = so_peer_take(ssl, &output, output.count)
        if isMute { return step }
        if let spoil, made + output.count > spoil.at {
            let place = spoil.at - made
            self.spoil = nil
            hasSpoiled = true
            world.note(name, "spoils TLS: \(spoil.kind) at \(spoil.at)")
            if spoil.kind == .flip {
                output[place] ^= 1 << UInt8(world.random.below(8))
            } else {
                output = Array(output[..<place]) + spoil.replacement(&world.random)
                isMute = true
                if spoil.kind == .end { step.leaving = .finishes }
                if spoil.kind == .reset { step.leaving = .resets }
            }
        }
        made += output.count
        if !output.isEmpty { world.note(name, "makes \(output.count) bytes of TLS") }
        step.output = output
        return step
    }

    /// Of the bytes given, those whose records are whole within the first `count` that were made.
    func given(within count: Int) -> Int {
        let place = marks.partitioned { $0.made <= count }
        return place == 0 ? 0 : marks[place - 1].given
    }
    /// How many were made when so many of the peer's were in them.
    func made(for given: Int) -> Int {
        let place = marks.partitioned { $0.given < given }
        return place < marks.count ? marks[place].made : .max
    }

    private func check() {
        if isForging { return }
        let protocols = side.agreed(plan)
        if so_peer_has_agreed(ssl, protocols, protocols.count) == 0 { world.fail("\(name): ALPN has chosen something else") }
        if so_peer_is_resumed(ssl) == 1 { world.resumptions += 1 }
        if isOffered, so_peer_is_resumed(ssl) == 0 { world.fail("\(name): its session was not gone on with") }
    }

    /// For the client's next connection.
    private func keepSession() {
        guard let plan, !side.isServer, isReady, let session = so_peer_session(ssl) else { return }
        plan.session.map { so_peer_forget($0) }
        plan.session = session
    }
}
