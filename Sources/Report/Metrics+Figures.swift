/// The same counters as `/metrics` has, put together for people.
extension Metrics {
    /// Routes of the configuration in its order, then `_none` if something was counted for it.
    public var routeFigures: [RouteFigures] {
        let (samples, incidents, schema) = counted
        var figures: [RouteFigures] = []
        var places: [String: Int] = [:]
        func place(_ name: String, _ upstream: String) -> Int {
            if let place = places[name] { return place }
            places[name] = figures.count
            figures.append(RouteFigures(name: name, upstream: upstream))
            return figures.count - 1
        }
        for route in schema.routes {
            _ = place(route.name, route.upstreamIndex.map { schema.upstreams[$0].name } ?? MetricsSchema.none)
        }
        for series in samples[.requests] {
            guard let count = series.values.first, let digit = series.labels[3].utf8.first else { continue }
            let index = place(series.labels[0], series.labels[1])
            figures[index].requests &+= count
            let row = Int(digit) - Int(UInt8(ascii: "1"))
            if figures[index].statuses.indices.contains(row) { figures[index].statuses[row] &+= count }
        }
        for series in samples[.requestDuration] where series.values.contains(where: { $0 != 0 }) {
            let index = place(series.labels[0], series.labels[1])
            for bucket in figures[index].durations.indices { figures[index].durations[bucket] &+= series.values[bucket] }
        }
        for (series, count) in incidents { figures[place(series.route, series.upstream)].incidents &+= count }
        return figures
    }

    public var serverFigures: [ServerFigures] {
        let (schema, servers) = (schema, servers)
        return schema.upstreams.enumerated().flatMap { upstream, description in
            description.servers.enumerated().map { server, address in
                ServerFigures(
                    upstream: description.name, address: address, isUp: servers.isUp(upstream: upstream, server: server),
                    isQuarantined: servers.isQuarantined(upstream: upstream, server: server))
            }
        }
    }

    /// The document of `/routes`. Counters only grow, as long as `started_ms` stays the same.
    public var routesJSON: [UInt8] {
        var json = JSONText()
        json.object { json in
            json.number("time_ms", WallTime.nowNanoseconds() / 1_000_000)
            json.number("started_ms", startNanoseconds / 1_000_000)
            json.numbers("duration_bounds", Array(RouteFigures.durationBounds))
            json.objects("routes", routeFigures) { json, route in
                json.string("name", route.name)
                json.string("upstream", route.upstream)
                json.number("requests", route.requests)
                json.object("statuses") { json in
                    for (place, count) in route.statuses.enumerated() { json.number(String(place + 1), count) }
                }
                json.numbers("durations", route.durations.map(String.init))
                json.number("incidents", route.incidents)
            }
        }
        return json.bytes
    }
}
