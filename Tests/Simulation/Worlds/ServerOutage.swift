import Proxy
import Simulation

/// A time in which one server cannot be reached.
struct ServerOutage {
    enum Kind: Equatable {
        /// Its process dies: connections are reset, new ones refused.
        case death
        /// Nothing comes back to whoever connects; the connections that there are go on.
        case silence
        /// It takes connections, and answers no request.
        case failure(Failing)
    }

    /// What becomes of a request that meets a server which answers none.
    enum Failing: Equatable {
        /// Its connection ends, or is reset, and with it whatever else is on that.
        case ends, resets
        /// HTTP/2: its stream is reset, with this code.
        case resetsStream(UInt32)

        /// It says that it has not acted on it (RFC 9113 section 8.7).
        var isRefusal: Bool { self == .resetsStream(7) }
    }

    var server: Int
    var kind: Kind
    var after: UInt64
    var lasts: UInt64

    /// The server is there, and answers nothing.
    var isFailure: Bool { if case .failure = kind { true } else { false } }

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

    /// One server answers nothing, once or twice; the others are there.
    static func failures(servers: Int, hasStreams: Bool, _ random: inout SeededNumbers) -> [ServerOutage] {
        let streams: [Failing] = [.resetsStream(7), .resetsStream(7), .resetsStream(2), .resetsStream(8), .resetsStream(11)]
        let server = random.below(servers)
        var after: UInt64 = 0
        return (0..<1 + random.below(2)).map { _ in
            let way = random.pick([.ends, .resets] + (hasStreams ? streams : []))
            let begins = after + random.upTo(random.pick([1, 30_000_000, 400_000_000]))
            let lasts: UInt64 = random.pick([5_000_000, 100_000_000, 1_000_000_000, 4_000_000_000, 60_000_000_000])
            after = begins + lasts
            return ServerOutage(server: server, kind: .failure(way), after: begins, lasts: lasts)
        }
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
