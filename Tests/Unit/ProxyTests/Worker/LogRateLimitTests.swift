import Testing

@testable import Proxy

/// What peers provoke at will is written seldom, and what was held back is counted.
@Suite struct LogRateLimitTests {
    private static let window = LogRateLimit.windowNanoseconds

    @Test func aBurstThenSilence() {
        var limit = LogRateLimit()
        let taken = (0..<100).map { limit.take(1 + UInt64($0)) }
        #expect(taken.prefix(LogRateLimit.burst).allSatisfy { $0 == 0 })
        #expect(taken.dropFirst(LogRateLimit.burst).allSatisfy { $0 == nil })
        // The next window says how many there were.
        #expect(limit.take(1 + Self.window) == 95)
        #expect(limit.take(1 + Self.window) == 0)
    }

    @Test(arguments: [(window - 1, false), (window, true), (window + 1, true)])
    func theWindowsEnd(_ after: UInt64, _ isWritten: Bool) {
        var limit = LogRateLimit()
        for _ in 0..<LogRateLimit.burst { _ = limit.take(7) }
        #expect((limit.take(7 + after) != nil) == isWritten)
    }

    /// A window begins with the first that is written, not by the clock.
    @Test func noMoreThanABurstInAnyWindow() {
        var limit = LogRateLimit()
        var written: [UInt64] = []
        for now in stride(from: UInt64(3), to: 6 * Self.window, by: Int(Self.window / 50)) where limit.take(now) != nil {
            written.append(now)
        }
        #expect(written.count == 6 * LogRateLimit.burst)
        for (first, sixth) in zip(written, written.dropFirst(2 * LogRateLimit.burst)) { #expect(sixth - first >= Self.window) }
    }

    @Test func sortsAreLimitedApart() {
        var limits = LogLimits()
        for _ in 0..<50 { _ = limits.handshakes.take(1) }
        #expect(limits.handshakes.take(1) == nil && limits.failures.take(1) == 0)
    }
}
