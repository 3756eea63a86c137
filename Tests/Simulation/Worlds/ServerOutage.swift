import Proxy
import Simulation

/// A time in which one server cannot be reached.
struct ServerOutage {
    enum Kind {
        /// Its process dies: connections are reset, new ones refused.
        case death
        /// Nothing comes back to whoever connects; the connections that there are go on.
        case silence
    }

    var server: Int
    var kind: Kind
    var after: UInt64
    var lasts: UInt64

    /// Of all servers but one, each once or twice.
    static func some(servers: Int, _ random: inout SeededNumbers) -> [ServerOutage] {
        let steady = random.below(servers)
        var made: [ServerOutage] = []
        for server in 0..<servers where server != steady {
            var after: UInt64 = 0
            for _ in 0..<1 + random.below(2) {
                after += random.upTo(random.pick([30_000_000, 400_000_000, 2_000_000_000]))
                let lasts: UInt64 = random.pick([1_000_000, 5_000_000, 100_000_000, 1_000_000_000, 4_000_000_000])
                made.append(
                    ServerOutage(server: server, kind: random.pick([.death, .death, .silence]), after: after, lasts: lasts))
                after += lasts
            }
        }
        return made
    }
}

extension Weather {
    /// Nothing else ends a connection, so that each failure is known.
    mutating func useOutages(_ random: inout SeededNumbers) {
        servers = random.pick([2, 2, 3])
        (upstreamIdleNanoseconds, refusesPerMille) = (nil, 0)
        (connectionsMax, idleMax) = (1024, 256)
        // Bytes that an end is about to overtake are known to be those of one connection: the process that is gone acknowledges nothing.
        upstreamLink.isUnix = false
        connectTimeout = 1_000_000_000
        ejectFailures = random.pick([1, 2, 5])
        ejectTime = random.pick([200_000_000, 1_000_000_000, 10_000_000_000])
    }
}
