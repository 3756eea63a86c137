import Detector
import Report

/// What a server's outage may cost, while another is there.
extension Verdicts {
    /// A request that may be repeated is served by another server. One that meets the next death there has had its second chance.
    static func mayFailInOutages(_ story: Story, _ world: SimulatedWorld) -> Bool {
        if story.wasOnBrokenConnection || story.refusals > 0 { return true }
        if world.outages.contains(where: \.isFailure) { return mayFailBesideOthers(story, world) }
        let known: UInt64 = 200_000_000
        let deaths = world.deaths.filter { story.sentAt <= $0 + known && $0 <= story.finishedAt }.count
        // Retries of many at once are more than the budget has.
        if !story.isReplayable || world.requestsAtOnceMax > 10 { return deaths > 0 }
        return deaths > 1
    }

    /// One server answers nothing, and the others everything: a request that may be repeated is one of theirs, as long as there are
    /// retries left, of which there are ten in ten seconds.
    private static func mayFailBesideOthers(_ story: Story, _ world: SimulatedWorld) -> Bool {
        let retries = world.requestFailures.filter { story.sentAt <= $0.time + 10_000_000_000 && $0.time <= story.finishedAt }
        if retries.count > 10 { return true }
        let met = retries.filter { story.sentAt <= $0.time + 200_000_000 }
        if story.isReplayable || met.allSatisfy(\.way.isRefusal) { return story.request.body.count > 60_000 && !met.isEmpty }
        return !met.isEmpty
    }

    /// Ends that come so close to each other are known to be one (`Hangups`).
    private static let togetherTime: UInt64 = 3_000_000

    /// A dead process cuts answers. Where it dies right behind the end of one, it looks like a hang-up: that is suspected, once.
    static func judgeOutages(_ world: SimulatedWorld) {
        for incident in world.incidents {
            let story = id(incident.request).flatMap { world.stories[$0] }
            let isCut = incident.kind == .truncatedResponse && story?.wasOnBrokenConnection ?? false
            let isHangup = incident.kind == .hangupAfterEnd && incident.certainty == .suspected
            // Bodies may spell anything, and look suspicious where they are cut.
            let isSpelt = incident.kind == .headerBlockInBody && incident.certainty == .suspected
            if !isCut, !isHangup, !(isSpelt && story?.wasOnBrokenConnection ?? false) {
                world.fail("unexpected \(incident.kind.rawValue): \(incident.message)")
            }
        }
        // Links with cuts may bring the ends of one process's connections at different times, which nothing distinguishes from two.
        let ends = world.incidents.filter { $0.kind == .hangupAfterEnd }.map(\.timeNanoseconds).sorted()
        let apart = zip(ends, ends.dropFirst()).filter { $1 - $0 > togetherTime }.count
        let hangups = ends.count - (world.weather.upstreamLink.delaysPieces ? apart : 0)
        if hangups > world.deaths.count { world.fail("\(hangups) hang-ups told of \(world.deaths.count) deaths") }
        // Checks ask whoever refuses as well.
        if world.sort == .outages { judgeTrials(world) }
        judgeRetries(world)
    }

    /// Who has failed a request is not asked for it again while there are others; but that a connection which was kept ends is nobody's failure.
    private static func judgeRetries(_ world: SimulatedWorld) {
        let ends = world.requestFailures.contains { $0.way == .ends || $0.way == .resets }
        let most = ends ? 2 : 1
        for story in world.stories.values where story.failures > most {
            world.fail("request \(story.id) was failed \(story.failures) times by one server")
        }
    }

    /// A server that refuses is asked now and then: those that were on their way with the first, and one trial after waits that double.
    private static func judgeTrials(_ world: SimulatedWorld) {
        for server in 0..<world.weather.servers {
            var most = 0
            for outage in world.outages where outage.server == server && outage.kind == .death {
                most += world.requestsAtOnceMax + 5 + Int(outage.lasts / 1_000_000_000)
            }
            let refused = world.network.refusedConnects[world.address(server)] ?? 0
            if refused > most { world.fail("server \(server) was asked \(refused) times while it refused, at most \(most)") }
        }
    }
}
