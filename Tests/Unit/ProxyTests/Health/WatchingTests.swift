import EventLoop
import Logging
import Report
import Simulation
import Testing

@testable import Proxy

/// What one thread makes of its servers' checks, on the simulated kernel. `WorldTests` has whole worlds of them.
@Suite struct WatchingTests {
    /// Answers each check as the stage says.
    private final class Server: SimulatedPeer {
        unowned let stage: Stage
        init(_ stage: Stage) { self.stage = stage }
        override func received(_ bytes: [UInt8]) { send(stage.answer) }
    }

    /// Two servers, each checked ten times a second: taken out after two failures, taken back after two successes.
    private final class Stage {
        let network = SimulatedNetwork(seed: 1)
        let plan: Plan
        let metrics: Metrics
        var checks = 0
        var answer = "HTTP/1.1 200 OK\r\n\r\n"

        init() throws {
            let servers = try (0..<2).map { number in
                Plan.Server(name: "s\(number)", address: try #require(SocketAddress(unixPath: "/server-\(number)")))
            }
            var upstream = Plan.Upstream(name: "app", servers: servers)
            upstream.health = Plan.Health(path: "/up")
            upstream.health?.interval = 100_000_000
            upstream.health?.unhealthyAfter = 2
            plan = Plan(upstreams: [upstream], routes: [])
            metrics = Metrics(schema: plan.metricsSchema(listeners: []), version: "test")
            for server in servers {
                network.serve(
                    server.address.description,
                    .accepts { [unowned self] _ in
                        checks += 1
                        return (Server(self), Link())
                    })
            }
        }

        func fleetState(earlier: FleetState? = nil) -> FleetState {
            FleetState(
                plan: plan, counters: [metrics.makeCounters()], recorder: IncidentRecorder(metrics: metrics, log: nil),
                gauges: metrics.servers, log: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
                carryingOver: earlier, wakes: false)
        }

        func run(_ watchings: inout [Watching], milliseconds: UInt64) {
            let end = network.time + milliseconds * 1_000_000
            while network.time < end { for place in watchings.indices { watchings[place].turn() } }
        }
    }

    private func areUp(_ fleetState: FleetState) -> [Bool] {
        (0..<2).map { fleetState.shared(ServerIndex($0)).pointee.isUp != 0 }
    }

    @Test func serversGoOutAndComeBack() throws {
        let stage = try Stage()
        let fleetState = stage.fleetState()
        var watchings = [Watching(stage.plan, fleetState, kernel: Kernel(simulated: stage.network))]
        stage.run(&watchings, milliseconds: 950)
        #expect(areUp(fleetState) == [true, true] && stage.checks == 20)
        stage.answer = "HTTP/1.1 500 No\r\n\r\n"
        stage.run(&watchings, milliseconds: 100)
        #expect(areUp(fleetState) == [true, true], "once is not enough")
        stage.run(&watchings, milliseconds: 100)
        #expect(areUp(fleetState) == [false, false] && !stage.metrics.servers.isUp(upstream: 0, server: 1))
        stage.answer = "HTTP/1.1 200 OK\r\n\r\n"
        stage.run(&watchings, milliseconds: 200)
        #expect(areUp(fleetState) == [true, true] && stage.metrics.servers.isUp(upstream: 0, server: 1))
        watchings[0].stop()
        #expect(stage.network.openDescriptors == 0)
    }

    /// Every check fails for want of a descriptor: then every server is as good as it was.
    @Test func whatIsLackingIsNotTheServersFault() throws {
        let stage = try Stage()
        let fleetState = stage.fleetState()
        var watchings = [Watching(stage.plan, fleetState, kernel: Kernel(simulated: stage.network))]
        stage.network.troubles.exhaustedPerMille = 1000
        stage.run(&watchings, milliseconds: 1000)
        #expect(areUp(fleetState) == [true, true] && stage.checks == 0)
        stage.network.troubles.exhaustedPerMille = 0
        stage.run(&watchings, milliseconds: 200)
        #expect(stage.checks > 0)
    }

    /// While a reload goes on there are two watches; the one that leaves may have the last word on what it has begun.
    @Test func aWatchTakesBackWhatAnotherHasTakenOut() throws {
        let stage = try Stage()
        let first = stage.fleetState()
        var watchings = [Watching(stage.plan, first, kernel: Kernel(simulated: stage.network))]
        stage.answer = "HTTP/1.1 500 No\r\n\r\n"
        stage.run(&watchings, milliseconds: 50)
        let second = stage.fleetState(earlier: first)
        let later = Watching(stage.plan, second, kernel: Kernel(simulated: stage.network.makeThread()))
        stage.run(&watchings, milliseconds: 100)
        #expect(areUp(second) == [false, false])
        watchings[0].stop()
        watchings = [later]
        stage.network.endFirstThread()
        stage.answer = "HTTP/1.1 200 OK\r\n\r\n"
        stage.run(&watchings, milliseconds: 250)
        #expect(areUp(second) == [true, true])
    }

    /// An ejection may be over before the watch has seen it.
    @Test func gaugesSayWhatIs() throws {
        let stage = try Stage()
        let fleetState = stage.fleetState()
        var watchings = [Watching(stage.plan, fleetState, kernel: Kernel(simulated: stage.network))]
        stage.run(&watchings, milliseconds: 50)
        fleetState.serverEjected(upstream: 0, server: 1)
        #expect(!stage.metrics.servers.isUp(upstream: 0, server: 1))
        stage.run(&watchings, milliseconds: 100)
        #expect(stage.metrics.servers.isUp(upstream: 0, server: 1))
    }

    /// Interim responses for ever, as fast as they are read: others have their turn, and the check's time is over in the end.
    @Test func aFloodHoldsNobodyUp() throws {
        let stage = try Stage()
        let fleetState = stage.fleetState()
        var watchings = [Watching(stage.plan, fleetState, kernel: Kernel(simulated: stage.network))]
        stage.answer = String(repeating: "HTTP/1.1 103 Early\r\n\r\n", count: 100_000)
        let before = stage.network.calls
        var most = 0
        while stage.network.time < 1_700_000_000_000_000_000 + 2_500_000_000, most < 1000 {
            let calls = stage.network.calls
            watchings[0].turn()
            most = max(most, stage.network.calls - calls)
        }
        #expect(most <= 2 * (HealthCheck.readsPerTurn + 4) + 1, "\(stage.network.calls - before) calls")
        #expect(areUp(fleetState) == [false, false])
    }
}
