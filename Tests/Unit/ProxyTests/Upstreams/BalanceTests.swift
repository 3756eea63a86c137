import EventLoop
import Logging
import Report
import Simulation
import Testing

@testable import Proxy

/// Which server is chosen, asked of a worker that serves nobody.
@Suite struct BalanceTests {
    /// Chooses so often, as if each exchange ended before the next began; how often each server was chosen.
    private func shares(
        _ balance: Plan.Balance, weights: [Int], times: Int = 1200, avoiding: Int = -1, holding: Bool = false,
        prepare: (inout Worker) -> Void = { _ in }
    ) throws -> [Int] {
        try withWorker(balance, weights) { worker in
            prepare(&worker)
            var counts = weights.map { _ in 0 }
            for _ in 0..<times {
                guard let server = worker.chooseServer(0, avoiding: avoiding) else { continue }
                counts[server] += 1
                if holding { worker.servers[server].activeCount += 1 }
            }
            return counts
        }
    }

    private func withWorker<Value>(_ balance: Plan.Balance, _ weights: [Int], _ body: (inout Worker) throws -> Value) throws
        -> Value
    {
        let address = try #require(SocketAddress(unixPath: "/server"))
        var upstream = Plan.Upstream(
            name: "app", servers: weights.enumerated().map { Plan.Server(name: "app-\($0)", address: address, weight: $1) })
        upstream.balance = balance
        let plan = Plan(upstreams: [upstream], routes: [Plan.Route(name: "all", upstream: 0)])
        let metrics = Metrics(schema: plan.metricsSchema(listeners: ["front"]), version: "test")
        let world = World(
            plan: plan, counters: [metrics.makeCounters()], recorder: IncidentRecorder(metrics: metrics, log: nil),
            gauges: metrics.servers, log: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }), wakes: false)
        var worker = Worker(
            number: 0, kernel: Kernel(simulated: SimulatedNetwork(seed: 1)), poll: 3, plan: plan, world: world, seed: 7)!
        return try body(&worker)
    }

    /// Apart from the expectation, whose macro would copy the worker.
    private func isEjected(_ worker: inout Worker, _ server: Int) -> Bool { worker.isEjected(server) }

    @Test(arguments: [Plan.Balance.roundRobin, .leastConnections])
    func turnsFollowTheWeights(_ balance: Plan.Balance) throws {
        #expect(try shares(balance, weights: [1, 2, 3]) == [200, 400, 600])
        #expect(try shares(balance, weights: [1, 1]) == [600, 600])
    }

    @Test func turnsAreSpreadAndNotBunched() throws {
        try withWorker(.roundRobin, [3, 1]) { worker in
            var order: [Int] = []
            for _ in 0..<8 { order.append(worker.chooseServer(0, avoiding: -1) ?? -1) }
            #expect(order == [0, 0, 1, 0, 0, 0, 1, 0])
        }
    }

    @Test func busyServersGetLess() throws {
        #expect(try shares(.leastConnections, weights: [1, 2], times: 300, holding: true) == [100, 200])
        let counts = try shares(.leastConnections, weights: [1, 1], times: 10) { $0.servers[0].activeCount = 3 }
        #expect(counts == [0, 10])
    }

    @Test func lotsFollowTheWeightsAndTheLoad() throws {
        let counts = try shares(.randomTwo, weights: [1, 1, 2], times: 4000, holding: true)
        for (count, expected) in zip(counts, [1000, 1000, 2000]) { #expect(abs(count - expected) < 100) }
    }

    @Test(arguments: [Plan.Balance.roundRobin, .leastConnections, .randomTwo])
    func whoIsDownEjectedOrToBeAvoidedGetsNothing(_ balance: Plan.Balance) throws {
        let counts = try shares(balance, weights: [1, 1, 1, 1], avoiding: 2) { worker in
            worker.servers[0].shared.pointee.isUp = 0
            worker.servers[1].shared.pointee.ejectedUntil = worker.now + 1
        }
        #expect(counts == [0, 0, 0, 1200])
    }

    @Test func betterAnEjectedServerThanNone() throws {
        let counts = try shares(.leastConnections, weights: [1, 1]) { worker in
            worker.servers[0].shared.pointee.isUp = 0
            worker.servers[1].shared.pointee.ejectedUntil = worker.now + 1
        }
        #expect(counts == [0, 1200])
        #expect(try shares(.roundRobin, weights: [1, 1], avoiding: 1) { $0.servers[0].shared.pointee.isUp = 0 } == [0, 1200])
        let none = try shares(.leastConnections, weights: [1, 1]) { worker in
            for server in 0...1 { worker.servers[server].shared.pointee.isUp = 0 }
        }
        #expect(none == [0, 0])
    }

    @Test func aFullServerIsPassedOver() throws {
        let counts = try shares(.roundRobin, weights: [1, 1], times: 10) { $0.servers[0].shared.pointee.connections = 1024 }
        #expect(counts == [0, 10])
        let bothFull = try shares(.roundRobin, weights: [1, 1], times: 10) { worker in
            for server in 0...1 { worker.servers[server].shared.pointee.connections = 1024 }
        }
        #expect(bothFull == [5, 5])
    }

    @Test(arguments: [Plan.Balance.roundRobin, .leastConnections, .randomTwo])
    func aServerThatReturnsGetsItsShareBitByBit(_ balance: Plan.Balance) throws {
        func share(after passed: UInt64) throws -> Int {
            try shares(balance, weights: [1, 1], times: 1000, holding: balance == .randomTwo) { worker in
                worker.now = 1_000_000_000_000
                worker.servers[0].shared.pointee.returnsAt = worker.now - passed
                worker.servers[0].shared.pointee.returnTime = 10_000_000_000
            }[0]
        }
        let grown = [try share(after: 1_000_000_000), try share(after: 5_000_000_000), try share(after: 10_000_000_000)]
        #expect(grown[0] < 150 && grown[0] > 0)
        #expect(grown[1] > 250 && grown[1] < 400)
        #expect(grown[2] > 450 && grown[2] < 550)
    }

    @Test func theLastServerIsNeverEjected() throws {
        try withWorker(.roundRobin, [1, 1]) { worker in
            for _ in 0..<20 { worker.serverFailed(0, .hungUp, "a test") }
            for _ in 0..<20 { worker.serverFailed(1, .hungUp, "a test") }
            #expect(isEjected(&worker, 0) == true)
            #expect(isEjected(&worker, 1) == false)
        }
    }

    @Test func onlyFailuresInARowEject() throws {
        try withWorker(.roundRobin, [1, 1]) { worker in
            for _ in 0..<20 {
                for _ in 0..<4 { worker.serverAnswered(0, status: 503, sentAt: 0) }
                worker.serverAnswered(0, status: 500, sentAt: 0)
            }
            #expect(isEjected(&worker, 0) == false)
            for _ in 0..<5 { worker.serverAnswered(0, status: 503, sentAt: 0) }
            #expect(isEjected(&worker, 0) == true)
            worker.now += 10_000_000_000
            #expect(isEjected(&worker, 0) == false)
        }
    }

    /// Apart from the expectation, whose macro would copy the worker.
    private func choice(_ worker: inout Worker, avoiding: Int = -1, mayTry: Bool = false) -> Int? {
        worker.chooseServer(0, avoiding: avoiding, mayTry: mayTry)
    }

    private static let millisecond: UInt64 = 1_000_000

    @Test(arguments: [Plan.Balance.roundRobin, .leastConnections, .randomTwo])
    func whoRefusesIsPassedOverAndTriedByOneRequest(_ balance: Plan.Balance) throws {
        try withWorker(balance, [1, 1]) { worker in
            worker.serverFailed(0, .refused, "a test")
            for _ in 0..<20 { #expect(choice(&worker) == 1) }
            worker.now += 100 * Self.millisecond
            var tries = 0
            for _ in 0..<20 {
                guard let server = choice(&worker) else { return }
                Outage.requestGoes(&worker.servers[server].shared.pointee.outage, worker.now)
                if server == 0 { tries += 1 }
            }
            #expect(tries == 1)
            worker.serverConnected(0)
            worker.now += 100 * Self.millisecond
            var counts = [0, 0]
            for _ in 0..<200 { if let server = choice(&worker) { counts[server] += 1 } }
            #expect(counts[0] > 50)
        }
    }

    @Test func whoWasEjectedIsAskedBeforeTheOneThatHasJustFailed() throws {
        try withWorker(.roundRobin, [1, 1]) { worker in
            for _ in 0..<5 { worker.serverFailed(0, .answered, "a test") }
            worker.serverFailed(1, .refused, "a test")
            #expect(choice(&worker, avoiding: 1) == 0)
            #expect(choice(&worker, avoiding: 0) == 1)
        }
    }

    @Test func anAnswerBringsAnEjectedServerBack() throws {
        try withWorker(.roundRobin, [1, 1]) { worker in
            worker.now = 100_000_000_000
            for _ in 0..<5 { worker.serverFailed(0, .hungUp, "a test") }
            // To a request that was sent before it.
            worker.serverAnswered(0, status: 200, sentAt: worker.now - 1)
            #expect(isEjected(&worker, 0) == true)
            worker.now += 50 * Self.millisecond
            worker.serverAnswered(0, status: 200, sentAt: worker.now - 1)
            #expect(isEjected(&worker, 0) == false)
        }
    }

    @Test func whoWasEjectedForHangingUpIsTriedOnceByARequestThatMayBeRepeated() throws {
        try withWorker(.roundRobin, [1, 1]) { worker in
            for _ in 0..<5 { worker.serverFailed(0, .hungUp, "a test") }
            worker.now += 100 * Self.millisecond
            for _ in 0..<4 { #expect(choice(&worker) == 1) }
            var tries = 0
            for _ in 0..<20 {
                guard let server = choice(&worker, mayTry: true) else { return }
                Outage.requestGoes(&worker.servers[server].shared.pointee.outage, worker.now)
                if server == 0 { tries += 1 }
            }
            #expect(tries == 1)
        }
    }

    @Test func theOnlyServerIsAlwaysAsked() throws {
        try withWorker(.leastConnections, [1]) { worker in
            for _ in 0..<20 { worker.serverFailed(0, .refused, "a test") }
            #expect(choice(&worker) == 0)
            #expect(worker.anyHasRoom(0) == true)
        }
    }
}
