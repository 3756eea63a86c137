/// What checks that fail may cost.
extension Verdicts {
    /// Whether a request may be answered with an error of the proxy's own because of who was out, or could not be reached.
    static func mayFail(_ story: Story, with status: Int, _ health: SimulatedWorld.Health, _ world: SimulatedWorld) -> Bool {
        switch status {
        case 503: return lacksServer(story, health, outagesToo: false)
        case 502: return mayFailInOutages(story, world) || lacksServer(story, health, outagesToo: true)
        case 504: return lacksServer(story, health, outagesToo: true)
        default: return false
        }
    }

    /// At some time in a request's life no server was in, or none could be reached either.
    private static func lacksServer(_ story: Story, _ health: SimulatedWorld.Health, outagesToo: Bool) -> Bool {
        let away = health.outs.indices.map { server in
            var times = health.timesOut(server)
            // Whoever has been connecting to it learns late that it is of no use.
            if outagesToo { times += health.outages.filter { $0.server == server }.map { $0.from..<$0.until + 1_200_000_000 } }
            return times
        }
        let life = story.sentAt...max(story.sentAt, story.finishedAt)
        let moments = [story.sentAt] + away.flatMap { $0.map(\.lowerBound) }.filter { life.contains($0) }
        return moments.contains { moment in away.allSatisfy { times in times.contains { $0.contains(moment) } } }
    }
}

extension SimulatedWorld {
    /// All troubles have been over for long: every server is in, and figures say so.
    func judgeRecovery() {
        guard let health else { return }
        for server in 0..<weather.servers where wasFound(server, for: health.habits.recoveryMax) {
            if names != nil { hold("servers that were taken back") }
            if isOut(server) { fail("server \(server) has not been taken back") }
            if !isOut(server), !health.ejected.contains(server), !metrics.servers.isUp(upstream: 0, server: server) {
                fail("the gauge says that server \(server) is down")
            }
        }
    }
}
