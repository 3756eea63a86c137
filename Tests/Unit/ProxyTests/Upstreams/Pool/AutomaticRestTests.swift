import EventLoop
import Testing

@testable import Proxy

@Suite struct AutomaticRestTests {
    private static let millisecond: UInt64 = 1_000_000

    private func demand(idleTimeout: UInt64 = 4000, idleMax: UInt64? = nil, workers: Int = 1) -> ConnectionPool.Demand {
        var demand = ConnectionPool.Demand()
        demand.idleMax = idleMax.map { $0 * Self.millisecond }
        demand.rest(.automatic, idleTimeout: idleTimeout * Self.millisecond, workers: workers)
        return demand
    }

    /// Requests that come evenly, so many a second, each served in a millisecond: how long the connections that they get have
    /// rested, in microseconds, and how many connections rest, when everything has settled down.
    private func served(perSecond rate: UInt64, workers: Int = 1) -> (rest: UInt64, resting: Int32) {
        let shared = UnsafeMutablePointer<SharedServer>.allocate(capacity: 1)
        shared.initialize(to: SharedServer())
        defer { shared.deallocate() }
        var pool = ConnectionPool()
        pool.addServer(shared, connectionsMax: 4096, idleMax: 4096)
        var connections = Slab<UpstreamConnection>(capacity: 4096)!
        let demand = demand(workers: workers)
        var busy: [(until: UInt64, slot: UpstreamSlot)] = []
        var last: UInt64 = 0
        var now = 1_000_000_000 as UInt64
        for _ in 0..<max(rate / 2, 50) {
            now += 1_000_000_000 / rate
            while let first = busy.first, first.until <= now {
                _ = pool.checkIn(first.slot, first.until, connections)
                busy.removeFirst()
            }
            var slot = UpstreamSlot.none
            if case .examine(let found) = pool.checkOut(0, demand, now, connections) {
                slot = found
                last = now - connections[found].pointee.pooledAt
            } else {
                slot = connections.take(UpstreamConnection(fd: 3, server: 0, number: 1, idleTimeout: .max))
            }
            busy.append((now + Self.millisecond, slot))
        }
        return (last / 1000, pool.idleCount(0))
    }

    @Test(arguments: [(1, 50_000, 2), (50, 50_000, 5), (500, 50_000, 30), (1280, 50_000, 66)] as [(UInt64, UInt64, Int32)])
    func atOrdinaryRatesTheRestIsWhole(_ rate: UInt64, _ least: UInt64, _ most: Int32) {
        let (rest, resting) = served(perSecond: rate)
        #expect(rest >= least)
        #expect(resting <= most)
    }

    @Test(arguments: [(2560, 25_000), (6400, 10_000), (12_800, 5_000), (25_600, 2_500)] as [(UInt64, UInt64)])
    func beyondThemSomeSixtyFourConnectionsRest(_ rate: UInt64, _ expected: UInt64) {
        let (rest, resting) = served(perSecond: rate)
        #expect(rest > expected * 9 / 10 && rest < expected * 11 / 10)
        #expect((60...68).contains(resting))
    }

    @Test func neverLessThanTwoMilliseconds() {
        let (rest, resting) = served(perSecond: 64_000)
        #expect(rest >= 2000 && rest < 2100)
        #expect((120...140).contains(resting))
    }

    @Test func workersShareTheConnections() {
        let (rest, resting) = served(perSecond: 6400, workers: 2)
        #expect(rest > 4500 && rest < 5500)
        #expect((28...36).contains(resting))
    }

    @Test func whereConnectionsAreClosedSoonHalfOfThatTimeIsLeft() {
        #expect(demand().hold == 50 * Self.millisecond)
        #expect(demand(idleMax: 37).hold == 18_500_000)
        #expect(demand(idleTimeout: 60).hold == 30 * Self.millisecond)
        #expect(demand(idleTimeout: 1).hold == 2 * Self.millisecond)
    }

    @Test func aDurationFixesIt() {
        var demand = ConnectionPool.Demand()
        demand.rest(.fixed(7), idleTimeout: 4, workers: 1)
        #expect(demand.hold == 7 && demand.restingMax == .max)
    }
}
