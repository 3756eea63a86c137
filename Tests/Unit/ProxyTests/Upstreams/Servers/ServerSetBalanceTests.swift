import Chance
import EventLoop
import Testing

@testable import Proxy

/// Which server may be asked at all: total over what is known of two servers, for each way of balancing.
@Suite struct ServerSetBalanceTests {
    /// What is known of one server.
    struct Facts: Equatable, Sendable {
        var isUp: Bool
        var isEjected: Bool
        var isRefusing: Bool
        var hasRoom: Bool
        var isAvoided: Bool

        init(_ bits: Int) {
            isUp = bits & 1 != 0
            isEjected = bits & 2 != 0
            isRefusing = bits & 4 != 0
            hasRoom = bits & 8 != 0
            isAvoided = bits & 16 != 0
        }

        /// How good it is to ask it: 0 is the best; nil: never.
        var rank: Int? {
            guard isUp else { return nil }
            switch (isAvoided, isEjected || isRefusing) {
            case (false, false): return hasRoom ? 0 : 1
            case (false, true): return isRefusing ? 3 : 2
            case (true, false): return 4
            case (true, true): return 5
            }
        }
    }

    private static let now: UInt64 = 1_000_000_000_000

    private func set(_ count: Int, _ balance: Plan.Balance, _ shared: UnsafeMutablePointer<SharedServer>) -> ServerSet {
        let address = SocketAddress(unixPath: "/server")!
        var upstream = Plan.Upstream(name: "app", servers: (0..<count).map { Plan.Server(name: "\($0)", address: address) })
        upstream.balance = balance
        return ServerSet([upstream]) { shared + $0.place }
    }

    @Test(arguments: [Plan.Balance.roundRobin, .leastConnections, .randomTwo])
    func theBestThatThereIs(_ balance: Plan.Balance) {
        let shared = UnsafeMutablePointer<SharedServer>.allocate(capacity: 2)
        defer { shared.deallocate() }
        var random = RandomNumbers(seed: 3)
        for (a, b) in (0..<1024).map({ (Facts($0 & 31), Facts($0 >> 5)) }) where !(a.isAvoided && b.isAvoided) {
            shared.initialize(repeating: SharedServer(), count: 2)
            var set = set(2, balance, shared)
            for (server, facts) in [a, b].enumerated() {
                shared[server].isUp = facts.isUp ? 1 : 0
                shared[server].ejectedUntil = facts.isEjected ? Self.now + 1 : Self.now
                if facts.isRefusing { Outage.refused(&shared[server].outage, Self.now) }
                set.noteRoom(ServerIndex(server), facts.hasRoom)
            }
            let demand = ServerSet.Demand(now: Self.now, failed: FailedServers(a.isAvoided ? 0 : b.isAvoided ? 1 : -1))
            let ranks = [a.rank, b.rank]
            let best = ranks.compactMap { $0 }.min()
            let chosen = set.choose(0, demand, &random)
            #expect(chosen.map { ranks[$0.place] } == best.map { .some($0) }, "\(a) \(b)")
            let hasRoom = set.anyHasRoom(0, Self.now)
            #expect(hasRoom == [a, b].contains { $0.isUp && !$0.isEjected && !$0.isRefusing && $0.hasRoom })
        }
    }

    /// Whoever is back this very moment has the smallest share, and not none: else nobody would be asked.
    @Test(arguments: [Plan.Balance.roundRobin, .leastConnections, .randomTwo])
    func allAreBackThisMoment(_ balance: Plan.Balance) {
        let shared = UnsafeMutablePointer<SharedServer>.allocate(capacity: 2)
        shared.initialize(repeating: SharedServer(), count: 2)
        defer { shared.deallocate() }
        for server in 0...1 { (shared[server].returnsAt, shared[server].returnTime) = (Self.now, 10_000_000_000) }
        var set = set(2, balance, shared)
        var random = RandomNumbers(seed: 3)
        let chosen = set.choose(0, ServerSet.Demand(now: Self.now), &random)
        #expect(chosen != nil)
    }

    /// A server that a trial is due for may be asked: a refusing one by anybody, an ejected one by who can be asked again.
    @Test(arguments: [
        (false, false, 0, false), (true, false, 0, true), (true, true, 0, true), (true, false, -1, false),
        (true, true, -1, false),
    ])
    func trials(_ refused: Bool, _ mayTry: Bool, _ early: Int, _ isAsked: Bool) {
        let shared = UnsafeMutablePointer<SharedServer>.allocate(capacity: 2)
        shared.initialize(repeating: SharedServer(), count: 2)
        defer { shared.deallocate() }
        let set = set(2, .roundRobin, shared)
        if refused { Outage.refused(&shared[0].outage, Self.now) } else { shared[0].ejectedUntil = .max }
        let later = Self.now + Outage.waitFirst - UInt64(-early)
        #expect(set.isPassedOver(0, later, mayTry: mayTry) == !isAsked)
    }

    /// A trial is due for one of two servers: a request that has failed before goes to the other, whoever's turn it is.
    @Test(arguments: [(false, true), (true, false)])
    func whoHasFailedBeforeTriesNobody(_ isRetry: Bool, _ isTried: Bool) {
        let shared = UnsafeMutablePointer<SharedServer>.allocate(capacity: 2)
        shared.initialize(repeating: SharedServer(), count: 2)
        defer { shared.deallocate() }
        var set = set(2, .roundRobin, shared)
        for server in set.indices { set.noteRoom(server, true) }
        Outage.refused(&shared[0].outage, Self.now)
        var random = RandomNumbers(seed: 1)
        let demand = ServerSet.Demand(now: Self.now + Outage.waitFirst, isRetry: isRetry)
        let chosen = (0..<4).map { _ in set.choose(0, demand, &random) }
        #expect(chosen.contains(0) == isTried)
        // Where there is no other, it is.
        Outage.refused(&shared[1].outage, Self.now)
        #expect(set.choose(0, demand, &random) != nil)
    }

    @Test(arguments: [(false, true), (true, false)])
    func oneThatWasEjectedForHangingUp(_ mayTry: Bool, _ isPassedOver: Bool) {
        let shared = UnsafeMutablePointer<SharedServer>.allocate(capacity: 2)
        shared.initialize(repeating: SharedServer(), count: 2)
        defer { shared.deallocate() }
        let set = set(2, .roundRobin, shared)
        shared[0].ejectedUntil = .max - 1
        Outage.doubted(&shared[0].outage, Self.now)
        #expect(set.isPassedOver(0, Self.now, mayTry: mayTry) == true, "not yet")
        #expect(set.isPassedOver(0, Self.now + Outage.waitFirst, mayTry: mayTry) == isPassedOver)
    }

    // MARK: Clients that belong to a server

    struct Bound: Sendable {
        var name: String
        var change: @Sendable (UnsafeMutablePointer<SharedServer>, inout ServerSet) -> Void
        var avoided: ServerIndex = -1
        var isHeld: Bool
    }

    static let bound: [Bound] = [
        Bound(name: "in order", change: { _, _ in }, isHeld: true),
        Bound(
            name: "full: it is waited for",
            change: {
                $1.noteRoom(2, false); _ = $0
            }, isHeld: true),
        Bound(
            name: "busy",
            change: {
                for _ in 0..<9 { $1.exchangeBegins(2) }; _ = $0
            }, isHeld: true),
        Bound(name: "down", change: { shared, _ in shared[2].isUp = 0 }, isHeld: false),
        Bound(name: "ejected", change: { shared, _ in shared[2].ejectedUntil = now + 1 }, isHeld: false),
        Bound(name: "refusing", change: { shared, _ in Outage.refused(&shared[2].outage, now) }, isHeld: false),
        Bound(name: "it has just failed this request", change: { _, _ in }, avoided: 2, isHeld: false),
    ]

    @Test(arguments: bound)
    func aClientThatBelongsToAServer(_ one: Bound) {
        let shared = UnsafeMutablePointer<SharedServer>.allocate(capacity: 4)
        shared.initialize(repeating: SharedServer(), count: 4)
        defer { shared.deallocate() }
        var random = RandomNumbers(seed: 3)
        var set = set(4, .leastConnections, shared)
        for server in 0..<4 { set.noteRoom(ServerIndex(server), true) }
        one.change(shared, &set)
        for _ in 0..<8 {
            let chosen = set.choose(0, ServerSet.Demand(now: Self.now, failed: FailedServers(one.avoided), sticky: 2), &random)
            #expect((chosen == 2) == one.isHeld, "\(one.name)")
        }
    }

    // MARK: Several upstreams

    @Test func aServerIsNamedByItsPlaceAmongAll() {
        let shared = UnsafeMutablePointer<SharedServer>.allocate(capacity: 5)
        shared.initialize(repeating: SharedServer(), count: 5)
        defer { shared.deallocate() }
        let address = SocketAddress(unixPath: "/server")!
        let plan = [2, 0, 3].map { count in
            Plan.Upstream(name: "u", servers: (0..<count).map { Plan.Server(name: "\($0)", address: address, weight: $0 + 1) })
        }
        var set = ServerSet(plan) { shared + $0.place }
        #expect(set.of(0) == 0..<2 && set.of(1) == 2..<2 && set.of(2) == 2..<5 && set.indices == 0..<5)
        let (upstreams, indices, weights) = (
            set.indices.map { set.upstream($0) }, set.indices.map { set[$0].index }, set.indices.map { set[$0].weight }
        )
        #expect(upstreams == [0, 0, 2, 2, 2] && indices == [0, 1, 0, 1, 2] && weights == [1, 2, 1, 2, 3])
        var random = RandomNumbers(seed: 1)
        let nobody = set.choose(1, ServerSet.Demand(now: Self.now), &random)
        #expect(nobody == nil)
        // What befalls one befalls no other.
        set.exchangeBegins(3)
        _ = set.quarantine(3, until: Self.now + 5, Self.now)
        #expect(set.indices.map { set[$0].activeCount } == [0, 0, 0, 1, 0])
        #expect(set.indices.map { set.isQuarantined($0, Self.now) } == [false, false, false, true, false])
        // A client's server is counted within its upstream.
        let sticky = set.choose(2, ServerSet.Demand(now: Self.now, sticky: 2), &random)
        #expect(sticky == 4)
    }

    @Test func sharesHoldForAnyWeights() {
        for seed in 0..<10 as Range<UInt64> {
            var chance = Chance(seed: seed)
            let weights = (0..<(2 + chance.below(4))).map { _ in 1 + chance.below(20) }
            let shared = UnsafeMutablePointer<SharedServer>.allocate(capacity: weights.count)
            shared.initialize(repeating: SharedServer(), count: weights.count)
            defer { shared.deallocate() }
            let address = SocketAddress(unixPath: "/server")!
            var upstream = Plan.Upstream(
                name: "app", servers: weights.map { Plan.Server(name: "\($0)", address: address, weight: $0) })
            upstream.balance = .roundRobin
            var set = ServerSet([upstream]) { shared + $0.place }
            var random = RandomNumbers(seed: 1)
            var counts = weights.map { _ in 0 }
            let total = weights.reduce(0, +)
            for turn in 1...3 * total {
                guard let server = set.choose(0, ServerSet.Demand(now: Self.now), &random) else { continue }
                counts[server.place] += 1
                // Smooth: at no time is anybody ahead or behind by more than one turn for each server.
                for (count, weight) in zip(counts, weights) {
                    #expect(abs(count * total - turn * weight) <= total * weights.count)
                }
            }
            #expect(counts == weights.map { 3 * $0 })
        }
    }
}
