/// What servers' moves may cost.
extension Verdicts {
    /// Whether a request may be answered with an error of the proxy's own because nobody was where names led.
    static func mayFail(_ story: Story, with status: Int, _ names: SimulatedWorld.Names, _ world: SimulatedWorld) -> Bool {
        switch status {
        case 502: mayFailInOutages(story, world) || lacksAddress(story, names, world.health)
        case 504: lacksAddress(story, names, world.health)
        default: false
        }
    }

    /// At some time in a request's life no server that was in was sure to be at an address that was known.
    private static func lacksAddress(
        _ story: Story, _ names: SimulatedWorld.Names, _ health: SimulatedWorld.Health?
    ) -> Bool {
        let life = story.sentAt...max(story.sentAt, story.finishedAt)
        var moments = [story.sentAt, life.upperBound]
        moments += names.tables.joined().map(\.from).filter { life.contains($0) }
        moments += names.downSince.values.filter { life.contains($0) }
        moments += names.downs.values.joined().flatMap { [$0.lowerBound, $0.upperBound] }.filter { life.contains($0) }
        let outs = names.tables.indices.map { health?.timesOut($0) ?? [] }
        moments += outs.joined().flatMap { [$0.lowerBound, $0.upperBound] }.filter { life.contains($0) }
        return moments.contains { moment in
            names.tables.indices.allSatisfy { server in
                if outs[server].contains(where: { $0.contains(moment) }) { return true }
                return names.table(server, at: moment)?.addresses.allSatisfy { names.isDown($0, at: moment) } ?? true
            }
        }
    }
}
