import Chance
import Testing

@testable import Proxy

@Suite struct RetryBudgetTests {
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

    /// Whatever comes when: within any ten seconds no more is granted than the floor of both halves and a fifth of all requests.
    @Test(arguments: 0..<8 as Range<UInt64>)
    func neverMoreThanItsShare(seed: UInt64) {
        var chance = Chance(seed: seed)
        var budget = RetryBudget()
        var requests: [UInt64] = []
        var granted: [UInt64] = []
        var now = second
        for _ in 0..<4000 {
            now += UInt64(chance.below(40)) * 1_000_000
            if chance.oneIn(400) { now += UInt64(chance.below(20)) * second }
            if chance.oneIn(3) {
                if budget.take(now) { granted.append(now) }
            } else {
                budget.noteRequest(now)
                requests.append(now)
            }
        }
        #expect(granted.count > 100)
        for (place, last) in granted.enumerated() where place % 7 == 0 {
            // A window of one half is never split by a turn more than once.
            let from = last - min(last, RetryBudget.halfWindowNanoseconds)
            let taken = granted[...place].count { $0 > from }
            let asked = requests.count { $0 + 3 * RetryBudget.halfWindowNanoseconds > last && $0 <= last }
            #expect(taken <= 2 * (RetryBudget.floor + asked / RetryBudget.requestsPerRetry))
        }
    }

    @Test(
        arguments: [
            // Seconds between requests and the retries, and what is still allowed of a hundred requests' share.
            (0, 30), (4, 30), (5, 30), (9, 30), (10, 10), (11, 10),
        ] as [(UInt64, Int)])
    func howLongRequestsCount(_ after: UInt64, _ expected: Int) {
        var budget = RetryBudget()
        for _ in 0..<100 { budget.noteRequest(second) }
        let granted = (0..<100).filter { _ in budget.take(second + after * second) }.count
        #expect(granted == expected)
    }
}
