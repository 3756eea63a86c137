import Simulation

/// Clients of HTTP/1 that send what is no request, too much or too little, or are gone, beside those who do nothing wrong.
extension SimulatedWorld {
    func writeFaultyRequests(_ seed: UInt64) {
        guard sort == .requests else { return }
        var own = SeededNumbers(seed: seed)
        let writer = StoryWriter(self, seed: own.next())
        var deeds = MisdeedWriter(
            random: SeededNumbers(seed: own.next()), plain: { writer.plain(isChunked: $0) }, tunnel: { writer.tunnel() },
            takesFrames: speech.clients != nil, isSlow: weather.clientLink.isSlow || weather.clientLink.isDrip)
        for number in 1...1 + own.below(own.pick([2, 4, 8])) {
            let good = (0..<own.pick([0, 0, 1, 3])).map { _ in writer.plain(isChunked: false) }
            faultyRequesters.append(FaultyRequester(self, number: number, good, deeds.deed(own.pick(Misdeed.Name.allCases))))
        }
    }

    func planFaultyRequesters() {
        for client in faultyRequesters {
            network.after(random.upTo(100_000_000)) { [unowned self] in
                client.layer = tls?.faultyRequester(self, number: client.number)
                client.port = network.connect(client, to: listener, over: weather.clientLink)
                client.overheard.listen(to: client, network)
            }
        }
    }
}

/// Requests of faulty clients, with numbers of their own, and what their servers answer.
final class StoryWriter {
    private unowned let world: SimulatedWorld
    private var writer: ScriptWriter
    private var last = 9000

    init(_ world: SimulatedWorld, seed: UInt64) {
        self.world = world
        writer = ScriptWriter(
            random: SeededNumbers(seed: seed), isInnocent: true, bodyBytesMax: min(world.weather.bodyBytesMax, 20_000),
            searchedBodyMax: world.weather.searchedBodyMax, tunnelsPerMille: 500,
            answersAreStreams: world.speech.upstreams != nil)
    }

    /// One that leaves the connection as it was, and is answered when it is whole.
    func plain(isChunked: Bool) -> Story {
        find { request, answer in
            if request.asksTunnel || request.isHTTP10 || request.closes || request.expectsContinue { return false }
            if answer.start == .withHead || answer.closes || answer.framing == .close { return false }
            return isChunked ? request.framing == .chunked && request.body.count >= 8 : true
        }!
    }

    func tunnel() -> Story? { world.speech.upstreams != nil ? nil : find { request, _ in request.asksTunnel } }

    private func find(_ fits: (RequestScript, AnswerScript) -> Bool) -> Story? {
        last += 1
        for _ in 0..<10_000 {
            let request = writer.request(last, isLast: true)
            let answer = writer.answer(to: request)
            guard request.abort == nil, fits(request, answer) else { continue }
            let story = Story(request, answer, world)
            story.outcome = .aborted
            world.stories[story.id] = story
            return story
        }
        return nil
    }
}
