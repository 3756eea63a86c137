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
}
