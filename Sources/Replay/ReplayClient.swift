import Simulation

/// The client of one recorded request: sends it, piece by piece, and keeps what it gets.
final class ReplayClient: SimulatedPeer {
    private let request: ReplayScript.Request
    private unowned let network: SimulatedNetwork
    private(set) var answer: ClientAnswer

    init(_ request: ReplayScript.Request, _ network: SimulatedNetwork) {
        self.request = request
        self.network = network
        answer = ClientAnswer(request: request.number, method: request.method)
    }

    override func connected() {
        for piece in request.pieces {
            network.after(piece.after) { [weak self] in self?.send(piece.bytes) }
        }
    }

    override func received(_ bytes: [UInt8]) { answer.bytes += bytes }

    override func ended() {
        answer.ending = .end
        close()
    }

    override func wasReset() { answer.ending = .reset }
}
