import EventLoop
import Logging
import Report
import Simulation
import Testing

@testable import Proxy

/// Deadlines run while their party is what is waited for, and blame nobody else: a client is not to be told that its body was late while
/// there was nowhere for it to go, a server is not to be accused while it waits for its client.
@Suite struct DeadlineTurnsTests {
    private static let second: UInt64 = 1_000_000_000
    private static let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: "

    private final class Client: SimulatedPeer {
        let parts: [(delay: UInt64, bytes: [UInt8])]
        let network: SimulatedNetwork
        var heard: [UInt8] = []
        init(_ network: SimulatedNetwork, _ parts: [(delay: UInt64, bytes: [UInt8])]) {
            self.network = network
            self.parts = parts
        }
        override func connected() { sendFrom(0) }
        override func received(_ bytes: [UInt8]) { heard += bytes }
        override func ended() { close() }
        private func sendFrom(_ place: Int) {
            guard place < parts.count else { return }
            network.after(parts[place].delay) { [weak self] in
                guard let self else { return }
                send(parts[place].bytes)
                sendFrom(place + 1)
            }
        }
        /// The status of its last answer.
        var status: Int {
            let lines = String(decoding: heard, as: UTF8.self).split(separator: "\r\n")
            return lines.last { $0.hasPrefix("HTTP/1.1 ") }.flatMap { Int($0.dropFirst(9).prefix(3)) } ?? 0
        }
    }

    /// Answers when it has had so many bytes, body and all.
    private final class Server: SimulatedPeer {
        var wanted = 1
        var heard = 0
        var answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        var opening: (_ server: Server) -> Void = { _ in }
        private var hasOpened = false
        private var hasAnswered = false
        override func received(_ bytes: [UInt8]) {
            heard += bytes.count
            if !hasOpened {
                hasOpened = true
                opening(self)
            }
            guard heard >= wanted, !hasAnswered else { return }
            hasAnswered = true
            send(answer)
        }
    }

    private struct Outcome {
        var status: Int
        var incidents: Int
        /// Bytes that its client had.
        var heard: Int
    }

    private static func run(
        _ service: (SimulatedNetwork) -> SimulatedNetwork.Service, client parts: [(delay: UInt64, bytes: [UInt8])],
        clientBody: UInt64 = second, connect: UInt64 = 60 * second, responseHeader: UInt64? = nil, bodyIdle: UInt64? = nil,
        isReading: Bool = true, readsAfter: UInt64? = nil, over link: Link = Link(),
        route: Plan.Route = Plan.Route(name: "all", upstream: 0)
    ) throws -> Outcome {
        var timeouts = Plan.Timeouts()
        timeouts.clientBody = clientBody
        var stage = try SimulatedWorkerTests.Stage.make(
            timeouts,
            { upstream in
                upstream.connectTimeout = connect
                if let responseHeader { upstream.responseHeaderTimeout = responseHeader }
                if let bodyIdle { upstream.bodyIdleTimeout = bodyIdle }
            }, route: route, service)
        let client = Client(stage.network, parts)
        client.isReading = isReading
        stage.network.connect(client, to: stage.listener, over: link)
        if let readsAfter { stage.network.after(readsAfter) { client.isReading = true } }
        repeat { stage.worker.turn(waitMilliseconds: -1) } while !stage.network.isQuiet
        let census = stage.worker.census
        #expect(census == WorkerCensus())
        return Outcome(status: client.status, incidents: Int(stage.recorder.ring.lastSequence), heard: client.heard.count)
    }

    private static func whole(_ count: Int) -> [(delay: UInt64, bytes: [UInt8])] {
        [(0, Array("\(head)\(count)\r\n\r\n".utf8) + [UInt8](repeating: 0x61, count: count))]
    }

    private static func slowLink(_ seconds: UInt64) -> Link {
        var link = Link()
        link.latency = seconds * second
        return link
    }

    @Test func aBodyThatIsThereBeforeTheConnectionIsNotLate() throws {
        let outcome = try Self.run({ _ in .accepts { _ in (Server(), Self.slowLink(3)) } }, client: Self.whole(5))
        #expect(outcome.status == 200)
    }

    /// What the client had left of its time does not count either.
    @Test func aBodyGoesOnAfterTheConnectionIsThere() throws {
        let parts = Self.whole(0).map { _ in (delay: UInt64(0), bytes: Array("\(Self.head)2\r\n\r\na".utf8)) }
        let server = Server()
        server.wanted = 1 << 30
        server.opening = { $0.wanted = $0.heard + 1 }
        let outcome = try Self.run(
            { _ in .accepts { _ in (server, Self.slowLink(1)) } },
            client: parts + [(delay: 2 * Self.second + Self.second / 2, bytes: [0x61])])
        #expect(outcome.status == 200)
    }

    @Test func aServerThatCannotBeReachedIsNotTheClientsFault() throws {
        let outcome = try Self.run({ _ in .silent(Link()) }, client: Self.whole(5), connect: 3 * Self.second)
        #expect(outcome.status == 502)
    }

    @Test func aBodyWhoseServerTakesNothingForAWhileIsNotLate() throws {
        let count = 400_000
        let server = Server()
        server.wanted = count
        server.isReading = false
        let outcome = try Self.run(
            { network in
                network.after(5 * Self.second) { server.isReading = true }
                return .accepts { _ in (server, Link()) }
            }, client: Self.whole(count))
        #expect(outcome.status == 200)
    }

    @Test func aServerThatTakesNothingAtAllIsBlamed() throws {
        let server = Server()
        server.isReading = false
        let outcome = try Self.run(
            { _ in .accepts { _ in (server, Link()) } }, client: Self.whole(400_000), responseHeader: 3 * Self.second)
        #expect(outcome.status == 504)
    }

    /// It reads for longer than it may take to answer.
    @Test func aServerThatReadsSlowlyIsNotSilent() throws {
        let count = 1_000_000
        let server = Server()
        server.wanted = count
        server.readBytesMax = 50_000
        let outcome = try Self.run(
            { network in
                func rest() {
                    server.isReading = false
                    network.after(Self.second) {
                        server.isReading = true
                        if server.heard < count { rest() }
                    }
                }
                server.opening = { _ in rest() }
                return .accepts { _ in (server, Link()) }
            }, client: Self.whole(count), responseHeader: 5 * Self.second)
        #expect(outcome.status == 200)
    }

    @Test func aClientThatAskedMayWaitForTheWord() throws {
        let server = Server()
        server.wanted = 1 << 30
        let asks = "\(Self.head)3\r\nexpect: 100-continue\r\n\r\n"
        let outcome = try Self.run(
            { network in
                server.opening = { server in
                    network.after(3 * Self.second) {
                        server.send("HTTP/1.1 100 Continue\r\n\r\n")
                        server.wanted = server.heard + 3
                    }
                }
                return .accepts { _ in (server, Link()) }
            }, client: [(0, Array(asks.utf8)), (3 * Self.second + Self.second / 2, Array("abc".utf8))])
        #expect(outcome.status == 200)
    }

    /// Hints are no word on whether the body is wanted.
    @Test(arguments: ["", "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n"])
    func aServerThatSaysNothingToWhoAskedIsBlamed(hints: String) throws {
        let server = Server()
        server.wanted = 1 << 30
        server.opening = { $0.send(hints) }
        let asks = "\(Self.head)3\r\nExpect: 100-continue\r\n\r\n"
        let outcome = try Self.run(
            { _ in .accepts { _ in (server, Link()) } }, client: [(0, Array(asks.utf8))], responseHeader: 3 * Self.second)
        #expect(outcome.status == 504)
    }

    /// It has begun its answer, and waits for more of the request before it goes on.
    @Test func aServerThatWaitsForItsClientHasNotStalled() throws {
        let server = Server()
        server.wanted = 1 << 30
        server.answer = "rest"
        server.opening = { server in
            server.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n.")
            server.wanted = server.heard + 1
        }
        let outcome = try Self.run(
            { _ in .accepts { _ in (server, Link()) } },
            client: [(0, Array("\(Self.head)2\r\n\r\na".utf8)), (5 * Self.second, [0x61])], clientBody: 10 * Self.second,
            bodyIdle: Self.second)
        #expect(outcome.status == 200)
        #expect(outcome.incidents == 0)
    }

    /// The end of its request comes while the client takes nothing of the answer, which has begun: that is still its own time.
    @Test func aServerWhoseClientTakesNothingHasNotStalled() throws {
        let server = Server()
        server.wanted = 1 << 30
        server.opening = { server in
            let body = String(repeating: "a", count: 4 << 20)
            server.send("HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
        }
        let outcome = try Self.run(
            { _ in .accepts { _ in (server, Link()) } },
            client: [(0, Array("\(Self.head)2\r\n\r\na".utf8)), (Self.second, [0x61])], clientBody: 10 * Self.second,
            responseHeader: 2 * Self.second, bodyIdle: 2 * Self.second, isReading: false)
        #expect(outcome.incidents == 0)
    }

    /// What is due when the client has caught up is what its route says.
    @Test func aRoutesOwnTimeGoesOnWhenItsClientHasCaughtUp() throws {
        let server = Server()
        server.wanted = 1 << 30
        // Of the last piece the client's side takes a part, and the rest when it reads.
        let body = String(repeating: "a", count: 150_000)
        var route = Plan.Route(name: "all", upstream: 0)
        route.bodyIdleTimeout = 10 * Self.second
        let outcome = try Self.run(
            { network in
                server.opening = { server in
                    server.send("HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count + 1)\r\nConnection: close\r\n\r\n\(body)")
                    network.after(4 * Self.second) { server.send("b") }
                }
                return .accepts { _ in (server, Link()) }
            }, client: Self.whole(0), clientBody: 10 * Self.second, bodyIdle: Self.second, isReading: false,
            readsAfter: Self.second, route: route)
        #expect(outcome.status == 200)
        #expect(outcome.incidents == 0)
    }

    private static var drip: Link {
        var link = Link()
        link.cuts = .everyByte
        link.cutDelay = 1_000_000
        return link
    }

    /// All of it is with the kernel at once, which brings it to the server little by little.
    @Test func aServerThatIsStillBeingSentTheRequestIsNotLate() throws {
        let server = Server()
        server.wanted = 8000
        let outcome = try Self.run(
            { _ in .accepts { _ in (server, Self.drip) } }, client: Self.whole(8000), responseHeader: 2 * Self.second)
        #expect(outcome.status == 200)
    }

    @Test func aServerThatTakesNothingMoreIsBlamed() throws {
        let server = Server()
        server.isReading = false
        var narrow = Link()
        narrow.receiveBytesMax = 1000
        let outcome = try Self.run(
            { _ in .accepts { _ in (server, narrow) } }, client: Self.whole(8000), responseHeader: 2 * Self.second)
        #expect(outcome.status == 504)
    }

    /// It takes as much as it can, and our side of the connection is full all the time.
    @Test func aClientThatIsStillBeingSentItsAnswerKeepsIt() throws {
        let body = String(repeating: "a", count: 200_000)
        let server = Server()
        server.answer = "HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n\(body)"
        var link = Self.drip
        link.cutDelay = 50_000
        let outcome = try Self.run(
            { _ in .accepts { _ in (server, Link()) } }, client: Self.whole(0), clientBody: Self.second, over: link)
        #expect(outcome.status == 200)
        #expect(outcome.heard > body.utf8.count)
    }

    @Test func aClientThatStopsInTheMiddleIsBlamed() throws {
        let server = Server()
        server.wanted = 1 << 30
        let outcome = try Self.run(
            { _ in .accepts { _ in (server, Link()) } }, client: [(0, Array("\(Self.head)2\r\n\r\na".utf8))])
        #expect(outcome.status == 408)
    }
}
