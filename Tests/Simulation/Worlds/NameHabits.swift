import EventLoop
import Glibc
import Proxy
import Simulation

/// Where servers' names lead at what time, how their nameserver answers, and what becomes of addresses that they have left.
struct NameHabits {
    /// What a name leads to from a time on, in the nameserver's order; nothing: it has no address.
    struct Move {
        var at: UInt64
        var addresses: [SocketAddress]
    }

    /// What becomes of a server whose name leads elsewhere.
    enum Departure { case stays, refuses, dies, silent }

    struct Change {
        enum Kind { case comes, refuses, dies, silent }
        var at: UInt64
        var server: Int
        var address: String
        var kind: Kind
    }

    /// How one look-up goes.
    enum Play: Equatable {
        /// What the name leads to when it is asked, when it is answered, or had led to some time before.
        case asked, answered
        case lagging(UInt64)
        case failed(String)
        /// Nobody answers, or nobody is there.
        case silent, refused
        /// Here before the question has left, as from the hosts file.
        case atOnce
    }

    private(set) var moves: [[Move]] = []
    private(set) var changes: [Change] = []
    let lasts: UInt64
    private let seconds: [Int]
    private let delays: [UInt64]
    private let troublesPerMille: Int
    /// From then on another nameserver answers, and the first is silent.
    let serverMovesAt: UInt64?
    let reloads: [UInt64]
    /// This machine has no way to addresses of IPv6.
    let lacksIPv6: Bool

    static let failures = ["domain name not found", "dns server returned general failure", "the name has no address"]

    init(servers: Int, _ random: inout SeededNumbers) {
        lacksIPv6 = random.chance(perMille: 200)
        lasts = random.pick([4_000_000_000, 12_000_000_000, 30_000_000_000])
        seconds = random.pick([[1], [0], [1, 2, 5], [1, 3600], [2], [60, 1], [0, 1, .max]])
        delays = random.pick([[100_000], [100_000, 30_000_000], [1_000_000, 1_500_000_000, 4_000_000_000]])
        troublesPerMille = random.pick([0, 200, 200, 600])
        serverMovesAt = random.chance(perMille: 200) ? random.upTo(lasts) : nil
        let times = random.pick([0, 0, 1, 2])
        let within = lasts
        reloads = (0..<times).map { _ in random.upTo(within) }
        let departures: [Departure] = random.pick([[.stays], [.refuses], [.dies], [.stays, .refuses, .dies, .silent]])
        for server in 0..<servers { addMoves(of: server, departures, &random) }
    }

    private mutating func addMoves(of server: Int, _ departures: [Departure], _ random: inout SeededNumbers) {
        let families = lacksIPv6 ? [false, false, true] : random.pick([[false], [true], [false, true]])
        var present: Set<String> = []
        var known: [SocketAddress] = []
        var at: UInt64 = 0
        moves.append([])
        for number in 0..<1 + random.below(random.pick([2, 4, 7])) {
            var addresses: [SocketAddress] = []
            if number == 0 || !random.chance(perMille: 100) {
                let count = random.pick([1, 1, 2, 3, 5, 16, 17, 40])
                for _ in 0..<count {
                    // Some that were there before, and others; a few twice.
                    if !known.isEmpty, random.chance(perMille: 400) {
                        addresses.append(random.pick(known))
                    } else {
                        known.append(SocketAddress(server, known.count, isIPv6: random.pick(families)))
                        addresses.append(known.last!)
                    }
                }
                if random.chance(perMille: 50) {
                    addresses += (0..<3000).map { SocketAddress(server, 1000 + $0, isIPv6: false) }
                }
            }
            moves[server].append(Move(at: at, addresses: addresses))
            let now = Set(addresses.map(\.description))
            for address in now.subtracting(present).sorted() {
                // One of several may be down from its first day: others are there, for whoever does not stop at it.
                let isDown = now.count > 1 && address != addresses[0].description && random.chance(perMille: 150)
                changes.append(Change(at: at, server: server, address: address, kind: isDown ? .refuses : .comes))
            }
            for address in present.subtracting(now).sorted() {
                let kind: Change.Kind
                switch random.pick(departures) {
                case .stays: continue
                case .refuses: kind = .refuses
                case .dies: kind = .dies
                case .silent: kind = .silent
                }
                changes.append(
                    Change(at: at + random.pick([0, random.upTo(4_000_000_000)]), server: server, address: address, kind: kind))
            }
            present = now
            at += random.upTo(random.pick([500_000_000, 3_000_000_000, lasts / 3]))
        }
    }

    /// What a server's name leads to at a time, as one who asks is told it: begun with any of them, or in any order.
    func addresses(of server: Int, at time: UInt64, _ random: inout SeededNumbers) -> [SocketAddress] {
        let all = moves[server].last { $0.at <= time }?.addresses ?? []
        guard all.count > 1 else { return all }
        let turn = random.pick([0, random.below(all.count)])
        return Array(all[turn...] + all[..<turn])
    }

    /// The servers of a plan that is made at a time.
    func named(_ servers: [Plan.Server], at time: UInt64, _ random: inout SeededNumbers) -> [Plan.Server] {
        servers.indices.map { i in
            var found = addresses(of: i, at: time, &random)
            // What only the system's own library knows.
            if found.isEmpty { found = Array(moves[i][0].addresses.prefix(1)) }
            found = reachable(found)
            var server = Plan.Server(name: servers[i].name, address: found[0])
            server.tls = servers[i].tls
            server.named = Plan.ServerName(host: "host-\(i)", port: 8000, addresses: found, seconds: seconds(&random))
            return server
        }
    }

    /// Those to which there is a way, or all when there is none to any.
    func reachable(_ addresses: [SocketAddress]) -> [SocketAddress] {
        let reachable = addresses.filter { !lacksIPv6 || Int32($0.storage.ss_family) == AF_INET }
        return reachable.isEmpty ? addresses : reachable
    }

    var hasDeaths: Bool { changes.contains { $0.kind == .dies } }

    /// For how long an answer holds; 0 when it does not say.
    func seconds(_ random: inout SeededNumbers) -> Int { random.pick(seconds) }

    func delay(at time: UInt64, _ random: inout SeededNumbers) -> UInt64 { random.upTo(random.pick(delays)) }

    func play(_ random: inout SeededNumbers) -> Play {
        guard random.chance(perMille: troublesPerMille) else { return random.pick([.asked, .answered, .answered]) }
        let lag = random.upTo(5_000_000_000)
        return random.pick([.lagging(lag), .failed(random.pick(Self.failures)), .silent, .refused, .atOnce])
    }
}

extension SocketAddress {
    /// One of a server's many.
    init(_ server: Int, _ number: Int, isIPv6: Bool) {
        var storage = sockaddr_storage()
        storage.ss_family = sa_family_t(isIPv6 ? AF_INET6 : AF_INET)
        withUnsafeMutableBytes(of: &storage) { bytes in
            let last = [UInt8(server), UInt8(number >> 8), UInt8(number & 0xff)]
            if isIPv6 {
                bytes[8] = 0xfd
                for (place, byte) in last.enumerated() { bytes[21 + place] = byte }
            } else {
                bytes[4] = 10
                for (place, byte) in last.enumerated() { bytes[5 + place] = byte }
            }
        }
        self = SocketAddress(storage).with(port: 8000)
    }
}

extension Weather {
    /// As where servers die, for those that their names have left may.
    mutating func useNames(_ random: inout SeededNumbers) {
        useOutages(&random)
        servers = random.pick([1, 1, 2, 3])
        clients += 2
        // So that answers are under way when an address changes.
        let latency: UInt64 = random.pick([0, 20_000_000, 60_000_000])
        if !upstreamLink.isDrip, !upstreamLink.isSlow { upstreamLink.latency = max(upstreamLink.latency, latency) }
    }
}
