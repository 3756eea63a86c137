import Simulation

/// What both ends of one tunnel say in it, and how they end it.
struct TunnelScript {
    enum End {
        /// As soon as this side has said everything, whatever the other does.
        case whenSaid
        /// When the other side has ended its own, as after a farewell.
        case afterOther
        /// By a reset, behind what it has said.
        case reset
    }

    struct Side {
        var pieces: [Piece] = []
        var end = End.whenSaid
        /// Having heard so many bytes it takes no more for a while.
        var stall: (after: Int, lasts: UInt64)?

        var bytes: [UInt8] { pieces.flatMap(\.bytes) }
    }

    /// `websocket`, which passes between the versions of HTTP, or something else, which HTTP/1 alone has.
    var name = "websocket"
    var client = Side()
    var server = Side()
    /// The client speaks before it has an answer.
    var isHasty = false

    /// RFC 6455 section 1.3.
    static let key = "dGhlIHNhbXBsZSBub25jZQ=="
    static let accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
}

/// Which tunnels a world has.
struct TunnelHabits {
    /// So many of a thousand requests without a body ask for one.
    var perMille: Int
    /// And so many of these are refused by their servers.
    var refusedPerMille: Int
    /// A side ends by a reset.
    var resetsPerMille: Int
    var stallsPerMille: Int
    /// `tunnel_idle`; nil: longer than any tunnel is silent.
    var idle: UInt64?
    /// The longest pause.
    let pauseMax: UInt64

    init(_ random: inout SeededNumbers) {
        perMille = random.pick([300, 700, 1000])
        refusedPerMille = random.pick([0, 50, 200])
        resetsPerMille = random.pick([0, 100, 400])
        stallsPerMille = random.pick([0, 0, 200])
        idle = random.chance(perMille: 350) ? random.pick([200_000_000, 700_000_000, 2_000_000_000]) : nil
        pauseMax = idle.map { $0 * 2 } ?? 1_500_000_000
    }

    func script(_ id: Int, clientBytes: Int, serverBytes: Int, _ random: inout SeededNumbers) -> TunnelScript {
        var script = TunnelScript()
        if random.chance(perMille: 100) { script.name = "echo" }
        script.client = side(pattern(id + 2_000_000, clientBytes), &random)
        script.server = side(pattern(id + 3_000_000, serverBytes), &random)
        // Two that wait for each other are for the idle limit alone.
        if script.client.end == .afterOther, script.server.end == .afterOther, idle == nil || random.chance(perMille: 800) {
            if random.chance(perMille: 500) { script.client.end = .whenSaid } else { script.server.end = .whenSaid }
        }
        script.isHasty = random.chance(perMille: 200)
        return script
    }

    private func side(_ bytes: [UInt8], _ random: inout SeededNumbers) -> TunnelScript.Side {
        var side = TunnelScript.Side()
        var at = 0
        while at < bytes.count {
            let n = random.chance(perMille: 400) ? bytes.count - at : 1 + random.below(bytes.count - at)
            let delay = random.pick([0, 0, random.upTo(1_000_000), random.upTo(50_000_000), random.upTo(pauseMax)])
            side.pieces.append(Piece(delay: delay, bytes: Array(bytes[at..<at + n])))
            at += n
            if side.pieces.count == 5, at < bytes.count {
                side.pieces.append(Piece(delay: 0, bytes: Array(bytes[at...])))
                break
            }
        }
        // A pause before the end.
        if random.chance(perMille: 300) { side.pieces.append(Piece(delay: random.upTo(pauseMax), bytes: [])) }
        side.end = random.pick([.whenSaid, .whenSaid, .afterOther])
        if random.chance(perMille: resetsPerMille) { side.end = .reset }
        if random.chance(perMille: stallsPerMille) {
            side.stall = (1 + random.below(20_000), random.pick([10_000_000, random.upTo(3_000_000_000)]))
        }
        return side
    }
}
