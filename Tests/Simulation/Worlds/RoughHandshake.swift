import Simulation

/// A client's handshake that stops, drips, or is spoilt: between its TLS and the network. A flight is what it says at a time.
final class RoughHandshake: PeerLayer {
    enum Way {
        case smooth
        /// So much of that flight comes, by the thousand, and nothing after it; but for 0 a byte at the least, and never all of it.
        case stops(flight: Int, perMille: Int)
        /// A bit of the last byte of its Finished is another.
        case spoilsFinish
        /// Byte by byte, in about so long.
        case drips(UInt64)
    }

    let tls: PeerTLS
    private let way: Way
    private var flight = 0
    private var isMute = false
    private var isShaking = true
    /// It goes on, whatever it is told.
    var ignoresFailure = false
    /// Where a handshake that drips goes.
    var drips: (([UInt8], _ lasts: UInt64) -> Void)?

    init(_ tls: PeerTLS, _ way: Way) { (self.tls, self.way) = (tls, way) }

    func begin() -> PeerLayerStep { roughen(tls.begin()) }
    func receive(_ bytes: [UInt8]) -> PeerLayerStep { roughen(tls.receive(bytes)) }
    func wrap(_ bytes: [UInt8]) -> [UInt8] { tls.wrap(bytes) }
    func end() -> [UInt8] { isMute ? [] : tls.end() }

    private func roughen(_ step: PeerLayerStep) -> PeerLayerStep {
        var step = step
        if isMute { return PeerLayerStep() }
        if ignoresFailure, step.leaving == .failed { step.leaving = nil }
        guard isShaking else { return step }
        if step.hasOpened { isShaking = false }
        guard !step.output.isEmpty else { return step }
        flight += 1
        switch way {
        case .smooth: break
        case .stops(let last, let perMille):
            guard flight == last else { break }
            let count = step.output.count
            step.output = Array(step.output.prefix(perMille == 0 ? 0 : max(1, min(count - 1, count * perMille / 1000))))
            step.hasOpened = false
            isMute = true
        case .spoilsFinish: if flight == 2 { step.output[step.output.count - 1] ^= 1 }
        case .drips(let time):
            drips?(step.output, flight == 1 ? time : time / 8)
            step.output = []
        }
        return step
    }
}
