import Report
import Simulation

/// One connection of a client that does something with TLS: requests that are as they should be, and a deed.
final class TLSIntruder: SimulatedPeer {
    unowned let world: SimulatedWorld
    let number: Int
    let deed: TLSDeed
    let overheard = Overheard()
    let tls: PeerTLS?
    private(set) var begunAt: UInt64 = 0
    private(set) var isOver = false
    /// What is still to drip, and what comes behind it.
    private var dripping: [Piece] = []

    init(_ world: SimulatedWorld, number: Int, _ deed: TLSDeed) {
        (self.world, self.number, self.deed) = (world, number, deed)
        tls = deed.hello.flatMap { world.tls?.intruder(world, number: number, $0) }
        super.init()
        isReading = !deed.isDeaf
        // What it understands at last may be an alert, or nothing.
        if !deed.alerts.isEmpty || !deed.otherAlerts.isEmpty || deed.mayMiss { tls?.willSpoil() }
        guard let tls else { return }
        let rough = RoughHandshake(tls, deed.handshake)
        rough.ignoresFailure = deed.name == .renegotiations
        rough.drips = { [unowned self] in drip($0, $1) }
        layer = rough
    }

    func begins() {
        begunAt = world.network.time
        overheard.listen(to: self, world.network)
        note("does \(deed.name)")
    }

    private func note(_ what: @autoclosure () -> String) { world.note("intruder \(number)", what()) }

    override func connected() { act(deed.acts[...]) }

    private func act(_ acts: ArraySlice<TLSDeed.Act>) {
        var rest = acts
        while isOpen, !isOver, let act = rest.popFirst() {
            if case .waits(let time) = act {
                return world.network.after(time) { [weak self, rest] in self?.act(rest) }
            }
            self.act(act)
        }
    }

    private func act(_ act: TLSDeed.Act) {
        switch act {
        case .says(let bytes): say(tls?.forge(23, bytes) ?? bytes)
        case .forges(let type, let bytes, let padding): say(tls?.forge(type, bytes, padding: padding) ?? [])
        case .spoils(let bytes):
            var record = tls?.forge(23, bytes) ?? []
            record[record.count - 1] ^= 1
            say(record)
        case .updatesKeys(let asks):
            say(tls?.forge(22, [24, 0, 0, 1, asks ? 1 : 0]) ?? [])
            tls?.useNextKeys()
        case .saysBelow(let bytes): say(bytes)
        case .waits: break
        case .finishes: finish()
        case .closes: close()
        case .resets: reset()
        case .stopsReading: isReading = false
        case .reads: isReading = true
        }
    }

    private func say(_ bytes: [UInt8]) {
        note("says \(bytes.count) bytes of TLS")
        if dripping.isEmpty { sendBelow(bytes) } else { dripping.append(Piece(delay: 0, bytes: bytes)) }
    }

    private func drip(_ bytes: [UInt8], _ lasts: UInt64) {
        let isFirst = dripping.isEmpty
        let delay = lasts / UInt64(max(1, bytes.count))
        dripping += bytes.map { Piece(delay: delay, bytes: [$0]) }
        if isFirst { dripOn() }
    }

    private func dripOn() {
        guard isOpen, !isOver, let next = dripping.first else { return }
        world.network.after(next.delay) { [weak self] in
            guard let self, isOpen, !isOver else { return }
            dripping.removeFirst()
            sendBelow(next.bytes)
            dripOn()
        }
    }

    override func received(_ bytes: [UInt8]) { note("gets \(bytes.count): \(bytes.shown)") }
    override func ended() { over("sees the end") }
    override func wasReset() { over("is reset") }

    private func over(_ how: String) {
        note(how)
        isOver = true
        close()
    }
}
