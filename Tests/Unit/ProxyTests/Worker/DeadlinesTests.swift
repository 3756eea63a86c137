import Testing

@testable import Proxy

@Suite struct DeadlinesTests {
    /// Every place of the wheel means one deadline, and that one stands there.
    @Test(arguments: [(clients: 1, upstreams: 1, servers: 0), (5, 3, 1), (7, 11, 4)])
    func eachHasAPlaceOfItsOwn(_ sizes: (clients: Int, upstreams: Int, servers: Int)) {
        let deadlines = Deadlines(clients: sizes.clients, upstreams: sizes.upstreams, servers: sizes.servers, now: 0)
        var all: [Deadlines.Deadline] = (0..<Int32(sizes.clients)).map { .client(ClientSlot($0)) }
        all += (0..<Int32(sizes.upstreams)).map { .upstream(UpstreamSlot($0)) }
        all += [.drain, .hangups, .queues, .streamSurplus]
        all += (0..<sizes.servers).map { .server(ServerIndex($0)) }
        all.append(.access)
        for (place, deadline) in all.enumerated() {
            #expect(deadlines.timer(deadline) == Int32(place))
            #expect(deadlines.meaning(of: Int32(place)) == deadline)
        }
        #expect(all.count == sizes.clients + sizes.upstreams + sizes.servers + 5)
    }

    @Test func whatIsDueIsReturned() {
        var deadlines = Deadlines(clients: 2, upstreams: 2, servers: 2, now: 0)
        let wanted: [(Deadlines.Deadline, UInt64)] = [
            (.client(1), 10_000_000), (.upstream(0), 20_000_000), (.server(1), 30_000_000), (.access, 40_000_000),
        ]
        for (deadline, time) in wanted {
            deadlines.open(deadlines.timer(deadline))
            deadlines.set(deadlines.timer(deadline), time)
        }
        for (deadline, time) in wanted {
            #expect(deadlines.deadline(deadlines.timer(deadline)) == time)
            #expect(deadlines.expire(now: time - 5_000_000) == nil)
            #expect(deadlines.expire(now: time + 5_000_000) == deadline)
        }
        #expect(Deadlines.milliseconds(until: deadlines.due, now: 50_000_000) == -1)
    }
}
