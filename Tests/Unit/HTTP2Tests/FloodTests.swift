import HTTP2
import Testing
import Wire

/// Each limit of `HTTP2Limits`, gone past by a peer.
@Suite struct FloodTests {
    static let start = Frames.preface + Frames.settings()

    /// Sends `frame(i)` until the connection is over, and returns how many it took.
    private func flood(
        _ server: Endpoint, most: Int = 5000, nanosecondsApart: UInt64 = 0, _ frame: (Int) -> [UInt8]
    ) -> Int {
        server.receive(Self.start)
        for i in 0..<most {
            server.now += nanosecondsApart
            server.receive(frame(i))
            if server.failure != nil { return i + 1 }
        }
        return most
    }

    private func stream(_ i: Int) -> UInt32 { UInt32(1 + 2 * i) }

    @Test func rapidReset() {
        let server = Endpoint(.server)
        #expect(flood(server) { Frames.get(stream($0)) + Frames.reset(stream($0)) } == 501)
        #expect(server.failure == .rapidReset)
        // Whoever does it as slowly as it may be needed is left alone.
        let patient = Endpoint(.server)
        let second: UInt64 = 1_000_000_000
        #expect(
            flood(patient, most: 2000, nanosecondsApart: second / 30) { Frames.get(stream($0)) + Frames.reset(stream($0)) }
                == 2000)
    }

    @Test func resetsThatTheClientMakesUsSend() {
        let server = Endpoint(.server)
        #expect(flood(server) { Frames.get(stream($0)) + Frames.windowUpdate(stream($0), 0) } == 501)
        #expect(server.failure == .rapidReset)
        let other = Endpoint(.server)
        #expect(flood(other) { Frames.headers(stream($0), [("a", "b")]) } == 501)
        #expect(other.failure == .rapidReset)
    }

    @Test func continuations() {
        let server = Endpoint(.server)
        server.receive(Self.start + Frames.frame(1, 0, 1, []))
        for _ in 0..<15 { server.receive(Frames.frame(9, 0, 1, [])) }
        #expect(server.failure == nil)
        server.receive(Frames.frame(9, 0, 1, []))
        #expect(server.failure == .continuationFlood)
    }

    @Test func settings() {
        let server = Endpoint(.server)
        #expect(flood(server) { _ in Frames.settings() } == 50)
        #expect(server.failure == .settingsFlood)
        let long = Endpoint(.server)
        long.receive(Frames.preface + Frames.settings((0..<33).map { _ in (6, 1000) }))
        #expect(long.failure == .settingsFlood)
    }

    @Test func pings() {
        let server = Endpoint(.server)
        #expect(flood(server) { _ in Frames.ping() } == 201)
        #expect(server.failure == .pingFlood)
    }

    /// A peer that asks slowly and never reads an answer.
    @Test func acknowledgementsThatNobodyReads() {
        let server = Endpoint(.server)
        #expect(flood(server, nanosecondsApart: 1_000_000_000) { _ in Frames.ping() } == 1000)
        #expect(server.failure == .pingFlood)
    }

    @Test func emptyData() {
        let server = Endpoint(.server)
        server.receive(Self.start + Frames.get(1, ends: false))
        var n = 0
        while server.failure == nil, n < 1000 {
            server.receive(Frames.data(1, ""))
            n += 1
        }
        #expect(n == 201 && server.failure == .emptyDataFlood)
    }

    @Test func priorities() {
        let server = Endpoint(.server)
        #expect(flood(server) { _ in Frames.frame(2, 0, 1, [0, 0, 0, 0, 1]) } == 501)
        #expect(server.failure == .priorityFlood)
        let unknown = Endpoint(.server)
        #expect(flood(unknown) { _ in Frames.frame(0xbe, 0, 1, []) } == 501)
        #expect(unknown.failure == .priorityFlood)
    }

    /// However many small frames of DATA are on their way at once, each may bring two.
    @Test func windowUpdatesOfManySmallFrames() {
        let server = Endpoint(.server)
        server.receive(Self.start + Frames.get(1))
        server.head(1, "HTTP/1.1 200 OK\r\n\r\n")
        for _ in 0..<3000 { server.body(1, [0]) }
        _ = server.output()
        for _ in 0..<3000 { server.receive(Frames.windowUpdate(1, 1) + Frames.windowUpdate(0, 1)) }
        #expect(server.failure == nil)
    }

    @Test func windowUpdates() {
        let server = Endpoint(.server)
        #expect(flood(server) { _ in Frames.windowUpdate(0, 1) } == 1001)
        #expect(server.failure == .windowUpdateFlood)
    }

    @Test func streams() {
        var limits = HTTP2Limits()
        limits.streamsMax = 3
        let server = Endpoint(.server, limits)
        server.receive(Self.start)
        for i in 0..<4 { server.receive(Frames.get(stream(i))) }
        #expect(
            server.reported() == [
                "1: head GET / end", "3: head GET / end", "5: head GET / end", "7: refused tooManyStreams end",
            ])
        #expect(Frames.parse(server.output()).last!.payload == Frames.number(7))
        server.head(3, "HTTP/1.1 204 \r\n\r\n", ended: true)
        server.receive(Frames.get(9))
        #expect(server.reported() == ["9: head GET / end"])
    }

    @Test func headerBlocksOverTheLimits() {
        var limits = HTTP2Limits()
        limits.headerBytesMax = 2000
        limits.headerCountMax = 20
        let server = Endpoint(.server, limits)
        server.receive(Self.start + Frames.get(1, with: [("a", String(repeating: "v", count: 2000))]))
        server.receive(Frames.get(3, ends: false, with: (0..<20).map { ("f\($0)", "v") }))
        server.receive(Frames.get(5, with: (0..<19).map { ("f\($0)", "v") }))
        #expect(server.reported() == ["1: refused headerTooLarge end", "3: refused tooManyFields", "5: head GET / end"])
        let frames = Frames.parse(server.output()).filter { $0.stream == 1 || $0.stream == 3 }
        #expect(frames.map(\.type) == [1, 1, 3])
        let client = Endpoint(.client)
        for _ in 0..<2 { client.request("GET / HTTP/1.1\r\nHost: a\r\n\r\n") }
        client.receive(Frames.settings() + frames.flatMap { Frames.frame($0.type, $0.flags, $0.stream, $0.payload) })
        #expect(client.reported() == ["1: head 431 end", "3: head 431 end"])
        server.receive(Frames.data(3, "body", ends: true))
        #expect(server.reported() == [])
    }

    /// One entry of the dynamic table, named again and again: small on the wire, large when unpacked.
    @Test func headerBomb() {
        let server = Endpoint(.server)
        server.receive(Self.start)
        let entry = [0x40] + Frames.block([("a", String(repeating: "v", count: 4000))])[1...]
        let named = [UInt8](repeating: 0x80 | 62, count: 16)
        let head = Frames.block(RequestTests.pseudo)
        server.receive(Frames.frame(1, 5, 1, head + entry + named))
        #expect(server.reported() == ["1: refused headerTooLarge end"])
        server.receive(Frames.frame(1, 5, 3, head + [UInt8](repeating: 0x80 | 62, count: 1000)))
        #expect(server.failure == .headerBomb)
    }

    @Test func packedHeaderBytes() {
        let server = Endpoint(.server)
        server.receive(Self.start + Frames.frame(1, 0, 1, [UInt8](repeating: 0, count: 16384)))
        for _ in 0..<10 where server.failure == nil {
            server.receive(Frames.frame(9, 0, 1, [UInt8](repeating: 0, count: 16384)))
        }
        #expect(server.failure == .headerBomb)
    }

    /// Frames that report nothing: a step reads some, and lets others have their turn.
    @Test func framesThatReportNothing() {
        let server = HTTP2Session(.server, HTTP2Limits())!
        var block = HeaderBlock(capacity: 128)
        var bytes = Self.start + (0..<100).flatMap { _ in Frames.windowUpdate(0, 1) }
        let total = bytes.count
        var at = 0
        var pauses = 0
        var largest = 0
        bytes.withUnsafeMutableBufferPointer { bytes in
            while true {
                let step = server.receive(bytes.baseAddress! + at, count: total - at, now: 1, block: &block)
                at += step.consumed
                largest = max(largest, step.consumed)
                guard step.event == .pause else { return #expect(step.event == .needMore) }
                pauses += 1
            }
        }
        #expect(at == total && pauses == 6)
        #expect(largest <= Self.start.count + 16 * 13)
    }

    /// What an upstream still sends on streams that are over; and a body that it may be in the middle of.
    @Test func headerBlocksOnStreamsThatAreOver() {
        let upstream = Endpoint(.client)
        upstream.request("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        upstream.receive(Frames.settings())
        upstream.session.reset(1, code: 8)
        for _ in 0..<4000 { upstream.receive(Frames.headers(1, [(":status", "103")])) }
        #expect(upstream.failure == nil && upstream.reported() == [])
        upstream.receive(Frames.headers(1, [(":status", "103")]))
        #expect(upstream.failure == .lateHeadFlood)
    }

    /// A last stream below one whose answer has begun is not believed of that one.
    @Test func goAwayBelowAnAnswerInProgress() {
        let upstream = Endpoint(.client)
        for _ in 0..<2 { upstream.request("GET / HTTP/1.1\r\nHost: a\r\n\r\n") }
        upstream.receive(Frames.settings() + Frames.headers(1, [(":status", "200")]) + Frames.goAway(0))
        upstream.receive(Frames.data(1, "whole", ends: true))
        #expect(upstream.reported() == ["1: head 200", "0: goAway", "3: reset 7", "1: body 5 end"])
    }
}
