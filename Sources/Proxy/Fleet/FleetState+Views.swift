import CShim
import EventLoop
import Report

/// Read-only views for the admin endpoint, on its own thread.
extension FleetState {
    /// Why traffic should not be sent here: upstreams without a server that is up.
    public func problems(_ plan: Plan) -> [String] {
        var first = 0
        var problems: [String] = []
        for upstream in plan.upstreams {
            let servers = first..<first + upstream.servers.count
            if !servers.contains(where: { so_load(&shared(ServerIndex($0)).pointee.isUp) != 0 }) {
                problems.append("no server of upstream \(upstream.name) is up")
            }
            first += upstream.servers.count
        }
        return problems
    }

    /// `/upstreams`: servers, health, pools, quarantine.
    public func upstreamsJSON(_ plan: Plan) -> [UInt8] {
        let now = so_monotonic_ns()
        var place = 0
        var json = JSONText()
        json.object { json in
            json.objects("upstreams", plan.upstreams) { json, upstream in
                json.string("name", upstream.name)
                json.objects("servers", upstream.servers) { json, server in
                    put(server, shared(ServerIndex(place)), addresses(ServerIndex(place)), now, &json)
                    place += 1
                }
            }
        }
        return json.bytes
    }

    private func put(
        _ server: Plan.Server, _ shared: UnsafeMutablePointer<SharedServer>, _ addresses: AddressTable?, _ now: UInt64,
        _ json: inout JSONText
    ) {
        func rest(_ until: UInt64) -> UInt64 { until > now ? (until - now) / 1_000_000 : 0 }
        let quarantine = rest(so_load(&shared.pointee.quarantinedUntil))
        json.string("address", server.name)
        if let addresses {
            json.strings("addresses", addresses.descriptions)
            json.number("failed_lookups", so_load(&shared.pointee.failedLookUps))
        }
        json.number("weight", server.weight)
        json.bool("up", so_load(&shared.pointee.isUp) != 0)
        json.number("connections", so_load(&shared.pointee.connections))
        json.number("idle", so_load(&shared.pointee.idle))
        json.number("taken_unrested", so_load(&shared.pointee.unrested))
        json.number("listening_cut", so_load(&shared.pointee.listeningCut))
        json.number("failed_checks_in_a_row", so_load(&shared.pointee.failedChecks))
        json.number("failures_in_a_row", so_load(&shared.pointee.failures))
        json.number("ejected_for_ms", rest(so_load(&shared.pointee.ejectedUntil)))
        json.bool("quarantined", quarantine > 0)
        json.number("quarantined_for_ms", quarantine)
    }
}

extension Plan {
    /// The names that label this plan's metrics.
    public func metricsSchema(listeners: [String]) -> MetricsSchema {
        MetricsSchema(
            routes: routes.map { ($0.name, $0.upstream < 0 ? nil : $0.upstream) },
            upstreams: upstreams.map { ($0.name, $0.servers.map(\.name)) },
            listeners: listeners)
    }
}
