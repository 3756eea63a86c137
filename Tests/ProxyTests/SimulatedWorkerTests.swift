import EventLoop
import Logging
import Proxy
import Report
import Simulation
import Testing

/// One exchange through a worker on the simulated kernel: how one is driven by hand.
@Suite struct SimulatedWorkerTests {
    final class Upstream: SimulatedPeer {
        var requests = 0
        override func received(_ bytes: [UInt8]) {
            requests += 1
            send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        }
    }

    final class Client: SimulatedPeer {
        var heard: [UInt8] = []
        override func connected() { send("GET / HTTP/1.1\r\nHost: a\r\n\r\n") }
        override func received(_ bytes: [UInt8]) {
            heard += bytes
            if String(decoding: heard, as: UTF8.self).hasSuffix("hello") { close() }
        }
    }

    @Test func oneExchange() throws {
        let address = try #require(SocketAddress(unixPath: "/server"))
        let plan = Plan(
            upstreams: [Plan.Upstream(name: "app", servers: [Plan.Server(name: "app-1", address: address)])],
            routes: [Plan.Route(name: "all", upstream: 0)])
        let metrics = Metrics(schema: plan.metricsSchema(listeners: ["front"]), version: "test")
        let recorder = IncidentRecorder(metrics: metrics, log: nil)
        let world = World(
            plan: plan, counters: [metrics.makeCounters()], recorder: recorder, gauges: metrics.servers,
            log: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }), wakes: false)
        let network = SimulatedNetwork(seed: 1)
        let upstream = Upstream()
        network.serve(address.description, .accepts { _ in (upstream, Link()) })
        var made = Worker(number: 0, kernel: Kernel(simulated: network), poll: 3, plan: plan, world: world, seed: 1)
        guard made != nil else { throw Failure() }
        let listener = network.makeListener()
        _ = made!.addListener(fd: listener, index: 0)
        let client = Client()
        network.connect(client, to: listener, over: Link())
        repeat { made!.turn(waitMilliseconds: -1) } while !network.isQuiet
        let text = String(decoding: client.heard, as: UTF8.self)
        #expect(text.hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(text.hasSuffix("\r\n\r\nhello"))
        #expect(upstream.requests == 1)
        #expect(recorder.ring.lastSequence == 0)
        #expect(made!.census == WorkerCensus())
    }

    struct Failure: Error {}
}
