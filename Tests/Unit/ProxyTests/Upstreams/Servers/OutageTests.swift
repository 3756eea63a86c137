import Testing

@testable import Proxy

@Suite struct OutageTests {
    private static let millisecond: UInt64 = 1_000_000

    /// When trials are made of a server that refuses from 0 on, asked every millisecond.
    private func trials(until end: UInt64) -> [UInt64] {
        var outage = Outage()
        var trials: [UInt64] = []
        Outage.refused(&outage, 0)
        for time in 1..<end {
            let now = time * Self.millisecond
            guard Outage.trialIsDue(&outage, now) else { continue }
            trials.append(time)
            Outage.requestGoes(&outage, now)
            Outage.refused(&outage, now)
        }
        return trials
    }

    @Test func trialsComeAfterWaitsThatDouble() {
        #expect(trials(until: 5000) == [100, 300, 700, 1500, 2500, 3500, 4500])
    }

    @Test func manyRefusalsAtOnceAreOne() {
        var outage = Outage()
        for _ in 0..<50 { Outage.refused(&outage, 5) }
        #expect(!Outage.trialIsDue(&outage, 99 * Self.millisecond))
        #expect(Outage.trialIsDue(&outage, 101 * Self.millisecond))
    }

    @Test func aConnectionEndsIt() {
        var outage = Outage()
        #expect(Outage.ended(&outage, 7) == nil)
        Outage.refused(&outage, 10)
        Outage.requestGoes(&outage, 200 * Self.millisecond)
        #expect(Outage.isRefusing(&outage))
        #expect(Outage.ended(&outage, 260) == 250)
        #expect(!Outage.isRefusing(&outage))
        #expect(!Outage.trialIsDue(&outage, .max))
    }

    @Test func whoHungUpIsTriedOnce() {
        var outage = Outage()
        Outage.doubted(&outage, 0)
        #expect(!Outage.isRefusing(&outage))
        #expect(!Outage.trialIsDue(&outage, 99 * Self.millisecond))
        #expect(Outage.trialIsDue(&outage, 100 * Self.millisecond))
        Outage.requestGoes(&outage, 100 * Self.millisecond)
        #expect(!Outage.trialIsDue(&outage, .max))
        // What refuses now is being restarted.
        Outage.refused(&outage, 101 * Self.millisecond)
        #expect(Outage.isRefusing(&outage))
    }
}
