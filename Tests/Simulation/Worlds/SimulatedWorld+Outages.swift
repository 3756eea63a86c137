import Simulation

/// Servers that go, and come back.
extension SimulatedWorld {
    func planOutages() {
        for outage in outages {
            network.after(outage.after) { [unowned self] in begin(outage) }
            network.after(outage.after + outage.lasts) { [unowned self] in
                note("world", "server \(outage.server) is back")
                network.serve(address(outage.server), service(outage.server))
            }
        }
    }

    private func begin(_ outage: ServerOutage) {
        note("world", "\(outage.kind) of server \(outage.server)")
        health?.outages.append((outage.server, network.time, network.time + outage.lasts))
        guard outage.kind == .death else { return network.serve(address(outage.server), .silent(weather.upstreamLink)) }
        deaths.append(network.time)
        network.serve(address(outage.server), .refuses(error: 111, link: weather.upstreamLink))
        for upstream in upstreams where upstream.server == outage.server { upstream.die() }
        for upstream in streamUpstreams where upstream.server == outage.server { upstream.die() }
        dieInChecks(outage.server)
    }

    /// Requests that clients may have asked at once.
    var requestsAtOnceMax: Int { plans.reduce(0) { $0 + ($1.frames == nil ? 1 : $1.streamsAtOnce) } }

    func address(_ server: Int) -> String { "unix:/server-\(server)" }
}
