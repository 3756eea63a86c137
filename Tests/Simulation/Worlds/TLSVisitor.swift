import Simulation

/// A client that asks for nothing: it spoils its handshake, or what follows it. The proxy must have ended it after a while.
final class TLSVisitor: SimulatedPeer {
    private unowned let world: SimulatedWorld
    private let number: Int
    private let begunAt: UInt64
    /// The time for a request's header block, and some more.
    private static let durationMax: UInt64 = 20_000_000_000
    private(set) var isOver = false

    init(_ world: SimulatedWorld, number: Int, _ side: TLSSide) {
        self.world = world
        self.number = number
        begunAt = world.network.time
        super.init()
        layer = PeerTLS(world, side, "visitor \(number)", spoil: TLSSpoil(&world.random, mayBeSilent: true))
    }

    private var tls: PeerTLS { layer as! PeerTLS }

    /// Its handshake is whole.
    override func connected() {
        tls.willSpoil()
        switch world.random.below(6) {
        case 0: break
        case 1: sendBelow((0..<1 + world.random.below(300)).map { _ in UInt8(world.random.below(256)) })
        case 2: sendBelow(tls.alert())
        case 3: sendBelow(tls.tornRecord())
        case 4: leave()
        default: sendBelow(tls.manyKeyUpdates())
        }
    }

    private func leave() {
        isOver = true
        if world.random.chance(perMille: 500) { close() } else { reset() }
    }

    override func ended() { over() }
    override func wasReset() { over() }
    override func refused(_ error: Int32) { over() }

    private func over() {
        isOver = true
        if world.network.time > begunAt + Self.durationMax { world.fail("visitor \(number) stayed too long") }
        close()
    }
}
