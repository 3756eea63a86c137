import Testing

@testable import Proxy

@Suite struct RetryTests {
    private let second: UInt64 = 1_000_000_000

    @Test func aFewRetriesAreAlwaysAllowed() {
        var budget = RetryBudget()
        let granted = (0..<100).filter { _ in budget.take(second) }.count
        #expect(granted == RetryBudget.floor)
    }

    @Test func aFifthOfTheRequestsMayBeSentAgain() {
        var budget = RetryBudget()
        for _ in 0..<1000 { budget.noteRequest(second) }
        #expect((0..<1000).filter { _ in budget.take(second) }.count == 200 + RetryBudget.floor)
        // The half before still counts, on both sides.
        for _ in 0..<100 { budget.noteRequest(7 * second) }
        #expect((0..<1000).filter { _ in budget.take(7 * second) }.count == 20)
    }

    @Test func oldRequestsAndRetriesAreForgotten() {
        var budget = RetryBudget()
        for _ in 0..<1000 { budget.noteRequest(second) }
        while budget.take(second) {}
        let granted = (0..<1000).filter { _ in budget.take(30 * second) }.count
        #expect(granted == RetryBudget.floor)
    }

    private func limit(after idles: [Int], at now: UInt64 = 0) -> UInt64? {
        var limit = IdleLimit()
        for idle in idles { IdleLimit.note(&limit, idle: UInt64(idle) * 1_000_000, 1) }
        return IdleLimit.safeTime(&limit, now).map { $0 / 1_000_000 }
    }

    @Test func anIdleLimitIsLearnedFromThreeEnds() {
        #expect(limit(after: [50, 52]) == nil)
        #expect(limit(after: [52, 50, 51]) == 37)
        #expect(limit(after: [5000, 5010, 5004]) == 4000)
        #expect(limit(after: [10, 11, 10]) == 0)
    }

    @Test func endsAtRandomAreNoLimit() {
        #expect(limit(after: [4000, 300, 2000, 900]) == nil)
        #expect(limit(after: [4000, 1]) == nil)
    }

    @Test func anOutlierDoesNotPreventLearning() {
        #expect(limit(after: [1, 5000, 5010, 5020, 5000, 5003, 5010]) == 4000)
    }

    @Test func whatWasLearnedIsLearnedAnew() {
        #expect(limit(after: [50, 50, 50], at: 59 * second) == 37)
        #expect(limit(after: [50, 50, 50], at: 61 * second) == nil)
    }
}
