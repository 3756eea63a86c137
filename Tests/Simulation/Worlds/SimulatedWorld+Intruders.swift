import Simulation

/// Clients that break, flood or hold up TLS, beside those who do nothing wrong.
extension SimulatedWorld {
    func writeIntruders(_ seed: UInt64) {
        guard sort == .records else { return }
        var own = SeededNumbers(seed: seed)
        let writer = StoryWriter(self, seed: own.next())
        var deeds = TLSDeedWriter(
            random: SeededNumbers(seed: own.next()), plain: { writer.plain(isChunked: $0) }, isCut: !weather.clientLink.isWhole)
        let count = 1 + own.below(own.pick([2, 4, 8]))
        let written = (0..<count).map { _ in deeds.deed(own.pick(TLSDeed.Name.allCases)) }
        // Their keys come from the world's chance.
        tls?.whileDrawing {
            for (number, deed) in written.enumerated() { intruders.append(TLSIntruder(self, number: number + 1, deed)) }
        }
    }

    func planIntruders() {
        for intruder in intruders {
            network.after(random.upTo(100_000_000)) { [unowned self] in
                network.connect(intruder, to: listener, over: weather.clientLink)
                intruder.begins()
            }
        }
    }
}
