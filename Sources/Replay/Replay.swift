import Configuration
import EventLoop
import Logging
import Proxy
import Report
import Simulation
import Traces

/// Plays a recorded trace to the real worker, on a kernel and a clock in memory: what the upstream sent, when it sent it.
///
/// Every request of the trace comes from a client of its own, at its time, and has its number as its id, by which
/// incidents are put down to it. Nothing takes time but what the trace says takes time.
public final class Replay {
    let script: ReplayScript
    let cutting: Cutting
    let network: SimulatedNetwork
    let start: UInt64
    private(set) var clients: [ReplayClient] = []
    /// Requests whose answers have begun to be played: a request that is sent again gets no other answer.
    var played: Set<Int> = []
    var events = EventLog()

    /// Where the upstream's bytes are cut into reads, beside where the recording cut them.
    public enum Cutting: Equatable, Sendable, CustomStringConvertible {
        case asRecorded, everyByte
        /// Before the byte with this offset, counted over everything that the upstream sent.
        case at(Int)

        public var description: String {
            switch self {
            case .asRecorded: "as recorded"
            case .everyByte: "at every byte"
            case .at(let place): "before byte \(place)"
            }
        }
    }

    /// What came of it.
    public struct Outcome: Sendable {
        /// Lines of the event log, without the `=`.
        public var events: [String]
        public var incidents: [Expectation]
        /// The incidents' records, in the same order.
        public var records: [Incident]
        /// Requests whose clients got what they must not get: neither exactly their first answer nor one that is visibly cut.
        public var faults: [String]
    }

    /// Why a trace cannot be played.
    public struct Unplayable: Error, CustomStringConvertible {
        public let description: String
    }

    private init(_ script: ReplayScript, _ cutting: Cutting) {
        self.script = script
        self.cutting = cutting
        network = SimulatedNetwork(seed: 1)
        network.callNanoseconds = 0
        start = network.time
    }

    /// Plays the trace from its beginning until nothing more can happen.
    public static func run(_ trace: Trace, cutting: Cutting = .asRecorded) throws(Unplayable) -> Outcome {
        let replay = Replay(try ReplayScript(trace), cutting)
        return try replay.run()
    }

    /// Byte by byte, and in two before each byte that is not the first of its read.
    ///
    /// - Parameter everywhere: otherwise only beside line ends and status lines, where something is decided.
    public static func cuttings(of trace: Trace, everywhere: Bool) throws(Unplayable) -> [Cutting] {
        [.everyByte] + (try ReplayScript(trace)).cutPlaces(everywhere: everywhere).map { .at($0) }
    }

    private func run() throws(Unplayable) -> Outcome {
        guard let address = SocketAddress(unixPath: "/upstream") else { throw Unplayable(description: "no address") }
        let plan = Self.plan(address, isHTTP2: script.isHTTP2)
        let metrics = Metrics(schema: plan.metricsSchema(listeners: ["replay"]), version: "replay")
        // Every record counts here, however many there are.
        let recorder = IncidentRecorder(metrics: metrics, log: nil, limit: IncidentLimit(burst: .max))
        let fleetState = FleetState(
            plan: plan, counters: [metrics.makeCounters()], recorder: recorder, gauges: metrics.servers,
            log: Logger(label: "replay", factory: { _ in SwiftLogNoOpLogHandler() }), wakes: false)
        network.serve(address.description, .accepts { [unowned self] _ in (ReplayUpstream(self), Self.link) })
        guard
            var worker = Worker(
                index: 0, kernel: Kernel(simulated: network), poll: 3, plan: plan, fleetState: fleetState, seed: 1)
        else { throw Unplayable(description: "no memory for a worker") }
        let listener = network.makeListener()
        _ = worker.addListener(fd: listener, index: 0)
        for request in script.requests {
            let client = ReplayClient(request, network)
            clients.append(client)
            network.at(start + request.time) { [network] in network.connect(client, to: listener, over: Self.link) }
        }
        repeat { worker.turn(waitMilliseconds: -1) } while !network.isQuiet
        events.finish()
        let records = recorder.ring.incidents(limit: .max).map(\.incident)
        let faults = clients.compactMap { client in
            AnswerCheck.fault(client.answer, events.answers[client.answer.request]).map {
                "the client of request \(client.answer.request) got \($0)"
            }
        }
        return Outcome(events: events.lines, incidents: records.map { Expectation($0) }, records: records, faults: faults)
    }

    /// Nothing is delayed, nothing is cut but by the script.
    private static var link: Link {
        var link = Link()
        link.latency = 0
        return link
    }

    /// The defaults, but that the recorded requests shared their connection whatever the time between them.
    private static func plan(_ address: SocketAddress, isHTTP2: Bool) -> Plan {
        var upstream = Plan.Upstream(name: "recorded", servers: [Plan.Server(name: "recorded", address: address)])
        upstream.protocol = isHTTP2 ? .http2 : .http1
        upstream.reuse = .always
        var limits = Plan.Limits()
        limits.clientConnections = 64
        return Plan(
            upstreams: [upstream], routes: [Plan.Route(name: "replay", upstream: 0)], limits: limits,
            trusted: [AddressBlock("127.0.0.1")].compactMap { $0 })
    }
}
