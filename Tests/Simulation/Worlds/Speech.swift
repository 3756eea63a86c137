import Simulation

/// How clients and upstreams speak HTTP/2; nil: they speak HTTP/1.
struct Speech {
    var clients: FrameHabits?
    var upstreams: FrameHabits?

    /// One of them does, or both.
    mutating func useFrames(isInnocent: Bool, _ random: inout SeededNumbers) {
        let sides = random.pick([1, 1, 2, 3])
        if sides & 1 != 0 { upstreams = FrameHabits(isServer: true, isInnocent: isInnocent, &random) }
        if sides & 2 != 0 { clients = FrameHabits(isServer: false, isInnocent: isInnocent, &random) }
    }

    /// Tunnels beside other requests; in worlds that are not innocent where a stray cannot meet them.
    mutating func useTunnels(_ weather: inout Weather, _ random: inout SeededNumbers) {
        weather.useTunnels(&random)
        upstreams?.takesTunnels = random.chance(perMille: 850)
        if !weather.isInnocent, upstreams == nil { weather.tunnels?.perMille = 0 }
    }

    /// The longest body that comes through in a time that nobody finds long.
    var bodyBytesMax: Int { min(clients?.bodyBytesMax ?? .max, upstreams?.bodyBytesMax ?? .max) }

    mutating func calm() {
        clients?.calm()
        upstreams?.calm()
    }
}
