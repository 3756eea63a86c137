import Simulation

/// One end of a tunnel, whatever carries it there: says what its script has, and holds every byte that it hears against the other's.
final class TunnelEnd {
    /// What can be done with what carries it.
    struct Wire {
        var say: ([UInt8]) -> Void
        /// Ends this side, in good order, or everything.
        var end: () -> Void
        var reset: () -> Void
        /// Takes nothing for so long.
        var stall: (UInt64) -> Void
        /// Both sides have ended.
        var over: () -> Void
    }

    /// How the tunnel ended, as this end has seen it.
    enum Ending { case orderly, broken, own }

    private unowned let world: SimulatedWorld
    private let name: String
    let script: TunnelScript.Side
    private let otherBytes: [UInt8]
    private unowned let tunnel: Tunnel
    private var wire: Wire?
    private(set) var heard = 0
    private(set) var hasEnded = false
    private(set) var ending: Ending?
    /// Its connection has gone, with what it had not sent yet.
    var hasGone = false
    private(set) var endedAt: UInt64 = 0
    /// Where each piece began, and when it was said.
    private(set) var said: [(from: Int, at: UInt64)] = []
    private(set) var saidBytes = 0
    private var hasSaidAll = false
    private var hasStalled = false

    init(_ world: SimulatedWorld, _ name: String, _ script: TunnelScript.Side, hears other: TunnelScript.Side, _ tunnel: Tunnel)
    {
        self.world = world
        self.name = name
        self.script = script
        self.tunnel = tunnel
        otherBytes = other.bytes
    }

    var hasBegun: Bool { wire != nil }
    var isOver: Bool { ending == .broken || ending == .own || ending == .orderly && hasEnded }
    var hasHeardAll: Bool { heard == otherBytes.count }

    /// The time at which the last of those bytes were said of which the other end has heard `heard`.
    func saidAt(heard: Int) -> UInt64 { said.last { $0.from < heard }?.at ?? 0 }

    // MARK: Speaking

    func begin(_ wire: Wire) {
        guard self.wire == nil else { return }
        self.wire = wire
        note("begins")
        // Its stream may have ended with the header block.
        speak(script.pieces[...])
    }

    private func speak(_ pieces: ArraySlice<Piece>) {
        guard !isOver, ending != .broken else { return }
        guard let piece = pieces.first else { return hasSaidEverything() }
        let step = { [weak self] in
            guard let self, !isOver else { return }
            if !piece.bytes.isEmpty {
                said.append((saidBytes, world.network.time))
                saidBytes += piece.bytes.count
                tunnel.stirs(world.network.time)
                wire?.say(piece.bytes)
            }
            speak(pieces.dropFirst())
        }
        if piece.delay == 0 { step() } else { world.network.after(piece.delay, step) }
    }

    private func hasSaidEverything() {
        hasSaidAll = true
        switch script.end {
        case .whenSaid: end()
        case .afterOther: if ending != nil { end() }
        case .reset:
            note("resets")
            leave()
            wire?.reset()
        }
    }

    private func end() {
        guard !hasEnded else { return }
        note("ends")
        hasEnded = true
        wire?.end()
        if ending != nil { wire?.over() }
    }

    /// Goes away without a word.
    func leave() {
        guard !isOver else { return }
        ending = .own
        endedAt = world.network.time
    }

    // MARK: Hearing

    func hear(_ bytes: [UInt8]) {
        guard !isOver, !bytes.isEmpty else { return }
        if ending != nil { return fail("hears more behind its end") }
        if heard + bytes.count > otherBytes.count || !otherBytes[heard..<heard + bytes.count].elementsEqual(bytes) {
            return fail("hears something else, \(heard) bytes in")
        }
        heard += bytes.count
        if let idle = world.weather.tunnels?.idle, !tunnel.hasStalled, isPrompt, tunnel.stirredAt > 0,
            world.network.time - tunnel.stirredAt > idle + 1_000_000_000
        {
            fail("hears something \((world.network.time - tunnel.stirredAt) / 1_000_000) ms after anything before it")
        }
        tunnel.stirs(world.network.time)
        guard let stall = script.stall, !hasStalled, heard >= stall.after else { return }
        hasStalled = true
        tunnel.hasStalled = true
        note("takes nothing for a while")
        wire?.stall(stall.lasts)
    }

    /// What is said is not on its way for seconds: behind what others say on a narrow connection, or in records that come drop by drop.
    private var isPrompt: Bool {
        world.tls == nil && min(world.weather.clientLink.sendBytesMax, world.weather.upstreamLink.sendBytesMax) >= 64 << 10
    }

    /// The other side has ended its own, as this one sees it.
    func hearEnd() {
        guard ending == nil else { return }
        note("hears the end after \(heard) bytes")
        ending = .orderly
        endedAt = world.network.time
        if hasEnded { wire?.over() } else if hasSaidAll, script.end == .afterOther { end() }
    }

    /// What carries it has been reset, or is gone.
    func hearBreak() {
        guard !isOver else { return }
        note("hears a break after \(heard) bytes")
        // What has ended well before has ended well.
        if ending == .orderly { hasEnded = true } else { ending = .broken }
        endedAt = world.network.time
        wire?.over()
    }

    private func fail(_ what: String) { world.fail("\(name) of a tunnel \(what)") }
    private func note(_ what: @autoclosure () -> String) { world.note(name, "tunnel: \(what())") }
}

/// Both ends of one tunnel.
final class Tunnel {
    let script: TunnelScript
    private(set) var client: TunnelEnd!
    private(set) var server: TunnelEnd!
    /// When something was last said or heard in it.
    private(set) var stirredAt: UInt64 = 0
    /// An end has taken nothing for a while.
    var hasStalled = false
    /// When its server opened it.
    var openedAt: UInt64?
    /// The server speaks HTTP/1 and the client HTTP/2: the end of its connection is the end of everything.
    var endsWithServer = false

    init(_ world: SimulatedWorld, _ id: Int, _ script: TunnelScript) {
        self.script = script
        client = TunnelEnd(world, "client of \(id)", script.client, hears: script.server, self)
        server = TunnelEnd(world, "server of \(id)", script.server, hears: script.client, self)
    }

    func stirs(_ time: UInt64) { stirredAt = max(stirredAt, time) }
}
