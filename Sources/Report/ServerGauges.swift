import CShim

/// Which servers are up and which are quarantined: a small table that any thread may set.
public final class ServerGauges: @unchecked Sendable {
    /// The servers' addresses, by upstream.
    let schema: MetricsSchema
    private let firsts: [Int]
    private let words: UnsafeMutablePointer<UInt64>

    /// A server that an earlier table knew keeps its state, any other begins up and trusted.
    init(schema: MetricsSchema, carryingOver earlier: ServerGauges?) {
        self.schema = schema
        var firsts: [Int] = []
        var count = 0
        for upstream in schema.upstreams {
            firsts.append(count)
            count += upstream.servers.count
        }
        self.firsts = firsts
        words = .allocate(capacity: max(1, count * 2))
        for index in 0..<count {
            words[index * 2] = 1
            words[index * 2 + 1] = 0
        }
        guard let earlier else { return }
        for (upstream, description) in schema.upstreams.enumerated() {
            for (server, address) in description.servers.enumerated() {
                guard let place = earlier.place(of: address, in: description.name) else { continue }
                setUp(upstream: upstream, server: server, earlier.isUp(upstream: place.upstream, server: place.server))
                setQuarantined(
                    upstream: upstream, server: server,
                    earlier.isQuarantined(upstream: place.upstream, server: place.server))
            }
        }
    }

    deinit { words.deallocate() }

    public func setUp(upstream: Int, server: Int, _ isUp: Bool) { so_store(word(upstream, server), isUp ? 1 : 0) }

    public func setQuarantined(upstream: Int, server: Int, _ isQuarantined: Bool) {
        so_store(word(upstream, server) + 1, isQuarantined ? 1 : 0)
    }

    public func isUp(upstream: Int, server: Int) -> Bool { so_load(word(upstream, server)) != 0 }

    public func isQuarantined(upstream: Int, server: Int) -> Bool { so_load(word(upstream, server) + 1) != 0 }

    private func word(_ upstream: Int, _ server: Int) -> UnsafeMutablePointer<UInt64> {
        precondition(schema.upstreams[upstream].servers.indices.contains(server))
        return words + (firsts[upstream] + server) * 2
    }

    private func place(of address: String, in name: String) -> (upstream: Int, server: Int)? {
        guard let upstream = schema.upstreams.firstIndex(where: { $0.name == name }),
            let server = schema.upstreams[upstream].servers.firstIndex(of: address)
        else { return nil }
        return (upstream, server)
    }
}
