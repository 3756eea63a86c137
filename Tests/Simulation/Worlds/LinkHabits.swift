import Proxy
import Simulation

/// Links that bring a little at a time, or for a time nothing, and timeouts that are just longer than that: whoever moves is never cut.
struct LinkHabits {
    private static let second: UInt64 = 1_000_000_000

    let gap: UInt64
    let bytesPerSecond: UInt64
    /// Of which side: the clients', the servers', or both.
    let isClients: Bool
    let isServers: Bool
    /// What is longer than whatever moves on these links stands still.
    let stillness: UInt64
    var timeouts = Plan.Timeouts()
    let bodyIdleTimeout: UInt64

    init(_ random: inout SeededNumbers) {
        let second = Self.second
        let sides = random.pick([1, 1, 2, 3])
        (isClients, isServers) = (sides & 1 != 0, sides & 2 != 0)
        // A server is looked at a second time after five seconds.
        let most = (isServers ? 3 : 20) * second
        gap = min(most, random.pick([0, 1_500_000_000, 3 * second, 8 * second, 20 * second]))
        let rate: UInt64 = random.pick([0, 2_000, 5_000, 20_000, 100_000])
        bytesPerSecond = gap == 0 && rate == 0 ? 5_000 : rate
        // What is in flight is some two seconds of a link; behind it stands what acknowledges it.
        stillness = gap + (bytesPerSecond > 0 ? 4 : 1) * second
        timeouts.clientBody = stillness + random.pick([0, 0, second, 10 * second])
        timeouts.clientHeader = stillness + gap + 5 * second
        // A client thinks for a second before its next request, which meets a gap of its own.
        timeouts.clientIdle = stillness + gap + random.pick([2, 5, 60]) * second
        bodyIdleTimeout = stillness + random.pick([0, second, 10 * second])
    }

    /// The longest body that is there in a minute or so.
    var bodyBytesMax: Int { bytesPerSecond == 0 ? 600_000 : Int(min(600_000, 60 * bytesPerSecond)) }

    func slow(_ link: inout Link, _ random: inout SeededNumbers) {
        link.isUnix = false
        link.latency = random.pick([500_000, 5_000_000, 50_000_000, 150_000_000])
        link.cuts = .never
        link.segmentBytesMax = 1460
        link.bytesPerSecond = bytesPerSecond
        link.gap = gap
        link.gapEvery = 2 * gap + 5 * Self.second + random.upTo(10 * Self.second)
        link.receiveBytesMax = bytesPerSecond == 0 ? 64 << 10 : max(1500, Int(2 * bytesPerSecond))
        link.sendBytesMax = random.pick([3000, 64 << 10, 256 << 10, 256 << 10])
    }
}

extension FrameHabits {
    /// A server of streams behind a slow link.
    mutating func useLinks(_ random: inout SeededNumbers) {
        (refusesPerMille, goesAwayPerMille) = (0, 0)
        waitsForSocket = true
        sendsInOrder = random.chance(perMille: 400)
    }
}

extension Weather {
    /// Nothing but its links holds anybody up, or ends a connection.
    mutating func useLinks(_ habits: LinkHabits, hasStreams: Bool, _ random: inout SeededNumbers) {
        links = habits
        if habits.isClients {
            habits.slow(&clientLink, &random)
            // Nothing tells when a client has taken the last of what its kernel, and ours, still have: its idle time has begun before.
            let held = clientLink.sendBytesMax + clientLink.receiveBytesMax
            if habits.bytesPerSecond > 0 {
                links!.timeouts.clientIdle += UInt64(held) * 1_000_000_000 / habits.bytesPerSecond
            }
        }
        if habits.isServers { habits.slow(&upstreamLink, &random) }
        for link in [\Weather.clientLink, \Weather.upstreamLink] where self[keyPath: link].cuts.isDrip {
            self[keyPath: link].cuts = .never
        }
        bodyBytesMax = habits.bodyBytesMax
        if hasStreams, habits.isServers, habits.bytesPerSecond > 0 {
            // A header block waits for what is in the kernels, and a body perhaps for all others, which takes no longer than is waited for.
            upstreamLink.sendBytesMax = min(upstreamLink.sendBytesMax, Int(20 * habits.bytesPerSecond))
            let others = 11 * 1_000_000_000
            bodyBytesMax = min(bodyBytesMax, Int(9 * habits.bodyIdleTimeout * habits.bytesPerSecond) / others)
        }
        (clients, requestsPerClient) = (min(clients, 3), min(requestsPerClient, 4))
        (upstreamIdleNanoseconds, refusesPerMille, tunnelsPerMille) = (nil, 0, 0)
        (connectionsMax, idleMax) = (1024, 256)
        // Who waits for a place among streams without room for their answers waits for slow servers, too.
        narrowStreams = Plan.Limits().narrowStreams
    }
}
