import Simulation

/// Servers that go, and come back.
extension SimulatedWorld {
    func planOutages() {
        for outage in outages {
            network.after(outage.after) { [unowned self] in begin(outage) }
            network.after(outage.after + outage.lasts) { [unowned self] in
                note("world", "server \(outage.server) is back")
                failing[outage.server] = nil
                network.serve(address(outage.server), service(outage.server))
            }
        }
    }

    private func begin(_ outage: ServerOutage) {
        note("world", "\(outage.kind) of server \(outage.server)")
        health?.outages.append((outage.server, network.time, network.time + outage.lasts))
        switch outage.kind {
        case .failure(let way): failing[outage.server] = way
        case .silence: network.serve(address(outage.server), .silent(weather.upstreamLink))
        case .death: dies(outage.server)
        }
    }

    private func dies(_ server: Int) {
        deaths.append(network.time)
        network.serve(address(server), .refuses(error: 111, link: weather.upstreamLink))
        for upstream in upstreams where upstream.server == server { upstream.die() }
        for upstream in streamUpstreams where upstream.server == server { upstream.die() }
        dieInChecks(server)
    }

    /// A server that answers none fails a request, and perhaps those beside it.
    func noteFailure(_ story: Story, _ way: ServerOutage.Failing) {
        note("world", "request \(story.id) is failed: \(way)")
        hold("failed: \(way)")
        story.failures += 1
        requestFailures.append(RequestFailure(time: network.time, way: way))
    }

    /// Requests that clients may have asked at once.
    var requestsAtOnceMax: Int { plans.reduce(0) { $0 + ($1.frames == nil ? 1 : $1.streamsAtOnce) } }

    func address(_ server: Int) -> String { "unix:/server-\(server)" }
}

/// A server that answers nothing has failed a request.
struct RequestFailure {
    let time: UInt64
    let way: ServerOutage.Failing
}
