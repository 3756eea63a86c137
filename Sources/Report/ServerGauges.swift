import CShim

/// Which servers are up and which are quarantined: a small table that any thread may set.
///
/// A server that an earlier table knew is in both tables the same, whichever of them is set: after a reload there are
/// workers of both.
public final class ServerGauges: Sendable {
    /// What is known of one server. Any begins up and trusted.
    @safe private final class Gauge: @unchecked Sendable {
        let isUp = UnsafeMutablePointer<UInt64>.allocate(capacity: 2)
        var isQuarantined: UnsafeMutablePointer<UInt64> { unsafe isUp + 1 }

        init() {
            unsafe isUp.initialize(to: 1)
            unsafe isQuarantined.initialize(to: 0)
        }

        deinit { unsafe isUp.deallocate() }
    }

    /// The servers' addresses, by upstream.
    let schema: MetricsSchema
    private let gauges: [[Gauge]]

    init(schema: MetricsSchema, carryingOver earlier: ServerGauges?) {
        self.schema = schema
        gauges = schema.upstreams.map { upstream in
            upstream.servers.map { earlier?.gauge(of: $0, in: upstream.name) ?? Gauge() }
        }
    }

    public func setUp(upstream: Int, server: Int, _ isUp: Bool) { unsafe so_store(gauges[upstream][server].isUp, isUp ? 1 : 0) }

    public func setQuarantined(upstream: Int, server: Int, _ isQuarantined: Bool) {
        unsafe so_store(gauges[upstream][server].isQuarantined, isQuarantined ? 1 : 0)
    }

    public func isUp(upstream: Int, server: Int) -> Bool { unsafe so_load(gauges[upstream][server].isUp) != 0 }

    public func isQuarantined(upstream: Int, server: Int) -> Bool {
        unsafe so_load(gauges[upstream][server].isQuarantined) != 0
    }

    private func gauge(of address: String, in name: String) -> Gauge? {
        guard let upstream = schema.upstreams.firstIndex(where: { $0.name == name }),
            let server = schema.upstreams[upstream].servers.firstIndex(of: address)
        else { return nil }
        return gauges[upstream][server]
    }
}
