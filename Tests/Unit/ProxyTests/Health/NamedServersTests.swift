import EventLoop
import Glibc
import Logging
import Names
import Report
import Simulation
import Testing

@testable import Proxy

/// What the watch makes of names, on the simulated kernel. `WorldTests` has whole worlds of them.
@Suite struct NamedServersTests {
    /// Looks up what the test says, or nothing for ever.
    private final class Lookups: NameLookups {
        var asked: [Int] = []
        var isAsking: Bool { !asked.isEmpty }
        var answers: [(key: Int, outcome: NameResolver.Outcome)] = []
        var wasCancelled = false
        let descriptors: [pollfd] = []
        let milliseconds: Int? = 100

        func ask(_ host: String, port: UInt16, key: Int) { asked.append(key) }
        func take() -> [(key: Int, outcome: NameResolver.Outcome)] {
            defer { answers = [] }
            return answers
        }
        func attend(_ polled: ArraySlice<pollfd>) {}
        func cancel() { wasCancelled = true }
        func answer(_ key: Int, _ outcome: NameResolver.Outcome) {
            asked.removeAll { $0 == key }
            answers.append((key, outcome))
        }
    }

    /// Two servers, whose names are due after one second and after two.
    private final class Stage {
        let network = SimulatedNetwork(seed: 1)
        let fleetState: FleetState
        var made: [Lookups] = []
        private(set) var watching: Watching!

        init() throws {
            let addresses = [try Plan.resolve(.tcp(host: "127.0.0.1", port: 80))]
            let servers = (1...2).map { seconds in
                var server = Plan.Server(name: "s\(seconds)", address: addresses[0])
                server.named = Plan.ServerName(host: "s\(seconds)", port: 80, addresses: addresses, seconds: seconds)
                return server
            }
            let plan = Plan(upstreams: [Plan.Upstream(name: "app", servers: servers)], routes: [])
            let metrics = Metrics(schema: plan.metricsSchema(listeners: []), version: "test")
            fleetState = FleetState(
                plan: plan, counters: [metrics.makeCounters()], recorder: IncidentRecorder(metrics: metrics, log: nil),
                gauges: metrics.servers, log: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }), wakes: false)
            watching = Watching(plan, fleetState, kernel: Kernel(simulated: network)) { [unowned self] in
                made.append(Lookups())
                return made.last
            }
        }

        func run(until milliseconds: UInt64) {
            let end = 1_700_000_000_000_000_000 + milliseconds * 1_000_000
            while network.time < end { watching.turn() }
        }

        func stop() { watching.stop() }
        func addresses(_ server: Int) -> [String] { fleetState.addresses(ServerIndex(server))?.descriptions ?? [] }
    }

    /// The system's settings may have changed since the one before began to ask, and may be why it has no answer.
    @Test func eachLookUpReadsTheSettingsAnew() throws {
        let stage = try Stage()
        stage.run(until: 1500)
        #expect(stage.made.map(\.asked) == [[0]])
        stage.run(until: 2500)
        #expect(stage.made.map(\.asked) == [[0], [1]], "the first has no answer")
        let address = try Plan.resolve(.tcp(host: "127.0.0.7", port: 80))
        stage.made[1].answer(1, .found([address], seconds: 1))
        stage.run(until: 3000)
        #expect(stage.addresses(0) == ["127.0.0.1:80"] && stage.addresses(1) == ["127.0.0.7:80"])
        stage.run(until: 3800)
        #expect(stage.made.map(\.asked) == [[0], [], [1]])
        stage.made[0].answer(0, .failed("no"))
        stage.run(until: 4000)
        #expect(stage.addresses(0) == ["127.0.0.1:80"], "a failure leaves what is known")
    }

    @Test func aWatchThatEndsTakesItsQuestionsBack() throws {
        let stage = try Stage()
        stage.run(until: 2500)
        stage.stop()
        #expect(stage.made.map(\.wasCancelled) == [true, true])
    }

    /// Answers checks as they should be.
    private final class Well: SimulatedPeer {
        override func received(_ bytes: [UInt8]) { send("HTTP/1.1 200 OK\r\n\r\n") }
    }

    /// Two servers with the same addresses each, checked ten times a second; and where they have been asked.
    private final class CheckedStage {
        let network = SimulatedNetwork(seed: 1)
        let fleetState: FleetState
        private(set) var asked: [String: Int] = [:]
        private var watching: Watching!

        init(_ numbers: ClosedRange<Int>, refusing: Set<Int> = []) throws {
            let addresses = try numbers.map { try Plan.resolve(.tcp(host: "127.0.0.\($0)", port: 80)) }
            let servers = (1...2).map { number in
                var server = Plan.Server(name: "s\(number)", address: addresses[0])
                server.named = Plan.ServerName(host: "s\(number)", port: 80, addresses: addresses, seconds: 3600)
                return server
            }
            var upstream = Plan.Upstream(name: "app", servers: servers)
            upstream.health = Plan.Health(path: "/up")
            upstream.health?.interval = 100_000_000
            upstream.health?.unhealthyAfter = 1
            let plan = Plan(upstreams: [upstream], routes: [])
            let metrics = Metrics(schema: plan.metricsSchema(listeners: []), version: "test")
            fleetState = FleetState(
                plan: plan, counters: [metrics.makeCounters()], recorder: IncidentRecorder(metrics: metrics, log: nil),
                gauges: metrics.servers, log: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }), wakes: false)
            for (number, address) in zip(numbers, addresses) {
                let isWell = !refusing.contains(number)
                network.serve(
                    address.description,
                    isWell ? .accepts { _ in (Well(), Link()) } : .refuses(error: ECONNREFUSED, link: Link()))
            }
            network.connects = { [unowned self] in asked[$0, default: 0] += 1 }
            watching = Watching(plan, fleetState, kernel: Kernel(simulated: network)) { nil }
        }

        func run(milliseconds: UInt64) {
            let end = network.time + milliseconds * 1_000_000
            while network.time < end { watching.turn() }
        }

        var areUp: [Bool] { (0..<2).map { fleetState.shared(ServerIndex($0)).pointee.isUp != 0 } }
    }

    /// Not the turns of all servers' checks together: then each would see one address alone.
    @Test func checksTakeEachAddressInTurn() throws {
        let stage = try CheckedStage(1...2)
        stage.run(milliseconds: 950)
        #expect(stage.asked == ["127.0.0.1:80": 10, "127.0.0.2:80": 10])
    }

    @Test func aCheckGoesOnWhereSomebodyIs() throws {
        let stage = try CheckedStage(1...5, refusing: [2, 3, 4])
        stage.run(milliseconds: 950)
        #expect(stage.areUp == [true, true], "one that fails once is out")
        for number in 2...4 { #expect(stage.asked["127.0.0.\(number):80"]! <= 2, "one that refuses is passed over") }
    }

    @Test func whereNobodyIsAServerFails() throws {
        let stage = try CheckedStage(1...3, refusing: [1, 2, 3])
        stage.run(milliseconds: 90)
        #expect(stage.areUp == [false, false])
        #expect(stage.asked.values.allSatisfy { $0 == 2 }, "each is tried once by each check: \(stage.asked)")
    }

    @Test func addressesWithoutAWayAreLeftOut() throws {
        let stage = try Stage()
        stage.network.troubles.lacksIPv6 = true
        stage.run(until: 1500)
        let found = try ["::2", "127.0.0.2"].map { try Plan.resolve(.tcp(host: $0, port: 80)) }
        stage.made[0].answer(0, .found(found, seconds: 1))
        stage.run(until: 1700)
        #expect(stage.addresses(0) == ["127.0.0.2:80"])
        stage.run(until: 2800)
        stage.made.last?.answer(0, .found([found[0]], seconds: 1))
        stage.run(until: 3000)
        #expect(stage.addresses(0) == ["[::2]:80"], "better those than none")
    }
}
