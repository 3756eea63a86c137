import Testing
import Wire

@testable import Proxy

/// Whether a request may be sent again at all: total over what is known of it.
@Suite struct RetriesTableTests {
    private func exchange(_ method: Wire.Method, answered: Bool, sentBody: Bool, keepsBody: Bool, stale: UInt8) -> Exchange {
        var exchange = Exchange(client: 0, startedAt: 0)
        exchange.request.method = method
        exchange.keepsBody = keepsBody
        exchange.staleRetries = stale
        exchange.attempts = 1 + stale
        if sentBody { exchange.state.receive(.bodySent) }
        if answered { for fact in [.headWritten, .headSent] as [ExchangeState.Fact] { exchange.state.receive(fact) } }
        return exchange
    }

    /// RFC 9110 section 9.2.2.
    private static let idempotent: Set<String> = ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"]

    @Test(arguments: ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "POST", "PATCH", "CONNECT", "PURGE"])
    func everyRequest(_ name: String) throws {
        let method = try ReadBlock.of(.request, ["\(name) \(name == "CONNECT" ? "a:1" : "/") HTTP/1.1", "Host: a"]) {
            $0.method
        }
        let isIdempotent = Self.idempotent.contains(name)
        for bits in 0..<8 {
            let (answered, sentBody, keepsBody) = (bits & 1 != 0, bits & 2 != 0, bits & 4 != 0)
            let isThere = !sentBody || keepsBody
            for stale in 0...2 as ClosedRange<UInt8> {
                var one = exchange(method, answered: answered, sentBody: sentBody, keepsBody: keepsBody, stale: stale)
                var retries = Retries(upstreams: 1)
                let may = retries.maySendAgain(&one)
                #expect(may == (!answered && isIdempotent && isThere && stale < Retries.staleRetriesMax))
                // Of what cannot have arrived the method is nobody's matter; of the rest it is.
                for reason in [NoAnswer.unreachable, .unsent, .unanswered, .stale] {
                    var copy = one
                    let decision = retries.decide(&copy, reason, Retries.Limits(attempts: 1, servers: 2), 1)
                    let mayRepeat = !answered && (reason.cannotHaveArrived || isIdempotent)
                    let expected: Retries.Decision =
                        !mayRepeat
                        ? .giveUp
                        : !isThere
                            ? .refused
                            : reason == .stale && stale >= Retries.staleRetriesMax
                                ? .giveUp : .again(fresh: reason != .unanswered)
                    #expect(decision == expected, "\(name) \(reason) \(bits) \(stale)")
                }
            }
        }
    }

    /// Each retry is counted where it belongs, so that no sort uses up another's.
    @Test func sortsAreCountedApart() {
        var one = exchange(.get, answered: false, sentBody: false, keepsBody: false, stale: 0)
        one.wasPooled = true
        var retries = Retries(upstreams: 1)
        let limits = Retries.Limits(attempts: 1, servers: 2)
        let again = Retries.Decision.again(fresh: true)
        var decisions: [Retries.Decision] = []
        for reason in [NoAnswer.stale, .left, .unreachable, .left, .unsent, .unreachable, .unanswered, .unanswered] {
            decisions.append(retries.decide(&one, reason, limits, 1))
            one.attempts += 1
        }
        let pooled = Retries.Decision.again(fresh: false)
        #expect(decisions == [again, pooled, again, pooled, again, again, pooled, .giveUp])
        #expect(one.staleRetries == 2 && one.refusals == 2 && one.leavings == 2)
    }

    /// Each upstream has a budget of its own.
    @Test func budgetsAreApart() {
        var retries = Retries(upstreams: 2)
        func ask(_ upstream: UInt16) -> Retries.Decision {
            var one = exchange(.get, answered: false, sentBody: false, keepsBody: false, stale: 0)
            one.upstreamIndex = upstream
            return retries.decide(&one, .unanswered, Retries.Limits(attempts: 1, servers: 1), 1)
        }
        let first = (0..<20).map { _ in ask(0) }
        #expect(first.count { $0 != .refused } == RetryBudget.floor)
        let other = ask(1)
        #expect(other == .again(fresh: false))
    }
}
