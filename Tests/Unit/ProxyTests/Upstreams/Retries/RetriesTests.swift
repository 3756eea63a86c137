import Testing
import Wire

@testable import Proxy

@Suite struct RetriesTests {
    /// A request and what has become of it; asked again and again, as if each attempt ended in the same way.
    struct Case: CustomTestStringConvertible {
        var name: String
        var reason: NoAnswer
        var method = Method.get
        var isPooled = false
        var answered = false
        var sentBody = false
        var keepsBody = false
        var attempts = 1
        var servers = 1
        /// Retries until the request is given up.
        var retries: Int
        var isFresh = true
        /// It would never be given up.
        var most = Int.max
        var testDescription: String { name }
    }

    static let cases = [
        Case(name: "GET, no answer on a new connection", reason: .unanswered, retries: 1, isFresh: false),
        Case(name: "POST, no answer on a new connection", reason: .unanswered, method: .post, retries: 0),
        Case(
            name: "PUT, no answer, its body is kept", reason: .unanswered, method: .put, sentBody: true, keepsBody: true,
            retries: 1, isFresh: false),
        Case(name: "PUT, no answer, its body is gone", reason: .unanswered, method: .put, sentBody: true, retries: 0),
        Case(name: "GET whose answer has begun", reason: .unanswered, answered: true, retries: 0),
        Case(name: "GET, retry.attempts 0", reason: .unanswered, attempts: 0, retries: 0),
        Case(name: "GET, retry.attempts 3", reason: .unanswered, attempts: 3, retries: 3, isFresh: false),
        Case(name: "GET on a stale connection", reason: .stale, isPooled: true, attempts: 0, retries: 2),
        Case(name: "POST on a stale connection", reason: .stale, method: .post, isPooled: true, retries: 0),
        Case(
            name: "POST that cannot have arrived on a pooled connection", reason: .unsent, method: .post, isPooled: true,
            attempts: 0, retries: 2),
        Case(name: "POST of which a new connection took nothing", reason: .unsent, method: .post, retries: 1),
        Case(
            name: "POST for which a connection has no stream, six times", reason: .unplaced, method: .post, attempts: 0,
            retries: 6,
            isFresh: false, most: 6),
        Case(
            name: "POST, its server ends one connection after the other", reason: .left, method: .post, isPooled: true,
            attempts: 0,
            retries: 16, isFresh: false),
        Case(
            name: "POST, its server ends the connection, its body is gone", reason: .left, method: .post, sentBody: true,
            retries: 0),
        Case(name: "POST, the only server refuses", reason: .unreachable, method: .post, retries: 1),
        Case(name: "POST, every one of three servers refuses", reason: .unreachable, method: .post, servers: 3, retries: 5),
        Case(name: "GET, every one of a thousand servers refuses", reason: .unreachable, servers: 1000, retries: 16),
        Case(name: "GET, servers refuse, retry.attempts 0", reason: .unreachable, attempts: 0, servers: 3, retries: 0),
    ]

    @Test(arguments: cases)
    func decisions(_ test: Case) {
        var retries = Retries(upstreams: 1)
        var exchange = Exchange(client: 0, startedAt: 0)
        exchange.request.method = test.method
        exchange.wasPooled = test.isPooled
        if test.sentBody { exchange.state.receive(.bodySent) }
        if test.answered { for fact in [.headWritten, .headSent] as [ExchangeState.Fact] { exchange.state.receive(fact) } }
        exchange.keepsBody = test.keepsBody
        exchange.attempts = 1
        let limits = Retries.Limits(attempts: test.attempts, servers: test.servers)
        var made = 0
        while made < test.most, case .again(let isFresh) = retries.decide(&exchange, test.reason, limits, 1) {
            #expect(isFresh == test.isFresh)
            made += 1
            exchange.attempts += 1
        }
        #expect(made == test.retries)
    }

    /// Asks for one retry of so many requests, each on its own.
    private func granted(_ reason: NoAnswer, of count: Int, servers: Int = 2) -> (again: Int, refused: Int) {
        var retries = Retries(upstreams: 2)
        var (again, refused) = (0, 0)
        for _ in 0..<count {
            retries.noteRequest(1, 1)
            var exchange = Exchange(client: 0, startedAt: 0)
            exchange.upstreamIndex = 1
            exchange.attempts = 1
            switch retries.decide(&exchange, reason, Retries.Limits(attempts: 1, servers: servers), 1) {
            case .again: again += 1
            case .refused: refused += 1
            case .giveUp: break
            }
        }
        return (again, refused)
    }

    @Test func theBudgetIsForWhatServersMayHaveDone() {
        #expect(granted(.unanswered, of: 100) == (30, 70))
        #expect(granted(.unreachable, of: 100) == (100, 0))
        #expect(granted(.stale, of: 100) == (100, 0))
    }
}
