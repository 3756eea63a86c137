import Detector
import Report
import Simulation

/// Clients that flood, break HTTP/2's rules, or are gone in the middle, beside those who do nothing wrong.
extension SimulatedWorld {
    /// Their requests have numbers of their own. What is answered to them nobody looks at.
    func writeFaultyScripts(_ seed: UInt64) {
        guard sort == .clients else { return }
        var own = SeededNumbers(seed: seed)
        var writer = ScriptWriter(
            random: SeededNumbers(seed: own.next()), isInnocent: true, bodyBytesMax: weather.bodyBytesMax,
            searchedBodyMax: weather.searchedBodyMax, tunnelsPerMille: 0, requestsAreStreams: true,
            answersAreStreams: speech.upstreams != nil)
        for number in 1...1 + own.below(own.pick([1, 3, 6])) {
            let made = (0..<1 + own.below(8)).map { i in
                let request = writer.request((90 + number) * 100 + i, isLast: false)
                return Story(request, writer.answer(to: request), self)
            }
            for story in made {
                stories[story.id] = story
                story.outcome = .aborted
            }
            faultyClients.append(FaultyClient(self, number: number, made, seed: own.next()))
        }
    }

    func planFaultyClients() {
        for client in faultyClients {
            network.after(client.random.upTo(100_000_000)) { [unowned self] in
                client.layer = tls?.faultyClient(self, client)
                client.port = network.connect(client, to: listener, over: weather.clientLink)
                client.overheard.listen(to: client, network)
            }
        }
    }
}

extension FaultyClient {
    func isOrigin(of incident: Incident) -> Bool {
        isSpoken && port == incident.client.flatMap { UInt16($0.address.split(separator: ":").last ?? "") }
    }
}

extension Verdicts {
    /// Nobody but who has broken a rule is accused of that, and of what is only too much nobody is.
    static func judgeAccusations(_ world: SimulatedWorld) {
        for incident in world.incidents {
            func fail(_ what: String) { world.fail("\(what): \(incident.kind.rawValue): \(incident.message)") }
            guard incident.origin == .client else {
                fail("a server is accused of what a client did")
                continue
            }
            guard let client = world.faultyClients.first(where: { $0.isOrigin(of: incident) }) else {
                fail("an innocent client is accused")
                continue
            }
            if !client.vices.contains(where: \.breaksRules) { fail("who has broken no rule is accused, of \(client.vices)") }
            if let id = id(incident.request), id / 100 != 90 + client.number { fail("it names another's request") }
            if incident.victim != nil { fail("it names a victim") }
        }
    }
}
