import Chance
import Facts
import Testing

@testable import Detector

/// Whatever a connection has served and whatever came too many: an attribution that holds together, within bounds.
@Suite struct AttributionBoundsTests {
    private static func shape(_ status: UInt64, _ fields: UInt64) -> UInt64 { status << 48 | fields << 40 | fields }

    private func conversation(_ chance: inout Chance, _ count: Int) -> (past: [PastExchange], end: UInt64) {
        var time: UInt64 = 1_000_000_000
        var past: [PastExchange] = []
        for place in 0..<count {
            var answer = Answer()
            answer.sentAt = time
            answer.headAt = time + UInt64(chance.below(30_000_000))
            answer.endedAt = answer.headAt + UInt64(chance.below(3_000_000))
            answer.wasHeldBack = chance.oneIn(8)
            answer.bodyBytes = UInt64(chance.below(100_000))
            answer.shape = Self.shape(chance.pick([200, 200, 200, 304, 404, 500]), UInt64(2 + chance.below(3)))
            answer.status = UInt16(AnswerShape.status(answer.shape))
            let isInProgress = place == count - 1 && chance.oneIn(5)
            past.insert(PastExchange(answer: answer, sort: UInt32(1 + chance.below(5)), isInProgress: isInProgress), at: 0)
            time = answer.endedAt + UInt64(chance.below(20_000_000))
        }
        return (past, time)
    }

    @Test(arguments: 0..<16 as Range<UInt64>)
    func anyConversation(seed: UInt64) {
        var chance = Chance(seed: seed)
        var habits = Habits()
        for _ in 0..<8 {
            let count = chance.below(17)
            let (past, end) = conversation(&chance, count)
            let surplus = (0...chance.below(8)).map { place in
                SurplusPart(
                    shape: chance.oneIn(6) ? nil : Self.shape(chance.pick([200, 500, 103]), 2),
                    bodyBytes: chance.oneIn(2) ? nil : 5,
                    time: end + UInt64(place * chance.below(5_000_000)))
            }
            let learns = chance.oneIn(2)
            let found = AttributionReader.read(
                past, surplus: surplus, mayShift: chance.oneIn(2), learns: learns, habits: &habits)
            #expect(!found.isEmpty && found.count <= AttributionReader.partsMax)
            for attribution in found {
                if count < 2 { #expect(attribution == .certain) }
                guard attribution.confidence != .certain else { continue }
                let shares = attribution.suspects.map(\.share)
                #expect(abs(shares.reduce(0, +) - 1) < 1e-6 && shares.allSatisfy { $0 >= 0 && $0 <= 1 + 1e-9 })
                #expect(shares == shares.sorted(by: >), "the likeliest first")
                let ages = attribution.suspects.map(\.age)
                #expect(
                    Set(ages).count == ages.count
                        && ages.allSatisfy { (0..<min(count, AttributionReader.exchangesMax)).contains($0) })
                #expect((attribution.confidence == .likely) == (shares[0] >= 0.75))
                #expect(attribution.part < min(surplus.count, AttributionReader.partsMax))
                for suspect in attribution.suspects { #expect(!suspect.isRound || suspect.delay != nil) }
                if let shift = attribution.shift {
                    #expect((0..<min(count, AttributionReader.exchangesMax)).contains(shift.age))
                }
            }
            #expect(Set(found.map(\.guilty)).count == found.count || found.count == 1, "nobody is told twice")
        }
    }

    @Test(
        arguments: [
            (9_699, false), (9_700, true), (11_499, true), (11_500, false), (19_700, true), (24_699, false), (24_700, true),
            (26_499, true), (26_500, false), (99_699, false), (99_700, true), (0, false), (5_000, false),
        ] as [(UInt64, Bool)])
    func whatATimerSays(_ microseconds: UInt64, _ isRound: Bool) {
        #expect(AttributionReader.isRound(microseconds * 1000) == isRound)
    }

    /// What was found on one connection counts on the next; what was only looked at does not.
    @Test func onlyWhatIsTaughtIsLearned() {
        func odds(learns: Bool) -> Double {
            var habits = Habits()
            var answer = Answer()
            (answer.sentAt, answer.headAt, answer.endedAt) = (1_000_000_000, 1_001_000_000, 1_001_000_000)
            answer.shape = Self.shape(200, 3)
            let alone = [PastExchange(answer: answer, sort: 7)]
            let part = SurplusPart(shape: Self.shape(500, 2), bodyBytes: nil, time: 1_002_000_000)
            for _ in 0..<5 {
                _ = AttributionReader.read(alone, surplus: [part], mayShift: true, learns: learns, habits: &habits)
            }
            return habits.odds(7)
        }
        #expect(odds(learns: false) == 1.0 / 9 && odds(learns: true) > 1)
    }
}
