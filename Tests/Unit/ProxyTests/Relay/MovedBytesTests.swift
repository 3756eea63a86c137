import EventLoop
import Report
import Simulation
import Testing

@testable import Proxy

/// Bytes that wait in a pipe for one side of an exchange: who waits for whom, and what becomes of them when somebody goes away.
@Suite struct MovedBytesTests {
    private typealias Stage = SimulatedWorkerTests.Stage
    private static let body = (0..<400_000).map { UInt8(truncatingIfNeeded: $0 &* 7 ^ $0 >> 8) }

    /// Says something once it has been spoken to, and stops reading then.
    private final class Side: SimulatedPeer {
        private let opening: [UInt8]
        private let answer: [UInt8]
        /// Stops reading after each piece.
        var takesPieces = false
        private(set) var heard: [UInt8] = []
        private(set) var heardBeforeEnd = -1

        init(opening: [UInt8] = [], answer: [UInt8] = []) {
            (self.opening, self.answer) = (opening, answer)
        }

        var status: Int { Int(String(decoding: heard.prefix(12).suffix(3), as: UTF8.self)) ?? 0 }
        var body: ArraySlice<UInt8> { heard.suffix(MovedBytesTests.body.count) }

        override func connected() { send(opening) }
        override func received(_ bytes: [UInt8]) {
            if heard.isEmpty {
                isReading = false
                send(answer)
            }
            heard += bytes
            if takesPieces { isReading = false }
        }
        override func ended() {
            heardBeforeEnd = heard.count
            close()
        }
    }

    private static func text(_ text: String) -> [UInt8] { Array(text.utf8) }
    private static let request = text("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.count)\r\n\r\n")
    private static let refusal = text("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    /// Turns until so many pipes are lent.
    private func turn(_ stage: inout Stage, untilPipes count: Int) {
        for _ in 0..<2000 where stage.worker.census.pipes != count { stage.worker.turn(waitMilliseconds: -1) }
        let pipes = stage.worker.census.pipes
        #expect(pipes == count)
    }

    private func turnToTheEnd(_ stage: inout Stage) {
        repeat { stage.worker.turn(waitMilliseconds: -1) } while !stage.network.isQuiet
        let (census, descriptors, incidents) = (
            stage.worker.census, stage.network.openDescriptors, stage.recorder.ring.lastSequence
        )
        #expect(census == WorkerCensus() && descriptors == 1 && incidents == 0)
    }

    /// An upload that its server has stopped to read.
    private func upload(_ server: Side, _ client: Side) throws -> Stage {
        var stage = try Stage.make(server)
        stage.network.connect(client, to: stage.listener, over: Link())
        turn(&stage, untilPipes: 1)
        let u = stage.worker.upstreams[0]
        let e = stage.worker.exchanges[u.pointee.exchange]
        #expect(u.pointee.socket.isHeldBack && e.pointee.toUpstream.pipe >= 0 && e.pointee.toClient.pipe == -1)
        #expect(u.pointee.sent - u.pointee.requestHeadEnd == e.pointee.requestBytes, "moved bytes count as sent")
        return stage
    }

    @Test func anUploadGoesOnWhenItsServerReadsOn() throws {
        let server = Side()
        let client = Side(opening: Self.request + Self.body)
        var stage = try upload(server, client)
        let heard = server.heard.count
        stage.network.advance(to: stage.network.time + 1_000_000_000)
        stage.worker.turn(waitMilliseconds: 0)
        #expect(server.heard.count == heard)
        turn(&stage, untilPipes: 1)
        client.isReading = true
        server.isReading = true
        while server.body != Self.body[...] { stage.worker.turn(waitMilliseconds: -1) }
        turn(&stage, untilPipes: 0)
        server.send(Self.text("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
        while client.heard.isEmpty { stage.worker.turn(waitMilliseconds: -1) }
        #expect(client.status == 200)
        client.close()
        turnToTheEnd(&stage)
    }

    @Test func anAnswerThatDoesNotWaitForTheUpload() throws {
        let server = Side()
        let client = Side(opening: Self.request + Self.body)
        var stage = try upload(server, client)
        server.send(Self.refusal)
        client.isReading = true
        turn(&stage, untilPipes: 0)
        turnToTheEnd(&stage)
        #expect(client.status == 413 && Array(client.heard.suffix(4)) == Self.text("\r\n\r\n"))
    }

    @Test(arguments: [false, true])
    func aSideThatGoesAway(isServer: Bool) throws {
        let server = Side()
        let client = Side(opening: Self.request + Self.body)
        var stage = try upload(server, client)
        if isServer { server.reset() } else { client.reset() }
        turn(&stage, untilPipes: 0)
        if isServer {
            while client.heard.isEmpty { stage.worker.turn(waitMilliseconds: -1) }
            #expect(client.status == 502)
            client.reset()
        }
        server.isReading = true
        turnToTheEnd(&stage)
    }

    // MARK: Tunnels

    /// A tunnel whose sides say much, and stop reading.
    private func tunnel(_ server: Side, _ client: Side, idle: UInt64 = 60_000_000_000) throws -> Stage {
        var stage = try Stage.make(
            Plan.Timeouts(), { $0.tunnelIdleTimeout = idle }, { _ in .accepts { _ in (server, Link()) } })
        stage.network.connect(client, to: stage.listener, over: Link())
        turn(&stage, untilPipes: 2)
        return stage
    }

    private static func server() -> Side {
        Side(answer: text("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n") + body)
    }

    private static func client() -> Side {
        Side(opening: text("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"), answer: body)
    }

    @Test func bothWaysAtOnce() throws {
        let (server, client) = (Self.server(), Self.client())
        var stage = try tunnel(server, client)
        for side in [server, client] { side.isReading = true }
        while server.body != Self.body[...] || client.body != Self.body[...] { stage.worker.turn(waitMilliseconds: -1) }
        turn(&stage, untilPipes: 0)
        for side in [client, server] { side.finish() }
        turnToTheEnd(&stage)
        #expect(server.heardBeforeEnd == server.heard.count && client.heardBeforeEnd == client.heard.count)
    }

    /// Sides that have said everything and ended before the others read it.
    @Test func endsComeAfterWhatIsInPipes() throws {
        let (server, client) = (Self.server(), Self.client())
        var stage = try tunnel(server, client)
        for side in [client, server] { side.finish() }
        stage.network.advance(to: stage.network.time + 1_000_000_000)
        stage.worker.turn(waitMilliseconds: 0)
        for side in [server, client] { side.isReading = true }
        turnToTheEnd(&stage)
        #expect(server.body == Self.body[...] && client.body == Self.body[...])
        #expect(server.heardBeforeEnd == server.heard.count && client.heardBeforeEnd == client.heard.count)
    }

    /// A server that takes what waits for it slowly uses its tunnel all the time.
    @Test func aTunnelIsNotIdleWhileBytesLeaveItsPipe() throws {
        let (server, client) = (Self.server(), Self.client())
        var stage = try tunnel(server, client, idle: 500_000_000)
        client.isReading = true
        (server.readBytesMax, server.takesPieces) = (4096, true)
        readSlowly(server, stage.network)
        turnToTheEnd(&stage)
        #expect(server.body == Self.body[...] && client.body == Self.body[...])
    }

    private func readSlowly(_ side: Side, _ network: SimulatedNetwork) {
        network.after(50_000_000) {
            guard side.isOpen else { return }
            side.isReading = true
            self.readSlowly(side, network)
        }
    }
}
