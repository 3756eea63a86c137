import EventLoop
import Glibc
import Logging
import Proxy
import Report
import Simulation
import TLS
import Testing

/// TLS on both sides of a worker, over links that cut, delay and hold back: no byte is lost, no wake-up is missed, nothing is
/// left behind, and strays are found as in cleartext.
@Suite struct SimulatedTLSTests {
    @Test func innocentConversations() throws {
        for seed in 1...24 { try run(UInt64(seed), strays: false) }
    }

    @Test func straysInRecordsOfTheirOwn() throws {
        for seed in 1...16 { try run(UInt64(1000 + seed), strays: true) }
    }

    private func run(_ seed: UInt64, strays: Bool) throws {
        var random = SeededNumbers(seed: seed)
        let link = Self.link(&random)
        let bytesMax = link.isSlow ? 200 : 40_000
        let address = try #require(SocketAddress(unixPath: "/server"))
        var server = Plan.Server(name: "app-1", address: address)
        server.tls = try TestTLS.connector().destination("shop.example")
        let plan = Plan(
            upstreams: [Plan.Upstream(name: "app", servers: [server])], routes: [Plan.Route(name: "all", upstream: 0)],
            quarantine: strays ? 60_000_000_000 : 0, acceptors: [try TestTLS.acceptor()])
        let metrics = Metrics(schema: plan.metricsSchema(listeners: ["front"]), version: "test")
        let recorder = IncidentRecorder(metrics: metrics, log: nil)
        let fleetState = FleetState(
            plan: plan, counters: [metrics.makeCounters()], recorder: recorder, gauges: metrics.servers,
            log: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }), wakes: false)
        let network = SimulatedNetwork(seed: random.next())
        let records = PeerRecords()
        let acceptor = try TestTLS.acceptor()
        var upstreams: [TLSUpstream] = []
        network.serve(
            address.description,
            .accepts { _ in
                let upstream = TLSUpstream(records, acceptor.makeSession(records.port)!, sendsStrays: strays)
                upstreams.append(upstream)
                return (upstream, link.link)
            })
        let made = Worker(index: 0, kernel: Kernel(simulated: network), poll: 3, plan: plan, fleetState: fleetState, seed: seed)
        guard var worker = made else { throw Failure() }
        let listener = network.makeListener()
        _ = worker.addListener(fd: listener, index: 0)
        let destination = try TestTLS.connector().destination("shop.example")
        var clients: [TLSClient] = []
        for _ in 0..<1 + random.below(3) {
            let sizes = (0..<1 + random.below(4)).map { _ in random.below(bytesMax) }
            let client = TLSClient(records, destination.makeSession(records.port)!, sizes)
            clients.append(client)
            network.after(random.upTo(20_000_000)) { network.connect(client, to: listener, over: link.link) }
        }
        var turns = 0
        repeat {
            worker.turn(waitMilliseconds: -1)
            turns += 1
        } while !network.isQuiet && turns < 200_000
        for client in clients { #expect(client.fault == nil && client.isDone, "seed \(seed): \(client.fault ?? "unfinished")") }
        #expect(worker.census == WorkerCensus(), "seed \(seed): left behind")
        #expect(network.openDescriptors == 1, "seed \(seed)")
        let sent = upstreams.reduce(0) { $0 + $1.strays }
        let found = recorder.ring.entries(after: 0, limit: 1000).entries.map(\.incident)
        #expect(found.count == sent, "seed \(seed): \(found.map(\.message))")
        #expect(found.allSatisfy { $0.kind == .secondResponse && $0.certainty == .proven }, "seed \(seed)")
    }

    private static func link(_ random: inout SeededNumbers) -> (link: Link, isSlow: Bool) {
        var link = Link()
        link.latency = random.pick([10_000, 500_000, 5_000_000])
        link.jitter = random.pick([0, 1_000_000])
        let isSlow = random.chance(perMille: 200)
        link.cuts = isSlow ? .everyByte : random.pick([.never, .perMille(10)])
        link.cutDelay = random.pick([0, 1_000])
        link.sendBytesMax = random.pick([600, 3000, 64 << 10])
        link.receiveBytesMax = random.pick([500, 4000, 64 << 10])
        link.shortWritesPerMille = random.pick([0, 10, 200])
        return (link, isSlow)
    }

    struct Failure: Error {}
}

/// Where the peers' sessions put their records.
final class PeerRecords {
    var port = TLSPort()
}

/// A peer that speaks TLS.
class TLSPeer: SimulatedPeer {
    private let records: PeerRecords
    private let session: TLSSession
    private var isAgreed = false
    private(set) var isAnnounced = false
    private(set) var heard: [UInt8] = []
    private var scanned = 0
    private var found: (body: Int, end: Int)?

    init(_ records: PeerRecords, _ session: TLSSession) {
        self.records = records
        self.session = session
    }

    deinit { session.close() }

    func opened() {}
    func heardMore() {}
    func announcedEnd() {}

    func greet() {
        _ = session.start()
        flush()
    }

    func say(_ bytes: [UInt8]) {
        _ = bytes.withUnsafeBufferPointer { session.write($0.baseAddress!, $0.count) }
        flush()
    }

    func announce() {
        session.shutdown()
        flush()
    }

    override func received(_ bytes: [UInt8]) {
        var plaintext = [UInt8](repeating: 0, count: bytes.count + TLSSession.surplusPlaintextMax)
        let capacity = plaintext.count
        let result = session.receive(bytes, bytes.count, into: &plaintext, capacity: capacity)
        flush()
        heard += plaintext[..<result.count]
        if !isAgreed, session.isEstablished {
            isAgreed = true
            opened()
        }
        if result.count > 0 { heardMore() }
        if result.state == .ended, !isAnnounced {
            isAnnounced = true
            announcedEnd()
        }
    }

    private func flush() {
        if records.port.outputCount > 0 { send(Array(records.port.output)) }
        records.port.clear()
    }

    /// Where the body of the first message heard begins and ends, once it is whole.
    var message: (body: Int, end: Int)? {
        if found == nil {
            while scanned + 4 <= heard.count, found == nil {
                let isEnd = heard[scanned] == 0x0d && heard[scanned + 2] == 0x0d && heard[scanned + 3] == 0x0a
                if isEnd { found = (scanned + 4, scanned + 4 + declaredLength(scanned)) } else { scanned += 1 }
            }
        }
        return found.flatMap { heard.count >= $0.end ? $0 : nil }
    }

    private func declaredLength(_ end: Int) -> Int {
        let head = String(decoding: heard[..<end], as: UTF8.self).lowercased()
        let line = head.split(separator: "\r\n").first { $0.hasPrefix("content-length:") }
        return line.flatMap { Int($0.dropFirst(15).drop { $0 == " " }) } ?? 0
    }

    func drop(_ count: Int) {
        heard.removeFirst(count)
        scanned = 0
        found = nil
    }
}

/// Posts bodies one after another, and holds the answers against them.
final class TLSClient: TLSPeer {
    private let sizes: [Int]
    private var turn = 0
    private(set) var fault: String?
    private(set) var isDone = false

    init(_ records: PeerRecords, _ session: TLSSession, _ sizes: [Int]) {
        self.sizes = sizes
        super.init(records, session)
    }

    private var body: [UInt8] { (0..<sizes[turn]).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ turn) } }

    override func connected() { greet() }
    override func opened() { ask() }
    override func announcedEnd() { if !isDone { fault = "the connection was ended early" } }
    override func wasReset() { if !isDone { fault = "the connection was reset" } }
    override func ended() { if !isAnnounced { fault = "the end was not announced" } }

    private func ask() {
        say(Array("POST /\(turn) HTTP/1.1\r\nHost: a\r\nContent-Length: \(sizes[turn])\r\n\r\n".utf8) + body)
    }

    override func heardMore() {
        guard let (start, end) = message else { return }
        if !heard[start..<end].elementsEqual(body.reversed()) { fault = "answer \(turn) differs" }
        drop(end)
        if !heard.isEmpty { fault = "more than an answer" }
        turn += 1
        guard turn == sizes.count else { return ask() }
        isDone = true
        announce()
        close()
    }
}

/// Answers with each body turned round; perhaps with a second answer behind it.
final class TLSUpstream: TLSPeer {
    private let sendsStrays: Bool
    private(set) var strays = 0

    init(_ records: PeerRecords, _ session: TLSSession, sendsStrays: Bool) {
        self.sendsStrays = sendsStrays
        super.init(records, session)
    }

    override func heardMore() {
        while let (start, end) = message {
            let body = Array(heard[start..<end].reversed())
            drop(end)
            say(Array("HTTP/1.1 200 OK\r\nContent-Length: \(body.count)\r\n\r\n".utf8) + body)
            // One a connection: what follows it is not another incident.
            guard sendsStrays, strays == 0 else { continue }
            strays = 1
            say(Array("HTTP/1.1 500 Oops\r\nContent-Length: 5\r\n\r\nSTRAY".utf8))
        }
    }

    override func announcedEnd() { close() }
    override func ended() { close() }
}

/// One certificate, its own authority, made once.
enum TestTLS {
    private static let directory: String = {
        var template = Array("/tmp/sendonce-proxy-tls-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { fatalError("no temporary directory") }
        let path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        let made = system(
            "cd '\(path)' && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=shop "
                + "-addext subjectAltName=DNS:shop.example -keyout key.pem -out certificate.pem -days 3 >log 2>&1")
        guard made == 0 else { fatalError("openssl failed: see \(path)/log") }
        return path
    }()

    static func acceptor() throws -> TLSAcceptor {
        try TLSAcceptor(
            certificates: [CertificateFiles(certificate: "\(directory)/certificate.pem", key: "\(directory)/key.pem")],
            protocols: [.http11], tickets: TicketKeys())
    }

    static func connector() throws -> TLSConnector {
        try TLSConnector(trust: .file("\(directory)/certificate.pem"), protocols: [.http11])
    }
}
