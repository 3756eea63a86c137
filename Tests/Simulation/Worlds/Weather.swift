import Detector
import Proxy
import Simulation

/// What a world is like: its links, its servers' and clients' habits, and what the proxy is told to do. Made from the seed.
struct Weather {
    var isInnocent: Bool
    var clientLink: Link
    var upstreamLink: Link
    var bodyBytesMax: Int
    var clients: Int
    var requestsPerClient: Int
    var upstreamReadsSlowly: Bool
    /// Servers close connections that are idle for so long.
    var upstreamIdleNanoseconds: UInt64?
    var policy = ViolationPolicy.contain
    var reuse = Plan.Reuse.guarded
    var balance = Plan.Balance.leastConnections
    var hold = Plan.Hold.automatic
    var servers = 1
    var connectionsMax = 1024
    var idleMax = 256
    var quarantine: UInt64 = 60_000_000_000
    var preemptionsPerMille: Int
    var refusesPerMille = 0
    var ejectFailures = 5
    var ejectTime: UInt64 = 10_000_000_000
    /// Nothing that is lost may be made up for by a deadline within the time that a request may take.
    var connectTimeout: UInt64 = 60_000_000_000
    /// Slow links, and timeouts that go by them; nil: links are fast, and timeouts long.
    var links: LinkHabits?
    /// Longest that a request may take: less than any deadline that would make up for something lost.
    var durationMax: UInt64 { links == nil ? 55_000_000_000 : .max >> 1 }
    /// Bodies pass unread beyond so many bytes, and up to so many before their ends: few of those here are as long as a plan says.
    var searchedBytes = Plan.Limits().searchedBytes
    var narrowStreams = Plan.Limits().narrowStreams
    var lastBytes = Plan.Limits().lastBytes
    /// How many of those requests that may be last ask for a tunnel.
    var tunnelsPerMille = 60
    /// What tunnels with ends of their own are like; nil: there are none.
    var tunnels: TunnelHabits?
    /// The longest body that is sure to be searched as a whole: of a longer one the middle may pass unread.
    var searchedBodyMax: Int { searchedBytes + lastBytes }

    init(isInnocent: Bool, _ random: inout SeededNumbers) {
        self.isInnocent = isInnocent
        // One world in eight has bodies that no buffer holds.
        bodyBytesMax = random.pick([300, 3000, 3000, 20_000, 70_000, 70_000, 70_000, 300_000])
        let cuts: Link.Cuts = random.pick([.never, .perMille(10), .perMille(10), .perMille(10), .perMille(100), .everyByte])
        if case .everyByte = cuts { bodyBytesMax = min(bodyBytesMax, 600) }
        if case .perMille(100) = cuts { bodyBytesMax = min(bodyBytesMax, 6000) }
        if case .perMille(10) = cuts { bodyBytesMax = min(bodyBytesMax, 70_000) }
        clientLink = Self.link(&random, cuts)
        upstreamLink = Self.link(&random, cuts)
        upstreamLink.isUnix = random.chance(perMille: 150)
        clients = 1 + random.below(random.pick([1, 3, 6]))
        requestsPerClient = 1 + random.below(random.pick([2, 5, 8]))
        upstreamReadsSlowly = random.chance(perMille: 150)
        preemptionsPerMille = random.pick([0, 0, 5, 30])
        hold = random.pick([.fixed(0), .fixed(1_000_000), .fixed(5_000_000), .automatic, .fixed(20_000_000)])
        reuse = random.pick([.guarded, .guarded, .guarded, .guarded, .always, .never])
        balance = random.pick([.leastConnections, .roundRobin, .randomTwo])
        policy = random.pick([.contain, .contain, .observe, .fail])
        servers = random.pick([1, 1, 2])
        if isInnocent {
            connectionsMax = random.pick([1024, 1024, 1024, 1, 2])
            idleMax = random.pick([256, 256, 1])
            if random.chance(perMille: 250) { upstreamIdleNanoseconds = 70_000_000 + random.upTo(400_000_000) }
            // Where there is no other room, a server that refuses is asked again.
            if servers > 1, connectionsMax == 1024 { refusesPerMille = random.pick([0, 0, 300]) }
        } else {
            quarantine = random.pick([60_000_000_000, 60_000_000_000, 200_000_000, 0])
        }
    }

    /// Connections are used again soon, so that strays meet the next request.
    mutating func useMarks(_ random: inout SeededNumbers) {
        hold = random.pick([.fixed(0), .fixed(0), .fixed(1_000_000), .automatic])
        reuse = random.pick([.guarded, .guarded, .always])
        if !isInnocent { quarantine = random.pick([0, 200_000_000, 60_000_000_000]) }
    }

    /// Tunnels last, and whoever waits for a connection may wait for all of them.
    mutating func useTunnels(_ random: inout SeededNumbers) {
        connectionsMax = 1024
        tunnels = TunnelHabits(&random)
    }

    mutating func useTLS(_ habits: TLSHabits) {
        bodyBytesMax = min(bodyBytesMax, habits.bodyBytesMax)
        // A server that falls silent in its handshake is given up before anybody finds it long.
        if habits.spoiledServers > 0, habits.silentServers { connectTimeout = 3_000_000_000 }
    }

    private static func link(_ random: inout SeededNumbers, _ cuts: Link.Cuts) -> Link {
        var link = Link()
        link.latency = random.pick([10_000, 50_000, 500_000, 5_000_000])
        link.jitter = random.pick([0, 20_000, 1_000_000])
        link.cuts = cuts
        link.cutDelay = random.pick([0, 1_000, 200_000])
        link.acknowledgementDelay = random.pick([0, 0, 1_000_000, 40_000_000])
        link.sendBytesMax = random.pick([600, 3000, 64 << 10, 64 << 10, 256 << 10])
        link.receiveBytesMax = random.pick([500, 4000, 64 << 10, 64 << 10, 256 << 10])
        link.shortWritesPerMille = random.pick([0, 0, 10, 200])
        return link
    }
}

extension Link {
    /// What is sent in several pieces comes with a delay for each.
    var delaysPieces: Bool {
        if case .never = cuts { return false }
        return cutDelay > 0
    }

    /// What is written at once is taken at once, and comes at once.
    var isWhole: Bool {
        if case .never = cuts { return shortWritesPerMille == 0 && min(sendBytesMax, receiveBytesMax) > 1000 }
        return false
    }

    /// Its bytes come one by one, or nearly so.
    var isDrip: Bool { cuts.isDrip }

    /// A hundred bytes may be on their way for longer than one waits for more of a stray.
    var isSlow: Bool {
        if case .everyByte = cuts { return true }
        return min(sendBytesMax, receiveBytesMax) < 4000
    }
}

extension Link.Cuts {
    /// Bytes come one by one, or nearly so.
    var isDrip: Bool {
        switch self {
        case .never, .perMille(10): false
        default: true
        }
    }
}
