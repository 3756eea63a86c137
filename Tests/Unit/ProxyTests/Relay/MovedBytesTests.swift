import EventLoop
import Report
import Simulation
import Testing

@testable import Proxy

/// Bytes that wait in a pipe for one side of an exchange: who waits for whom, and what becomes of them when somebody goes away.
@Suite struct MovedBytesTests {
    private typealias Stage = SimulatedWorkerTests.Stage
    private static let body = (0..<400_000).map { UInt8(truncatingIfNeeded: $0 &* 7 ^ $0 >> 8) }

    /// Says something once it has been spoken to, and stops reading after so many bytes.
    private final class Side: SimulatedPeer {
        private let opening: [UInt8]
        private let answer: [UInt8]
        private let pauseAfter: Int
        /// Stops reading after each piece.
        var takesPieces = false
        private(set) var heard: [UInt8] = []
        private(set) var heardBeforeEnd = -1

        init(opening: [UInt8] = [], answer: [UInt8] = [], pauseAfter: Int = 1) {
            (self.opening, self.answer, self.pauseAfter) = (opening, answer, pauseAfter)
        }

        var status: Int { Int(String(decoding: heard.prefix(12).suffix(3), as: UTF8.self)) ?? 0 }
        /// The last that it has heard is the end of a body. A whole one is compared once.
        var hasEnd: Bool { heard.count >= MovedBytesTests.body.count && heard.suffix(8) == MovedBytesTests.body.suffix(8) }
        var hasBody: Bool { heard.suffix(MovedBytesTests.body.count) == MovedBytesTests.body[...] }

        override func connected() { send(opening) }
        override func received(_ bytes: [UInt8]) {
            if heard.isEmpty { send(answer) }
            if heard.count < pauseAfter, heard.count + bytes.count >= pauseAfter { isReading = false }
            if takesPieces { isReading = false }
            heard += bytes
        }
        override func ended() {
            heardBeforeEnd = heard.count
            close()
        }
    }

    private static func text(_ text: String) -> [UInt8] { Array(text.utf8) }
    private static let request = text("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.count)\r\n\r\n")
    private static let refusal = text("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    /// Turns until it is so.
    private func turn(_ stage: inout Stage, until isSo: (WorkerCensus) -> Bool) throws {
        for _ in 0..<5000 where !isSo(stage.worker.census) { stage.worker.turn(waitMilliseconds: -1) }
        let census = stage.worker.census
        try #require(isSo(census))
    }

    private func turn(_ stage: inout Stage, untilPipes count: Int) throws { try turn(&stage) { $0.pipes == count } }

    private func turnToTheEnd(_ stage: inout Stage) throws {
        let network = stage.network
        stage.worker.turn(waitMilliseconds: -1)
        try turn(&stage) { _ in network.isQuiet }
        let (census, descriptors, incidents) = (
            stage.worker.census, stage.network.openDescriptors, stage.recorder.ring.lastSequence
        )
        #expect(census == WorkerCensus() && descriptors == 1 && incidents == 0)
    }

    /// An upload that its server has stopped to read.
    private func upload(_ server: Side, _ client: Side) throws -> Stage {
        var stage = try Stage.make(server)
        (stage.network.pipeCapacities, stage.network.shortSplicesPerMille) = ([256 << 10], 0)
        stage.network.connect(client, to: stage.listener, over: Link())
        try turn(&stage, untilPipes: 1)
        let u = stage.worker.upstreams[0]
        let e = stage.worker.exchanges[u.pointee.exchange]
        #expect(u.pointee.socket.isHeldBack && e.pointee.toUpstream.pipe >= 0 && e.pointee.toClient.pipe == -1)
        #expect(u.pointee.sent - u.pointee.requestHeadEnd == e.pointee.requestBytes, "moved bytes count as sent")
        return stage
    }

    @Test func anUploadGoesOnWhenItsServerReadsOn() throws {
        let server = Side(pauseAfter: 150_000)
        let client = Side(opening: Self.request + Self.body, pauseAfter: .max)
        var stage = try upload(server, client)
        stage.network.advance(to: stage.network.time + 1_000_000_000)
        stage.worker.turn(waitMilliseconds: 0)
        try turn(&stage, untilPipes: 1)
        server.isReading = true
        try turn(&stage) { _ in server.hasEnd }
        #expect(server.hasBody)
        try turn(&stage, untilPipes: 0)
        server.send(Self.text("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
        try turn(&stage) { _ in !client.heard.isEmpty }
        #expect(client.status == 200)
        client.close()
        try turnToTheEnd(&stage)
    }

    @Test func anAnswerThatDoesNotWaitForTheUpload() throws {
        let server = Side(pauseAfter: 150_000)
        let client = Side(opening: Self.request + Self.body, pauseAfter: .max)
        var stage = try upload(server, client)
        server.send(Self.refusal)
        try turn(&stage, untilPipes: 0)
        try turnToTheEnd(&stage)
        #expect(client.status == 413 && Array(client.heard.suffix(4)) == Self.text("\r\n\r\n"))
    }

    @Test(arguments: [false, true])
    func aSideThatGoesAway(isServer: Bool) throws {
        let server = Side(pauseAfter: 150_000)
        let client = Side(opening: Self.request + Self.body, pauseAfter: .max)
        var stage = try upload(server, client)
        if isServer { server.reset() } else { client.reset() }
        try turn(&stage, untilPipes: 0)
        if isServer {
            try turn(&stage) { _ in !client.heard.isEmpty }
            #expect(client.status == 502)
            client.reset()
        }
        server.isReading = true
        try turnToTheEnd(&stage)
    }

    // MARK: Tunnels

    /// A tunnel whose sides say much, and stop reading.
    private func tunnel(_ server: Side, _ client: Side, idle: UInt64 = 60_000_000_000) throws -> Stage {
        var stage = try Stage.make(
            Plan.Timeouts(), { $0.tunnelIdleTimeout = idle }, { _ in .accepts { _ in (server, Link()) } })
        (stage.network.pipeCapacities, stage.network.shortSplicesPerMille) = ([256 << 10], 0)
        stage.network.connect(client, to: stage.listener, over: Link())
        try turn(&stage, untilPipes: 2)
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
        try turn(&stage) { _ in server.hasEnd && client.hasEnd }
        #expect(server.hasBody && client.hasBody)
        try turn(&stage, untilPipes: 0)
        for side in [client, server] { side.finish() }
        try turnToTheEnd(&stage)
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
        try turnToTheEnd(&stage)
        #expect(server.hasBody && client.hasBody)
        #expect(server.heardBeforeEnd == server.heard.count && client.heardBeforeEnd == client.heard.count)
    }

    /// A server that takes what waits for it slowly uses its tunnel all the time.
    @Test func aTunnelIsNotIdleWhileBytesLeaveItsPipe() throws {
        let (server, client) = (Self.server(), Self.client())
        var stage = try tunnel(server, client, idle: 500_000_000)
        client.isReading = true
        (server.readBytesMax, server.takesPieces) = (4096, true)
        readSlowly(server, stage.network)
        try turnToTheEnd(&stage)
        #expect(server.hasBody && client.hasBody)
    }

    private func readSlowly(_ side: Side, _ network: SimulatedNetwork) {
        network.after(50_000_000) {
            guard side.isOpen else { return }
            side.isReading = true
            self.readSlowly(side, network)
        }
    }
}
