import EventLoop
import Testing

@testable import Proxy

/// When a server's name is looked up again.
@Suite struct NameWatchTests {
    private static let second: UInt64 = 1_000_000_000

    private func watch(_ seconds: Int, now: UInt64 = 0) -> NameWatch {
        let name = Plan.ServerName(host: "app.internal", port: 80, addresses: [], seconds: seconds)
        return NameWatch(place: 1, upstream: 2, server: 3, name, now: now)
    }

    /// An answer is relied on for as long as it says, within bounds; one that does not say, for a short time.
    @Test(
        arguments: [
            (0, 5), (1, 1), (-7, 1), (30, 30), (3600, 3600), (3601, 3600), (Int.max, 3600),
        ] as [(Int, UInt64)])
    func howLongAnAnswerHolds(_ seconds: Int, _ expected: UInt64) {
        var watch = watch(seconds, now: 7)
        #expect(!watch.isDue(7 + expected * Self.second - 1) && watch.isDue(7 + expected * Self.second))
        watch.answered(seconds: seconds, 100)
        #expect(watch.dueAt == 100 + expected * Self.second)
    }

    @Test func failuresAreAskedAgainSoonAndCounted() {
        var watch = watch(3600)
        for failures in 1...5 {
            watch.failed(1000)
            #expect(watch.failuresInRow == failures && watch.dueAt == 1000 + 5 * Self.second)
        }
        watch.answered(seconds: 60, 2000)
        #expect(watch.failuresInRow == 0 && watch.dueAt == 2000 + 60 * Self.second)
    }

    @Test func itKeepsWhatItIsAbout() {
        let watch = watch(1)
        #expect((watch.place, watch.upstream, watch.server) == (1, 2, 3) && watch.host == "app.internal" && watch.port == 80)
        #expect(!watch.isAsking)
    }
}
