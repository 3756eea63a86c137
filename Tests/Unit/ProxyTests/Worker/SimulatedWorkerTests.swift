import EventLoop
import Logging
import Report
import Simulation
import Testing

@testable import Proxy

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

    /// Answers when it is told to.
    final class Hesitant: SimulatedPeer {
        var hasRequest = false
        override func received(_ bytes: [UInt8]) { hasRequest = true }
    }

    /// A worker with a listener on a network with one upstream.
    struct Stage: ~Copyable {
        let network: SimulatedNetwork
        let recorder: IncidentRecorder
        let fleetState: FleetState
        let listener: Int32
        var worker: Worker

        static func make(_ upstream: SimulatedPeer) throws -> Stage {
            try make { _ in .accepts { _ in (upstream, Link()) } }
        }

        static func make(
            _ timeouts: Plan.Timeouts = Plan.Timeouts(), _ change: (inout Plan.Upstream) -> Void = { _ in },
            route: Plan.Route = Plan.Route(name: "all", upstream: 0), _ service: (SimulatedNetwork) -> SimulatedNetwork.Service
        ) throws -> Stage {
            let address = try #require(SocketAddress(unixPath: "/server"))
            var upstream = Plan.Upstream(name: "app", servers: [Plan.Server(name: "app-1", address: address)])
            change(&upstream)
            let plan = Plan(upstreams: [upstream], routes: [route], timeouts: timeouts)
            let metrics = Metrics(schema: plan.metricsSchema(listeners: ["front"]), version: "test")
            let recorder = IncidentRecorder(metrics: metrics, log: nil)
            let fleetState = FleetState(
                plan: plan, counters: [metrics.makeCounters()], recorder: recorder, gauges: metrics.servers,
                log: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }), wakes: false)
            let network = SimulatedNetwork(seed: 1)
            network.serve(address.description, service(network))
            let made = Worker(
                index: 0, kernel: Kernel(simulated: network), poll: 3, plan: plan, fleetState: fleetState, seed: 1)
            guard var worker = made else { throw Failure() }
            let listener = network.makeListener()
            _ = worker.addListener(fd: listener, index: 0)
            return Stage(
                network: network, recorder: recorder, fleetState: fleetState, listener: listener, worker: worker)
        }
    }

    @Test func oneExchange() throws {
        let upstream = Upstream()
        var stage = try Stage.make(upstream)
        let client = Client()
        stage.network.connect(client, to: stage.listener, over: Link())
        repeat { stage.worker.turn(waitMilliseconds: -1) } while !stage.network.isQuiet
        let text = String(decoding: client.heard, as: UTF8.self)
        #expect(text.hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(text.hasSuffix("\r\n\r\nhello"))
        #expect(upstream.requests == 1)
        #expect(stage.recorder.ring.lastSequence == 0)
        #expect(stage.worker.census == WorkerCensus())
    }

    /// The order's wake-up goes with its reading: nothing would turn the loop again before the drain's deadline.
    @Test func anOrderThatComesWithTheEndDoesNotDelayIt() throws {
        var stage = try Stage.make(Upstream())
        stage.worker.startRetirement(nil)
        #expect(stage.fleetState.mailboxes[0].post(.drain(0)))
        stage.worker.turn(waitMilliseconds: 0)
        let isStopped = stage.worker.isStopped
        #expect(isStopped)
        #expect(!stage.fleetState.mailboxes[0].post(.drain(0)))
    }

    /// The answer's first message finds the client gone: what comes behind it in the same read has nobody, and is passed over.
    @Test(arguments: [
        String(repeating: "HTTP/1.1 103 Early Hints\r\n\r\n", count: 3),
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + String(repeating: "1\r\nx\r\n", count: 500),
    ])
    func aClientThatGoesInTheMiddleOfAnAnswer(_ chatter: String) throws {
        let upstream = Hesitant()
        var stage = try Stage.make(upstream)
        let client = Client()
        stage.network.connect(client, to: stage.listener, over: Link())
        while !upstream.hasRequest { stage.worker.turn(waitMilliseconds: -1) }
        // Both have happened before the worker looks again.
        client.reset()
        upstream.send(chatter)
        stage.network.advance(to: stage.network.time + 1_000_000_000)
        repeat { stage.worker.turn(waitMilliseconds: -1) } while !stage.network.isQuiet
        #expect(stage.worker.census == WorkerCensus())
        #expect(stage.network.openDescriptors == 1)
    }

    /// The thread had to wait for a processor, and the time for strays is over when it looks again.
    @Test func aStrayThatIsThereWhenItsTimeIsOverIsRead() throws {
        let upstream = Upstream()
        var stage = try Stage.make(upstream)
        let client = Client()
        stage.network.connect(client, to: stage.listener, over: Link())
        while client.heard.isEmpty { stage.worker.turn(waitMilliseconds: -1) }
        // Its pooled connection is watched from here on.
        stage.worker.startRetirement(nil)
        let slot: UpstreamSlot = 0
        #expect(stage.worker.upstreams[slot].pointee.phase == .watched)
        upstream.send("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n")
        stage.network.advance(to: stage.network.time + 10_000_000)
        stage.worker.watchExpired(slot)
        repeat { stage.worker.turn(waitMilliseconds: -1) } while !stage.network.isQuiet
        #expect(stage.recorder.ring.lastSequence == 1)
        let isStopped = stage.worker.isStopped
        #expect(isStopped && stage.worker.census == WorkerCensus())
    }

    struct Failure: Error {}
}
