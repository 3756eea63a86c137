import EventLoop
import Testing

@testable import Proxy

/// Which server is chosen, and what is held against one.
@Suite struct ServerSetTests {
    /// A set of one upstream's servers, the loop's time and the lots.
    private final class Scene {
        var set: ServerSet
        var now: UInt64 = 1_000_000_000_000
        var random = RandomNumbers(seed: 7)
        private let shared: UnsafeMutablePointer<SharedServer>

        init(_ balance: Plan.Balance, _ weights: [Int]) throws {
            let address = try #require(SocketAddress(unixPath: "/server"))
            var upstream = Plan.Upstream(
                name: "app", servers: weights.enumerated().map { Plan.Server(name: "app-\($0)", address: address, weight: $1) })
            upstream.balance = balance
            let shared = UnsafeMutablePointer<SharedServer>.allocate(capacity: weights.count)
            shared.initialize(repeating: SharedServer(), count: weights.count)
            self.shared = shared
            set = ServerSet([upstream]) { shared + $0.place }
            for server in set.indices { set.noteRoom(server, true) }
        }

        deinit { shared.deallocate() }

        func choose(avoiding avoided: ServerIndex = .none, mayTry: Bool = false) -> ServerIndex? {
            set.choose(0, ServerSet.Demand(now: now, failed: FailedServers(avoided), mayTry: mayTry), &random)
        }

        @discardableResult
        func fail(_ server: ServerIndex, _ failure: ServerFailure, times: Int = 1) -> ServerSet.Failed {
            for _ in 1..<times { _ = set.failed(server, failure, now) }
            return set.failed(server, failure, now)
        }

        func answers(_ server: ServerIndex, sentAt: UInt64) -> Bool { set.answered(server, sentAt: sentAt, now) }

        func isEjected(_ server: ServerIndex) -> Bool { set.isEjected(server, now) }
    }

    /// Chooses so often, as if each exchange ended before the next began; how often each server was chosen.
    private func shares(
        _ balance: Plan.Balance, weights: [Int], times: Int = 1200, avoiding: ServerIndex = .none, holding: Bool = false,
        prepare: (Scene) -> Void = { _ in }
    ) throws -> [Int] {
        let scene = try Scene(balance, weights)
        prepare(scene)
        var counts = weights.map { _ in 0 }
        for _ in 0..<times {
            guard let server = scene.choose(avoiding: avoiding) else { continue }
            counts[server.place] += 1
            if holding { scene.set.exchangeBegins(server) }
        }
        return counts
    }

    @Test(arguments: [Plan.Balance.roundRobin, .leastConnections])
    func turnsFollowTheWeights(_ balance: Plan.Balance) throws {
        #expect(try shares(balance, weights: [1, 2, 3]) == [200, 400, 600])
        #expect(try shares(balance, weights: [1, 1]) == [600, 600])
    }

    @Test func turnsAreSpreadAndNotBunched() throws {
        let scene = try Scene(.roundRobin, [3, 1])
        var order: [ServerIndex] = []
        for _ in 0..<8 { order.append(scene.choose() ?? -1) }
        #expect(order == [0, 0, 1, 0, 0, 0, 1, 0])
    }

    @Test func busyServersGetLess() throws {
        #expect(try shares(.leastConnections, weights: [1, 2], times: 300, holding: true) == [100, 200])
        let counts = try shares(.leastConnections, weights: [1, 1], times: 10) { scene in
            for _ in 0..<3 { scene.set.exchangeBegins(0) }
        }
        #expect(counts == [0, 10])
    }

    @Test func lotsFollowTheWeightsAndTheLoad() throws {
        let counts = try shares(.randomTwo, weights: [1, 1, 2], times: 4000, holding: true)
        for (count, expected) in zip(counts, [1000, 1000, 2000]) { #expect(abs(count - expected) < 100) }
    }

    @Test(arguments: [Plan.Balance.roundRobin, .leastConnections, .randomTwo])
    func whoIsDownEjectedOrToBeAvoidedGetsNothing(_ balance: Plan.Balance) throws {
        let counts = try shares(balance, weights: [1, 1, 1, 1], avoiding: 2) { scene in
            scene.set[0].shared.pointee.isUp = 0
            scene.set[1].shared.pointee.ejectedUntil = scene.now + 1
        }
        #expect(counts == [0, 0, 0, 1200])
    }

    @Test func betterAnEjectedServerThanNone() throws {
        let counts = try shares(.leastConnections, weights: [1, 1]) { scene in
            scene.set[0].shared.pointee.isUp = 0
            scene.set[1].shared.pointee.ejectedUntil = scene.now + 1
        }
        #expect(counts == [0, 1200])
        #expect(try shares(.roundRobin, weights: [1, 1], avoiding: 1) { $0.set[0].shared.pointee.isUp = 0 } == [0, 1200])
        let none = try shares(.leastConnections, weights: [1, 1]) { scene in
            for server in [0, 1] as [ServerIndex] { scene.set[server].shared.pointee.isUp = 0 }
        }
        #expect(none == [0, 0])
    }

    @Test func aFullServerIsPassedOver() throws {
        let counts = try shares(.roundRobin, weights: [1, 1], times: 10) { $0.set.noteRoom(0, false) }
        #expect(counts == [0, 10])
        let bothFull = try shares(.roundRobin, weights: [1, 1], times: 10) { scene in
            for server in [0, 1] as [ServerIndex] { scene.set.noteRoom(server, false) }
        }
        #expect(bothFull == [5, 5])
    }

    @Test(arguments: [Plan.Balance.roundRobin, .leastConnections, .randomTwo])
    func aServerThatReturnsGetsItsShareBitByBit(_ balance: Plan.Balance) throws {
        func share(after passed: UInt64) throws -> Int {
            try shares(balance, weights: [1, 1], times: 1000, holding: balance == .randomTwo) { scene in
                scene.now = 1_000_000_000_000
                scene.set[0].shared.pointee.returnsAt = scene.now - passed
                scene.set[0].shared.pointee.returnTime = 10_000_000_000
            }[0]
        }
        let grown = [try share(after: 1_000_000_000), try share(after: 5_000_000_000), try share(after: 10_000_000_000)]
        #expect(grown[0] < 150 && grown[0] > 0)
        #expect(grown[1] > 250 && grown[1] < 400)
        #expect(grown[2] > 450 && grown[2] < 550)
    }

    @Test func theLastServerIsNeverEjected() throws {
        let scene = try Scene(.roundRobin, [1, 1])
        scene.fail(0, .hungUp, times: 20)
        scene.fail(1, .hungUp, times: 20)
        #expect(scene.isEjected(0) == true)
        #expect(scene.isEjected(1) == false)
    }

    @Test func onlyFailuresInARowEject() throws {
        let scene = try Scene(.roundRobin, [1, 1])
        for _ in 0..<20 {
            scene.fail(0, .answered, times: 4)
            #expect(scene.answers(0, sentAt: 0) == false)
        }
        #expect(scene.isEjected(0) == false)
        scene.fail(0, .answered, times: 5)
        #expect(scene.isEjected(0) == true)
        scene.now += 10_000_000_000
        #expect(scene.isEjected(0) == false)
    }

    private static let millisecond: UInt64 = 1_000_000

    @Test(arguments: [Plan.Balance.roundRobin, .leastConnections, .randomTwo])
    func whoRefusesIsPassedOverAndTriedByOneRequest(_ balance: Plan.Balance) throws {
        let scene = try Scene(balance, [1, 1])
        scene.fail(0, .refused)
        for _ in 0..<20 { #expect(scene.choose() == 1) }
        scene.now += 100 * Self.millisecond
        var tries = 0
        for _ in 0..<20 {
            guard let server = scene.choose() else { return }
            scene.set.requestGoes(to: server, scene.now)
            if server == 0 { tries += 1 }
        }
        #expect(tries == 1)
        _ = scene.set.connected(0, scene.now)
        scene.now += 100 * Self.millisecond
        var counts = [0, 0]
        for _ in 0..<200 { if let server = scene.choose() { counts[server.place] += 1 } }
        #expect(counts[0] > 50)
    }

    @Test func whoWasEjectedIsAskedBeforeTheOneThatHasJustFailed() throws {
        let scene = try Scene(.roundRobin, [1, 1])
        scene.fail(0, .answered, times: 5)
        scene.fail(1, .refused)
        #expect(scene.choose(avoiding: 1) == 0)
        #expect(scene.choose(avoiding: 0) == 1)
    }

    /// Where one refuses, an ejected one that takes connections is asked first; where that is not known, each has its turns.
    @Test(arguments: [(ServerFailure.answered, [0, 20]), (.hungUp, [0, 20]), (.unreachable, [10, 10])])
    func whoTakesConnectionsIsAskedBeforeTheOneThatRefuses(_ failure: ServerFailure, _ expected: [Int]) throws {
        let scene = try Scene(.roundRobin, [1, 1])
        _ = scene.set.connected(1, scene.now - 1)
        scene.fail(1, failure, times: 5)
        #expect(scene.isEjected(1) == true)
        scene.fail(0, .refused)
        var counts = [0, 0]
        for _ in 0..<20 { if let server = scene.choose() { counts[server.place] += 1 } }
        #expect(counts == expected)
    }

    /// Even while it is time to try the one that refuses.
    @Test func theLastThatTakesConnectionsIsNeverEjected() throws {
        let scene = try Scene(.roundRobin, [1, 1])
        scene.fail(0, .refused)
        scene.now += 100 * Self.millisecond
        scene.fail(1, .answered, times: 20)
        #expect(scene.isEjected(1) == false)
    }

    /// Two servers refuse, the third has been ejected: a request that has failed on both goes to that, not round and round.
    @Test(arguments: [Plan.Balance.roundRobin, .leastConnections, .randomTwo])
    func whoHasNotFailedTheRequestIsAskedNext(_ balance: Plan.Balance) throws {
        let scene = try Scene(balance, [1, 1, 1])
        scene.fail(2, .unreachable, times: 5)
        scene.fail(0, .refused)
        scene.fail(1, .refused)
        var failed = FailedServers(0)
        #expect(scene.set.allHaveFailed(0, failed) == false)
        failed.insert(1)
        for _ in 0..<20 {
            #expect(scene.set.choose(0, ServerSet.Demand(now: scene.now, failed: failed, isRetry: true), &scene.random) == 2)
        }
        failed.insert(2)
        #expect(scene.set.allHaveFailed(0, failed) == true)
        #expect(scene.set.allHaveFailed(0, FailedServers(2)) == false)
        scene.set[0].shared.pointee.isUp = 0
        scene.set[1].shared.pointee.isUp = 0
        #expect(scene.set.allHaveFailed(0, FailedServers(2)) == true, "nobody else is up")
    }

    @Test func anAnswerBringsAnEjectedServerBack() throws {
        let scene = try Scene(.roundRobin, [1, 1])
        scene.now = 100_000_000_000
        scene.fail(0, .hungUp, times: 5)
        // To a request that was sent before it.
        #expect(scene.answers(0, sentAt: scene.now - 1) == false)
        #expect(scene.isEjected(0) == true)
        scene.now += 50 * Self.millisecond
        #expect(scene.answers(0, sentAt: scene.now - 1) == true)
        #expect(scene.isEjected(0) == false)
    }

    @Test func whoWasEjectedForHangingUpIsTriedOnceByARequestThatMayBeRepeated() throws {
        let scene = try Scene(.roundRobin, [1, 1])
        scene.fail(0, .hungUp, times: 5)
        scene.now += 100 * Self.millisecond
        for _ in 0..<4 { #expect(scene.choose() == 1) }
        var tries = 0
        for _ in 0..<20 {
            guard let server = scene.choose(mayTry: true) else { return }
            scene.set.requestGoes(to: server, scene.now)
            if server == 0 { tries += 1 }
        }
        #expect(tries == 1)
    }

    @Test func theOnlyServerIsAlwaysAsked() throws {
        let scene = try Scene(.leastConnections, [1])
        scene.fail(0, .refused, times: 20)
        #expect(scene.choose() == 0)
        let hasRoom = scene.set.anyHasRoom(0, scene.now)
        #expect(hasRoom)
    }
}
