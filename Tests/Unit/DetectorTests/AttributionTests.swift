import Facts
import Testing

@testable import Detector

/// Whose a surplus is: each case a conversation, told in milliseconds.
@Suite struct AttributionTests {
    /// What Node writes by itself, and what somebody has written past it.
    private static let usual = UInt64(200) << 48 | 4 << 40 | 0b1111
    private static let error = UInt64(500) << 48 | 3 << 40 | 0b0110
    private static let unavailable = UInt64(503) << 48 | 1 << 40 | 0b0010

    private func exchange(
        _ sort: UInt32, sent: Double, head: Double, shape: UInt64 = usual, ended: Double? = nil, isInProgress: Bool = false
    ) -> PastExchange {
        var answer = Answer()
        answer.status = UInt16(AnswerShape.status(shape))
        answer.shape = shape
        answer.sentAt = UInt64(sent * 1e6)
        answer.headAt = UInt64(head * 1e6)
        answer.endedAt = UInt64((ended ?? head) * 1e6)
        return PastExchange(answer: answer, sort: sort, isInProgress: isInProgress)
    }

    /// The newest first.
    private func read(
        _ past: [PastExchange], shape: UInt64? = usual, at time: Double, mayShift: Bool = true, _ habits: inout Habits
    ) -> Attribution {
        let part = SurplusPart(shape: shape, bodyBytes: nil, time: UInt64(time * 1e6))
        return AttributionReader.read(past, surplus: [part], mayShift: mayShift, habits: &habits)[0]
    }

    @Test func theOnlyExchangeIsCertain() {
        var habits = Habits()
        #expect(read([exchange(1, sent: 0, head: 1)], shape: Self.error, at: 2, &habits) == .certain)
        #expect(read([], at: 2, &habits) == .certain)
    }

    @Test func aSecondAnswerRightBehindAnAnswerIsIts() {
        var habits = Habits()
        let past = [exchange(2, sent: 100, head: 101), exchange(1, sent: 0, head: 1)]
        let found = read(past, shape: Self.error, at: 101, &habits)
        #expect(found.guilty == 0 && found.confidence == .likely && found.shift == nil)
        #expect(found.suspects.map(\.age) == [0, 1])
    }

    /// Recorded: Tests/Traces/http1/sock_req_socket_late_30ms_req2_req3.trace. Nothing has been learned yet.
    @Test func theOneThatIsUnlikeTheOthersIsOneTooMany() {
        var habits = Habits()
        let past = [
            exchange(4, sent: 70.1, head: 70.4), exchange(3, sent: 34.2, head: 70),
            exchange(2, sent: 10.1, head: 34.1, shape: Self.error), exchange(1, sent: 0, head: 3.9),
        ]
        let found = read(past, at: 70.9, &habits)
        #expect(found.guilty == 3)
        #expect(found.shift?.age == 2 && found.shift?.status == 500)
    }

    /// The stray of a timer met a request whose usual answer is known, and came as the surplus.
    @Test func theUsualAnswerThatCameOneTooLateShowsWhoIsGuilty() {
        var habits = Habits()
        for _ in 0..<3 { habits.note(7, shape: Self.usual, delay: 120_000_000, bodyBytes: 5) }
        let past = [
            exchange(7, sent: 230, head: 282, shape: Self.unavailable), exchange(6, sent: 215, head: 216),
            exchange(5, sent: 200, head: 201.5), exchange(7, sent: 10, head: 130),
        ]
        let found = read(past, at: 350, &habits)
        #expect(found.shift?.age == 0 && found.shift?.usualStatus == 200)
        #expect(found.guilty == 2, "80.5 ms is what a timer says, 66 ms is not")
        #expect(found.suspects.count == 4, "none of them is left out")
    }

    @Test func whoWasSuspectedBeforeIsSuspectedAgain() {
        var habits = Habits()
        for sort in [1, 2] as [UInt32] {
            for _ in 0..<50 { habits.note(sort, shape: Self.usual, delay: 1_000_000, bodyBytes: 5) }
        }
        for _ in 0..<5 { habits.suspect(1, share: 0.8, shape: Self.error) }
        let past = [exchange(2, sent: 20, head: 21), exchange(1, sent: 0, head: 1)]
        let found = read(past, shape: Self.error, at: 26, &habits)
        #expect(found.guilty == 1 && found.suspects[0].wasSuspected)
        // Without that, the later one is likelier.
        var others = Habits()
        #expect(read(past, shape: Self.error, at: 23, &others).guilty == 0)
    }

    /// Nobody has been suspected; but with one of the two it has always been the same time.
    @Test func whoseTimeIsAlwaysAlikeIsLikelier() {
        func read(_ delays: (first: [Double], second: [Double])) -> Int {
            var habits = Habits()
            for sort in [1, 2] as [UInt32] {
                for _ in 0..<50 { habits.note(sort, shape: Self.usual, delay: 1_000_000, bodyBytes: 5) }
            }
            for (sort, delays) in [(1, delays.first), (2, delays.second)] as [(UInt32, [Double])] {
                for delay in delays { habits.accompany(sort, delay: UInt64(delay * 1_000_000)) }
            }
            let past = [exchange(2, sent: 4, head: 5), exchange(1, sent: 0, head: 1)]
            return self.read(past, shape: Self.error, at: 13, &habits).guilty
        }
        #expect(read(([12, 12.1, 12.2, 12.1], [2, 8, 40, 90])) == 1)
        #expect(read(([2, 12, 40, 90], [8, 8.1, 8.2, 8.1])) == 0)
    }

    @Test func sortsThatShareAPlaceAreAllRemembered() {
        var habits = Habits()
        let sorts = (0..<4).map { UInt32(7 + $0 * (Habits.sortsMax - 1)) }
        for sort in sorts { habits.note(sort, shape: Self.usual, delay: 1_000_000, bodyBytes: 5) }
        #expect(sorts.allSatisfy { habits.answers($0) == 1 })
        for _ in 0..<9 { for sort in sorts.dropLast() { habits.note(sort, shape: Self.usual, delay: 1_000_000, bodyBytes: 5) } }
        // A fifth one takes the place of the one that is worth the least.
        let fifth = UInt32(7 + 4 * (Habits.sortsMax - 1))
        habits.suspect(fifth, share: 1, shape: Self.error)
        #expect(habits.answers(sorts[3]) == 0 && habits.answers(sorts[0]) == 10)
    }

    @Test func whatStandsInAnAnswerIsMostLikelyItsOwn() {
        var habits = Habits()
        let past = [exchange(2, sent: 100, head: 101, isInProgress: true), exchange(1, sent: 0, head: 1)]
        let found = read(past, shape: Self.error, at: 120, mayShift: false, &habits)
        #expect(found.guilty == 0 && found.suspects[0].delay == nil && found.confidence == .likely)
    }

    /// Two that answer twice, one after the other, before the surplus shows: each is told. The slow answer of an exchange
    /// between them keeps the second one's own answer back.
    @Test func eachThatAnsweredTwiceIsRecorded() {
        var habits = Habits()
        for _ in 0..<20 {
            let alone = [exchange(1, sent: 0, head: 1)]
            let second = [SurplusPart(shape: Self.error, bodyBytes: 7, time: 3_000_000)]
            _ = AttributionReader.read(alone, surplus: second, mayShift: true, learns: true, habits: &habits)
            habits.note(2, shape: Self.usual, delay: 20_000_000, bodyBytes: 17)
        }
        let past = [
            exchange(2, sent: 6, head: 21), exchange(1, sent: 4, head: 5.5, shape: Self.error),
            exchange(2, sent: 1.2, head: 3, shape: Self.error), exchange(1, sent: 0, head: 1),
        ]
        let surplus = [21, 26].map { SurplusPart(shape: Self.usual, bodyBytes: 7, time: UInt64($0 * 1_000_000)) }
        let found = AttributionReader.read(past, surplus: surplus, mayShift: true, habits: &habits)
        #expect(found.map(\.guilty) == [3, 1] && found.map(\.part) == [0, 1])
        #expect(found.allSatisfy { $0.confidence == .likely })
        #expect(found.map { $0.shift?.age } == [2, 1])
    }

    @Test func oneThatAnsweredThriceIsRecordedOnce() {
        var habits = Habits()
        let past = [exchange(2, sent: 100, head: 101), exchange(1, sent: 0, head: 1)]
        let surplus = [101.2, 101.3].map { SurplusPart(shape: Self.error, bodyBytes: 7, time: UInt64($0 * 1e6)) }
        let found = AttributionReader.read(past, surplus: surplus, mayShift: true, habits: &habits)
        #expect(found.map(\.guilty) == [0])
    }

    @Test func timersAreRound() {
        for (milliseconds, isRound) in [
            (0.0, false), (5, false), (9.8, true), (11.4, true), (13, false), (25.2, true), (30.2, true), (62, false),
            (80.9, true),
        ] { #expect(AttributionReader.isRound(UInt64(milliseconds * 1e6)) == isRound, "\(milliseconds)") }
    }

    @Test func theTableIsBoundedAndForgets() {
        var habits = Habits()
        for sort in 1...5000 as ClosedRange<UInt32> { habits.note(sort, shape: Self.usual, delay: 1, bodyBytes: 5) }
        for _ in 0..<10_000 { habits.note(9, shape: Self.usual, delay: 1, bodyBytes: 5) }
        #expect(habits.answers(9) <= 4096 && habits.answers(9) > 1000)
        #expect(habits.answers(777_777) == 0)
    }
}
