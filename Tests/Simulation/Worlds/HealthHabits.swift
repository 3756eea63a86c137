import Proxy
import Simulation

/// How servers are checked, and when their checks are sick: their other requests are answered all the while.
struct HealthHabits {
    /// A time in which checks of a server find something wrong, all of them or some.
    struct Sickness {
        var server: Int
        var from: UInt64
        var until: UInt64
        /// What comes of each; nil: something else of each, and now and then what is right.
        var kind: CheckPlay.Kind?
    }

    var settings = Plan.Health(path: "/up?of=all")
    private(set) var sicknesses: [Sickness] = []
    /// When the last trouble is over, and when every server has had the time to be taken back.
    let troublesEnd: UInt64
    let lasts: UInt64
    /// A server whose checks pass again is taken back within so long.
    let recoveryMax: UInt64

    /// - Parameter outagesEnd: when the last server is back that could not be reached.
    init(servers: Int, isDrip: Bool, usesTLS: Bool, outagesEnd: UInt64, _ random: inout SeededNumbers) {
        settings.interval = random.pick([20_000_000, 50_000_000, 200_000_000, 1_000_000_000])
        if isDrip || usesTLS { settings.interval = max(settings.interval, 200_000_000) }
        settings.timeout = usesTLS ? random.pick([2_000_000_000, 4_000_000_000]) : random.pick([400_000_000, 1_000_000_000])
        settings.unhealthyAfter = random.pick([1, 2, 3, 5])
        settings.healthyAfter = random.pick([1, 2, 4])
        var end = outagesEnd
        // All at once, one after the other, or only some.
        for server in 0..<servers where random.chance(perMille: 700) {
            var from: UInt64 = 0
            for _ in 0..<1 + random.below(3) {
                from += random.upTo(random.pick([50_000_000, 500_000_000, 2_000_000_000]))
                let until = from + random.upTo(random.pick([3, 10, 20]) * settings.interval)
                let kind = random.chance(perMille: 300) ? nil : random.pick(CheckPlay.Kind.allCases)
                sicknesses.append(Sickness(server: server, from: from, until: until, kind: kind))
                from = until
            }
            end = max(end, from)
        }
        // One that has begun before may still fail.
        let longest: UInt64 = usesTLS ? 400_000_000 : 100_000_000
        // What has been seen a hundred times is seen.
        settings.interval = max(settings.interval, (end + settings.timeout) / 80)
        troublesEnd = end
        recoveryMax = settings.timeout + UInt64(settings.healthyAfter + 2) * max(settings.interval, longest)
        lasts = end + recoveryMax
    }

    /// What a reload makes of the checks: none, others, those that were there before. Nothing that makes a recovery longer.
    func changed(_ current: Plan.Health?, _ random: inout SeededNumbers) -> Plan.Health? {
        guard random.chance(perMille: 700) else { return current }
        if random.chance(perMille: 300) { return nil }
        var made = settings
        if random.chance(perMille: 500) { made.path = "/other" }
        made.interval = random.pick([settings.interval, settings.interval, settings.interval / 4 * 3, settings.interval / 2])
        made.unhealthyAfter = random.pick([1, 2, 3, 5])
        made.healthyAfter = 1 + random.below(settings.healthyAfter)
        return made
    }

    private func sickness(_ server: Int, at time: UInt64) -> Sickness? {
        sicknesses.first { $0.server == server && ($0.from..<$0.until).contains(time) }
    }

    func isWell(_ server: Int, at time: UInt64) -> Bool { sickness(server, at: time) == nil }

    /// What comes of a check that begins now.
    func kind(_ server: Int, at time: UInt64, _ random: inout SeededNumbers) -> CheckPlay.Kind {
        guard let sickness = sickness(server, at: time) else { return random.pick(CheckPlay.Kind.innocent) }
        if let kind = sickness.kind { return kind }
        return random.pick(random.chance(perMille: 500) ? CheckPlay.Kind.allCases : CheckPlay.Kind.innocent)
    }
}

extension Weather {
    /// As where servers die, which some do here too.
    mutating func useHealth(_ random: inout SeededNumbers) {
        useOutages(&random)
        clients += 3
        calmChecks()
    }

    /// A check that is answered at once has its answer in time.
    mutating func calmChecks() {
        upstreamLink.acknowledgementDelay = min(upstreamLink.acknowledgementDelay, 1_000_000)
        if case .everyByte = upstreamLink.cuts { upstreamLink.cutDelay = min(upstreamLink.cutDelay, 20_000) }
        // Nor does the longest of them take more than one round trip of a long link.
        guard upstreamLink.latency > 10_000_000 else { return }
        upstreamLink.sendBytesMax = max(upstreamLink.sendBytesMax, 16_384)
        upstreamLink.receiveBytesMax = max(upstreamLink.receiveBytesMax, 16_384)
    }
}
