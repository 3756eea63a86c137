import Facts
import Testing

@testable import Detector

/// What is remembered of sorts of requests: how it is counted, how it fades, and what it says.
@Suite struct HabitsTests {
    private static func shape(_ status: UInt64, fields: UInt64 = 4, names: UInt64 = 0b1111) -> UInt64 {
        status << 48 | fields << 40 | names
    }

    private static let ok = shape(200)
    private static let error = shape(500)
    private static let millisecond: UInt64 = 1_000_000

    /// A sort that was answered so often in the same way.
    private func habits(_ count: Int, of sort: UInt32 = 7, shape: UInt64 = ok, delay: UInt64 = millisecond) -> Habits {
        var habits = Habits()
        for _ in 0..<count { habits.note(sort, shape: shape, delay: delay, bodyBytes: 100) }
        return habits
    }

    // MARK: Buckets

    @Test(
        arguments: [
            (0, 0), (65_535, 0), (65_536, 1), (131_071, 1), (131_072, 2), (262_144, 3), (1_000_000, 4), (60_000_000, 10),
            (1 << 29, 14), (1 << 30, 15), (.max, 15),
        ] as [(UInt64, Int)])
    func bucketsOfTimes(_ nanoseconds: UInt64, _ bucket: Int) { #expect(Habits.bucket(nanoseconds) == bucket) }

    @Test(
        arguments: [
            (0, 0), (1, 1), (2, 3), (3, 4), (4, 5), (5, 5), (6, 6), (8, 7), (11, 7), (12, 8), (16, 9), (1024, 21), (1447, 21),
            (1449, 22),
            (65_536, 31), (1 << 40, 31), (.max, 31),
        ] as [(UInt64, Int)])
    func bucketsOfLengths(_ bytes: UInt64, _ bucket: Int) { #expect(Habits.lengthBucket(bytes) == bucket) }

    @Test func delaysOfSecondSends() {
        #expect(Habits.delayBucket(0) == 0 && Habits.delayBucket(.max) == Habits.delaysMax - 1)
        // A timer's spread stays in one bucket or reaches its neighbour; times that are told apart by people are apart.
        for milliseconds in [5, 10, 20, 50, 100] as [UInt64] {
            let (bare, late) = (milliseconds * Self.millisecond, milliseconds * Self.millisecond * 21 / 20)
            #expect(Habits.delayBucket(late) - Habits.delayBucket(bare) <= 1)
            #expect(Habits.delayBucket(2 * bare) - Habits.delayBucket(bare) >= 3)
        }
    }

    /// More is never in an earlier bucket, and of times none is left out on the way.
    @Test func bucketsGrowStepByStep() {
        var (times, lengths, delays) = (0, 0, 0)
        var wrong: [UInt64] = []
        var value: UInt64 = 0
        while value < 1 << 42 {
            let next = (Habits.bucket(value), Habits.lengthBucket(value), Habits.delayBucket(value))
            let areSteps = (times...times + 1).contains(next.0) && (delays...delays + 1).contains(next.2)
            if !areSteps || next.1 < lengths || next.1 >= Habits.lengthsMax { wrong.append(value) }
            (times, lengths, delays) = next
            value += 1 + value / 64
        }
        #expect(wrong.isEmpty)
        #expect(times == Habits.bucketsMax - 1 && lengths == Habits.lengthsMax - 1 && delays == Habits.delaysMax - 1)
    }

    // MARK: What is noted

    @Test func everyAnswerAtFirstThenOneInEight() {
        var habits = Habits()
        var noted = 0
        for _ in 0..<512 where habits.wantsNext() {
            habits.note(7, shape: Self.ok, delay: 1, bodyBytes: 1)
            noted += 1
        }
        #expect(noted == 512)
        let later = (0..<80).map { _ in habits.wantsNext() }
        #expect(later.count { $0 } == 10)
        let places = later.indices.filter { later[$0] }
        #expect(zip(places, places.dropFirst()).allSatisfy { $1 - $0 == 8 })
    }

    @Test(arguments: [(0, nil), (2, 0), (3, 1), (100, 1)] as [(Int, UInt64?)])
    func theUsualTime(_ count: Int, _ milliseconds: UInt64?) {
        let habits = habits(count)
        let delay = habits.usualDelay(7)
        // Within its power of two.
        let expected = (milliseconds ?? 0) * Self.millisecond
        #expect(delay == 0 ? expected == 0 : delay >= expected / 2 && delay <= expected * 2)
    }

    @Test func theUsualTimeIsTheMiddleOne() {
        var habits = Habits()
        for delay in [1, 1, 1, 80, 80] as [UInt64] {
            habits.note(7, shape: Self.ok, delay: delay * Self.millisecond, bodyBytes: 0)
        }
        #expect((500_000...2_000_000).contains(habits.usualDelay(7)))
        for _ in 0..<4 { habits.note(7, shape: Self.ok, delay: 80 * Self.millisecond, bodyBytes: 0) }
        #expect((40_000_000...160_000_000).contains(habits.usualDelay(7)))
        #expect(habits.usualDelay(8) == 0, "of another sort nothing is known")
        #expect(self.habits(9, delay: 0).usualDelay(7) > 0, "known, and short")
    }

    @Test func theUsualStatusIsTheCommonOne() {
        var habits = habits(3)
        #expect(habits.usualStatus(7) == 200 && habits.usualStatus(8) == nil)
        for _ in 0..<4 { habits.note(7, shape: Self.error, delay: 1, bodyBytes: 1) }
        #expect(habits.usualStatus(7) == 500)
        // Shapes beyond those that there is room for push out the rarest.
        for status in 201...240 as ClosedRange<UInt64> { habits.note(7, shape: Self.shape(status), delay: 1, bodyBytes: 1) }
        #expect(habits.usualStatus(7) == 500)
        #expect(Habits().usualStatus(7) == nil)
    }

    // MARK: What it says

    /// What came often is likely, what is like it a little, and what never came hardly.
    @Test func likelihoodsOfShapes() {
        let habits = habits(50)
        func likelihood(_ shape: UInt64) -> Double { habits.likelihood(of: shape, for: 7, among: [Self.ok, shape]) }
        let same = likelihood(Self.ok)
        let near = likelihood(Self.shape(200, fields: 9))
        let kin = likelihood(Self.shape(200, names: 1))
        let never = likelihood(Self.error)
        #expect(same > 0.95 && near > 0.5 && near < same && kin > 0.1 && kin < near && never < 0.02 && never > 0)
        // Of a sort that is not known, all others stand in.
        #expect(habits.likelihood(of: Self.ok, for: 8, among: [Self.ok]) == habits.commonness(of: Self.ok, among: [Self.ok]))
        // With nothing learned, what comes again is usual.
        let nothing = Habits()
        #expect(
            nothing.commonness(of: Self.ok, among: [Self.ok, Self.ok, Self.error])
                > nothing.commonness(of: Self.error, among: [Self.ok, Self.ok, Self.error]))
    }

    @Test func likelihoodsOfTimesAndLengths() {
        let habits = habits(50)
        #expect(habits.likelihood(ofDelay: Self.millisecond, for: 7) > 0.4)
        #expect(habits.likelihood(ofDelay: 2 * Self.millisecond, for: 7) > 0.2, "a neighbour")
        #expect(habits.likelihood(ofDelay: 100 * Self.millisecond, for: 7) < 0.01)
        #expect(habits.likelihood(ofDelayUpTo: 100 * Self.millisecond, for: 7) > 0.95)
        #expect(habits.likelihood(ofDelayUpTo: Self.millisecond / 8, for: 7) < 0.05)
        #expect(habits.likelihood(ofLength: 100, for: 7) > 10 * habits.likelihood(ofLength: 100_000, for: 7))
        #expect(habits.likelihood(ofLength: 100, for: 8) == 0.25, "of another sort nothing is known")
        // Nothing is impossible, and nothing more than certain.
        for i in 0..<40 as Range<UInt64> {
            let (once, upTo) = (habits.likelihood(ofDelay: 1 << i, for: 7), habits.likelihood(ofDelayUpTo: 1 << i, for: 7))
            #expect(once > 0 && once <= 1 && upTo > 0 && upTo <= 1 && habits.likelihood(ofLength: 1 << i, for: 7) > 0)
        }
    }

    // MARK: Suspicion

    @Test func oddsRiseWithSuspicionAndFallWithAnswers() {
        #expect(Habits().odds(7) == 1.0 / 9)
        var odds: [Double] = [habits(10).odds(7), habits(100).odds(7), habits(1000).odds(7)]
        #expect(odds == odds.sorted(by: >) && odds.allSatisfy { $0 > 0 })
        var suspected = habits(10)
        odds = [suspected.odds(7)]
        for _ in 0..<40 {
            suspected.suspect(7, share: 1, shape: Self.error)
            odds.append(suspected.odds(7))
        }
        #expect(zip(odds, odds.dropFirst()).allSatisfy { $0 <= $1 } && odds[5] > odds[0])
        #expect(odds.last! <= 0.97 / 0.03 + 0.001, "never quite sure")
        // That it was there, and nobody can know what its own answer was, speaks for it a little.
        var few = habits(10)
        for _ in 0..<3 { few.suspect(7, share: 1, shape: Self.error) }
        let before = few.odds(7)
        for _ in 0..<10 { few.doubt(7) }
        #expect(few.odds(7) < before)
    }

    @Test func doubtIsNotedOfWhatIsKnown() {
        var habits = Habits()
        habits.doubt(7)
        #expect(habits.odds(7) == 1.0 / 9 && habits.answers(7) == 0)
        habits.suspect(7, share: 0.3, shape: nil)
        habits.doubt(7)
        #expect(habits.odds(7) != 1.0 / 9)
    }

    /// The look of most of its second sends stays, whatever comes between.
    @Test func whatSecondSendsLookLike() {
        var habits = habits(3)
        #expect(habits.likelihood(ofExtra: Self.error, of: 7, general: 0.25) == 0.25)
        for _ in 0..<6 { habits.suspect(7, share: 1, shape: Self.error) }
        for _ in 0..<3 { habits.suspect(7, share: 1, shape: Self.ok) }
        let (common, rare) = (
            habits.likelihood(ofExtra: Self.error, of: 7, general: 0.01),
            habits.likelihood(ofExtra: Self.ok, of: 7, general: 0.01)
        )
        #expect(common > 10 * rare)
        for _ in 0..<9 { habits.suspect(7, share: 1, shape: Self.ok) }
        #expect(
            habits.likelihood(ofExtra: Self.ok, of: 7, general: 0.01)
                > habits.likelihood(ofExtra: Self.error, of: 7, general: 0.01))
        #expect(habits.suspicion(7) == 18 && habits.suspicion(8) == 0)
    }

    @Test func whenSecondSendsCome() {
        var habits = habits(3)
        let general = 0.006
        #expect(habits.likelihood(ofExtraDelay: 20 * Self.millisecond, of: 8, general: general) == general)
        for _ in 0..<20 { habits.accompany(7, delay: 20 * Self.millisecond) }
        let (usual, early, late) = (
            habits.likelihood(ofExtraDelay: 20 * Self.millisecond, of: 7, general: general),
            habits.likelihood(ofExtraDelay: 2 * Self.millisecond, of: 7, general: general),
            habits.likelihood(ofExtraDelay: 200 * Self.millisecond, of: 7, general: general)
        )
        #expect(usual > 0.3 && early < general && late < general)
    }

    // MARK: The table

    /// Old answers count for less, and everything about a sort fades together.
    @Test func whatIsOldFades() {
        var habits = habits(4095)
        for _ in 0..<8 { habits.suspect(7, share: 1, shape: Self.error) }
        let odds = habits.odds(7)
        #expect(habits.answers(7) == 4095)
        habits.note(7, shape: Self.ok, delay: 1, bodyBytes: 1)
        #expect(habits.answers(7) == 4096)
        habits.note(7, shape: Self.ok, delay: 1, bodyBytes: 1)
        #expect(habits.answers(7) == 2049 && habits.suspicion(7) == 4)
        #expect(abs(habits.odds(7) - odds) < odds / 5, "the relation stays")
    }

    /// Whoever is only passing by pushes out nobody who is worth something, but makes room for itself in time.
    @Test func whoComesOnceTakesNobodysPlaceAtOnce() {
        var habits = Habits()
        let sorts = (0..<4).map { UInt32(7 + $0 * (Habits.sortsMax - 1)) }
        for sort in sorts { for _ in 0..<16 { habits.note(sort, shape: Self.ok, delay: 1, bodyBytes: 1) } }
        let stranger = UInt32(7 + 4 * (Habits.sortsMax - 1))
        habits.note(stranger, shape: Self.ok, delay: 1, bodyBytes: 1)
        #expect(habits.answers(stranger) == 0 && sorts.allSatisfy { habits.answers($0) >= 8 })
        for _ in 0..<30 { habits.note(stranger, shape: Self.ok, delay: 1, bodyBytes: 1) }
        #expect(habits.answers(stranger) > 0)
        #expect(sorts.count { habits.answers($0) > 0 } == 3, "one has given way")
    }

    /// One answer is worth nothing yet; two are.
    @Test(arguments: [(1, true), (2, false)])
    func whoIsWorthNothingGivesWay(_ answers: Int, _ givesWay: Bool) {
        var habits = Habits()
        for i in 0..<4 {
            let sort = UInt32(7 + i * (Habits.sortsMax - 1))
            for _ in 0..<answers { habits.note(sort, shape: Self.ok, delay: 1, bodyBytes: 1) }
        }
        let stranger = UInt32(7 + 4 * (Habits.sortsMax - 1))
        habits.note(stranger, shape: Self.ok, delay: 1, bodyBytes: 1)
        #expect((habits.answers(stranger) == 1) == givesWay)
    }

    /// The first place stands for everything and is no sort's.
    @Test func everySortHasAPlaceBesidesTheFirst() {
        var habits = Habits()
        for sort in 1...3000 as ClosedRange<UInt32> {
            habits.note(sort, shape: Self.ok, delay: 1, bodyBytes: 1)
            habits.suspect(sort, share: 1, shape: nil)
            #expect(habits.suspicion(sort) >= 0)
        }
        #expect(habits.commonness(of: Self.ok, among: [Self.ok]) > 0.9, "what all do is still known")
    }
}
