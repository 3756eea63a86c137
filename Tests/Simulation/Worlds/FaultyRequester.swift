import Report
import Simulation

/// One connection of a client of HTTP/1: requests that are as they should be, and behind them a misdeed.
final class FaultyRequester: SimulatedPeer {
    unowned let world: SimulatedWorld
    let number: Int
    /// Requests before the misdeed.
    let good: [Story]
    let deed: Misdeed
    let overheard = Overheard()
    private(set) var isSpoken = false
    private(set) var isOver = false
    var port: UInt16?

    init(_ world: SimulatedWorld, number: Int, _ good: [Story], _ deed: Misdeed) {
        (self.world, self.number, self.good, self.deed) = (world, number, good, deed)
        super.init()
    }

    override func connected() {
        isSpoken = true
        note("does \(deed.name)")
        if deed.isDeaf { isReading = false }
        let before = good.flatMap { [Piece(delay: 0, bytes: $0.request.head)] + $0.request.rest }
        say((before + deed.pieces)[...])
    }

    private func note(_ what: @autoclosure () -> String) { world.note("requester \(number)", what()) }

    private func say(_ pieces: ArraySlice<Piece>) {
        guard isOpen, !isOver else { return }
        guard let piece = pieces.first else { return leave() }
        let step = { [weak self] in
            guard let self, isOpen, !isOver else { return }
            note("sends \(piece.bytes.count): \(piece.bytes.shown)")
            if !piece.bytes.isEmpty { send(piece.bytes) }
            say(pieces.dropFirst())
        }
        if piece.delay == 0 { step() } else { world.network.after(piece.delay, step) }
    }

    private func leave() {
        note("\(deed.leaving)")
        switch deed.leaving {
        case .stays: break
        case .finishes: finish()
        case .closes: close()
        case .resets: reset()
        }
    }

    override func received(_ bytes: [UInt8]) { note("gets \(bytes.count): \(bytes.shown)") }
    override func ended() { over() }
    override func wasReset() { over() }

    private func over() {
        note("sees the end")
        isOver = true
        close()
    }

    func isOrigin(of incident: Incident) -> Bool {
        isSpoken && port == incident.client.flatMap { UInt16($0.address.split(separator: ":").last ?? "") }
    }
}
