import EventLoop
import Logging
import Report
import Testing

@testable import Proxy

/// What workers and plans share about servers: what a reload carries over, and what it forgets.
@Suite struct FleetStateTests {
    private func plan(_ upstreams: [(String, [String])], checked: Bool = false) throws -> Plan {
        let address = try #require(SocketAddress(unixPath: "/server"))
        return Plan(
            upstreams: upstreams.map { name, servers in
                var upstream = Plan.Upstream(name: name, servers: servers.map { Plan.Server(name: $0, address: address) })
                if checked { upstream.health = Plan.Health(path: "/") }
                return upstream
            }, routes: [])
    }

    private func fleetState(_ plan: Plan, earlier: FleetState? = nil) -> FleetState {
        let metrics = Metrics(schema: plan.metricsSchema(listeners: []), version: "test")
        let recorder = IncidentRecorder(metrics: metrics, log: nil)
        return FleetState(
            plan: plan, counters: [metrics.makeCounters()], recorder: recorder, gauges: nil, log: Logger(label: "test"),
            carryingOver: earlier, wakes: false)
    }

    /// A server is the same when its upstream's name and its own are.
    @Test func whatAReloadKnowsAgain() throws {
        let first = fleetState(try plan([("a", ["x", "y"]), ("b", ["x"])]))
        for server in 0..<3 { first.shared(ServerIndex(server)).pointee.connections = UInt64(server + 1) }
        let second = fleetState(try plan([("b", ["x", "new"]), ("a", ["y"]), ("c", ["x"])]), earlier: first)
        #expect(second.serverCount == 4)
        #expect((0..<4).map { second.shared(ServerIndex($0)).pointee.connections } == [3, 0, 2, 0])
        // What happens on an earlier plan's worker is seen by the later one's.
        first.shared(1).pointee.failures = 7
        #expect(second.shared(2).pointee.failures == 7 && second.shared(2) == first.shared(1))
    }

    @Test func countsGoOn() throws {
        let plan = try plan([("a", ["x"])])
        let first = fleetState(plan)
        #expect((1...3).map { _ in first.nextConnectionNumber() } == [1, 2, 3])
        #expect(first.changeClients(by: 2) == 0 && first.changeClients(by: 1) == 2)
        let second = fleetState(plan, earlier: first)
        #expect(second.nextConnectionNumber() == 4 && first.nextConnectionNumber() == 5)
        #expect(second.changeClients(by: -1) == 3 && second.changeClients(by: 0) == 2)
    }

    /// Nobody would bring back a server that checks had found down when there are none any more.
    @Test(arguments: [
        // Checked afterwards, one server or two: is it still down, and still ejected?
        (true, 1, true, true), (true, 2, true, true), (false, 1, false, false), (false, 2, false, true),
    ])
    func whatNobodyChecksIsUp(_ checked: Bool, _ servers: Int, _ isDown: Bool, _ isEjected: Bool) throws {
        let names = (0..<servers).map { "s\($0)" }
        let first = fleetState(try plan([("a", names)], checked: true))
        first.shared(0).pointee.isUp = 0
        first.shared(0).pointee.ejectedUntil = .max
        let second = fleetState(try plan([("a", names)], checked: checked), earlier: first)
        #expect((second.shared(0).pointee.isUp == 0) == isDown)
        #expect((second.shared(0).pointee.ejectedUntil == .max) == isEjected)
    }

    // MARK: For the admin endpoint

    @Test func anUpstreamWithoutServersIsAProblem() throws {
        let plan = try plan([("a", ["x", "y"]), ("b", ["z"])])
        let fleetState = fleetState(plan)
        #expect(fleetState.problems(plan) == [])
        fleetState.shared(0).pointee.isUp = 0
        #expect(fleetState.problems(plan) == [])
        fleetState.shared(1).pointee.isUp = 0
        #expect(fleetState.problems(plan) == ["no server of upstream a is up"])
        fleetState.shared(2).pointee.isUp = 0
        #expect(fleetState.problems(plan).count == 2)
    }

    @Test func serversInJSON() throws {
        let plan = try plan([("a", ["x", "y"]), ("b", ["z"])])
        let fleetState = fleetState(plan)
        fleetState.shared(1).pointee.connections = 5
        fleetState.shared(1).pointee.idle = 2
        fleetState.shared(1).pointee.isUp = 0
        fleetState.shared(2).pointee.quarantinedUntil = .max
        let json = String(decoding: fleetState.upstreamsJSON(plan), as: UTF8.self)
        let servers = json.split(separator: "{\"address\":").dropFirst().map(String.init)
        #expect(servers.count == 3 && servers[0].hasPrefix("\"x\"") && servers[2].hasPrefix("\"z\""))
        #expect(servers[1].contains("\"up\":false,\"connections\":5,\"idle\":2,"))
        #expect(servers[0].contains("\"up\":true,\"connections\":0,"))
        #expect(servers.map { $0.contains("\"quarantined\":true") } == [false, false, true])
        #expect(servers[0].contains("\"quarantined_for_ms\":0") && !servers[2].contains("\"quarantined_for_ms\":0}"))
    }
}
