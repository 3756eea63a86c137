import EventLoop
import Proxy

/// What the proxy is told to do.
extension SimulatedWorld {
    static func plan(
        _ weather: Weather, _ speech: Speech, _ probe: ProbeHabits?, _ tls: WorldTLS?, _ health: Plan.Health? = nil,
        hasFaultyClients: Bool = false, servers made: ([Plan.Server]) -> [Plan.Server] = { $0 }
    ) -> Plan {
        let servers = made(
            (0..<weather.servers).map { i in
                var server = Plan.Server(name: "server-\(i)", address: SocketAddress(unixPath: "/server-\(i)")!)
                server.tls = tls?.destination()
                return server
            })
        var upstream = Plan.Upstream(name: "app", servers: servers)
        upstream.health = health
        upstream.balance = weather.balance
        upstream.reuse = weather.reuse
        upstream.hold = weather.hold
        upstream.connectionsMax = weather.connectionsMax
        upstream.idleMax = weather.idleMax
        upstream.protocol = speech.upstreams != nil ? .http2 : .http1
        upstream.queueTimeout = 30_000_000_000
        upstream.connectTimeout = weather.connectTimeout
        upstream.ejectFailures = weather.ejectFailures
        upstream.ejectTime = weather.ejectTime
        if let tunnels = weather.tunnels { upstream.tunnelIdleTimeout = tunnels.idle ?? 60_000_000_000 }
        // On a shared connection others may come first for long.
        if !weather.isInnocent { upstream.bodyIdleTimeout = speech.upstreams == nil ? 2_000_000_000 : 20_000_000_000 }
        if let links = weather.links {
            upstream.bodyIdleTimeout = links.bodyIdleTimeout
            upstream.responseHeaderTimeout = 600_000_000_000
        }
        var route = Plan.Route(name: "all", upstream: 0)
        route.onViolation = weather.policy
        var limits = Plan.Limits()
        limits.clientConnections = 256
        limits.searchedBytes = weather.searchedBytes
        limits.lastBytes = weather.lastBytes
        limits.narrowStreams = weather.narrowStreams
        limits.movedBytes = min(limits.movedBytes, weather.searchedBytes)
        return Plan(
            upstreams: [upstream], routes: [route], limits: limits, timeouts: weather.links?.timeouts ?? Plan.Timeouts(),
            quarantine: weather.quarantine, acceptors: [tls?.acceptor],
            languages: speech.clients == nil && !hasFaultyClients ? [] : [[.http1, .http2]], echo: probe?.echo ?? .off,
            salt: 0x5a17)
    }
}
