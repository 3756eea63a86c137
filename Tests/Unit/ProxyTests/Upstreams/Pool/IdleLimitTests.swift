import Testing

@testable import Proxy

@Suite struct IdleLimitTests {
    /// What a server's connections show, in milliseconds of idle time.
    private enum Fact {
        case end(UInt64), alive(UInt64)
    }

    private static let second: UInt64 = 1_000_000_000

    private func limit(after facts: [Fact], at now: UInt64 = 1) -> UInt64? {
        var limit = IdleLimit()
        note(facts, at: 1, &limit)
        return safe(&limit, now)
    }

    private func note(_ facts: [Fact], at now: UInt64, _ limit: inout IdleLimit) {
        for fact in facts {
            switch fact {
            case .end(let idle): IdleLimit.noteEnd(&limit, idle: idle * 1_000_000, now)
            case .alive(let idle): IdleLimit.noteAlive(&limit, idle: idle * 1_000_000, now)
            }
        }
    }

    private func safe(_ limit: inout IdleLimit, _ now: UInt64) -> UInt64? {
        IdleLimit.safeTime(&limit, now).map { $0 / 1_000_000 }
    }

    private func ends(_ idles: UInt64...) -> [Fact] { idles.map { .end($0) } }

    @Test func threeEndsAfterTheSameTimeAreALimit() {
        #expect(limit(after: ends(50, 52)) == nil)
        #expect(limit(after: ends(52, 50, 51)) == 37)
        #expect(limit(after: ends(5000, 5010, 5004)) == 4000)
    }

    @Test(arguments: [1, 2, 5, 10, 30, 39] as [UInt64])
    func hangUpsTeachNothing(_ delay: UInt64) {
        #expect(limit(after: Array(repeating: .end(delay), count: 20)) == nil)
        #expect(limit(after: ends(delay, 5000, delay, 5010, delay, 5004)) == 4000)
    }

    @Test func endsAtRandomAreNoLimit() {
        #expect(limit(after: ends(4000, 300, 2000, 900)) == nil)
        #expect(limit(after: ends(4000, 41, 600, 45, 5000, 44, 3000)) == nil)
    }

    @Test func anOutlierDoesNotPreventLearning() {
        #expect(limit(after: ends(60, 5000, 5010, 5020)) == 4000)
        #expect(limit(after: ends(5000, 5010, 60, 5020, 5000, 5003)) == 4000)
    }

    @Test func oneThatLivesLongerSaysThatThereIsNoLimit() {
        #expect(limit(after: ends(50, 51, 50) + [.alive(76)]) == nil)
        #expect(limit(after: ends(50, 51) + [.alive(76), .end(50)]) == nil)
        // Within what a slow way and a late timer explain.
        #expect(limit(after: ends(50, 51, 50) + [.alive(74)]) == 37)
        #expect(limit(after: ends(1200, 1201, 1200) + [.alive(1500)]) == 900)
        #expect(limit(after: ends(1200, 1201, 1200, 1900)) == nil)
    }

    @Test func whatWasBeliedIsNotLearnedAgainAtOnce() {
        var limit = IdleLimit()
        note(ends(50, 51, 50) + [.alive(80)] + ends(50, 51, 50, 49), at: 1, &limit)
        #expect(safe(&limit, 1) == nil)
        // A longer one is another matter.
        note(ends(2000, 2000, 2000), at: 1, &limit)
        #expect(safe(&limit, 1) == 1500)
        // After a minute the server may have been set otherwise.
        note(ends(50, 50, 50), at: 61 * Self.second, &limit)
        #expect(safe(&limit, 61 * Self.second) == 37)
    }

    @Test func aShorterLimitTakesOver() {
        #expect(limit(after: ends(5000, 5000, 5000, 1000, 1000, 1000)) == 750)
        // What is only being considered is given up without what is known.
        #expect(limit(after: ends(5000, 5000, 5000, 100) + [.alive(4000)]) == 4000)
    }

    @Test func whatWasLearnedIsLearnedAnew() {
        #expect(limit(after: ends(50, 50, 50), at: 59 * Self.second) == 37)
        #expect(limit(after: ends(50, 50, 50), at: 61 * Self.second) == nil)
        // Who goes on closing is known for it.
        var limit = IdleLimit()
        note(ends(50, 50, 50), at: 1, &limit)
        note(ends(50), at: 50 * Self.second, &limit)
        #expect(safe(&limit, 100 * Self.second) == 37)
    }

    @Test func aCloseAtTheLimitIsExplained() {
        var limit = IdleLimit()
        func explains(_ idle: UInt64, at now: UInt64 = 1) -> Bool { IdleLimit.explains(&limit, idle: idle * 1_000_000, now) }
        #expect(!explains(50))
        note(ends(50, 50, 50), at: 1, &limit)
        #expect(explains(48) && explains(70) && !explains(20) && !explains(200))
        #expect(!explains(48, at: 61 * Self.second))
    }
}
