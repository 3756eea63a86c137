import HTTP2
import Testing

/// Flow control, and what waits for it.
@Suite struct WindowTests {
    static let start = Frames.preface + Frames.settings()

    @Test func nothingOpensByItself() {
        var limits = HTTP2Limits()
        limits.streamWindowBytes = 100_000
        limits.connectionWindowBytes = 200_000
        let server = Endpoint(.server, limits)
        server.consumes = false
        server.receive(Self.start + Frames.get(1, ends: false))
        #expect(
            Frames.parse(server.output()).map { [UInt32($0.type), $0.stream] } == [[4, 0], [8, 0], [4, 0]])
        for _ in 0..<10 { server.receive(Frames.frame(0, 0, 1, [UInt8](repeating: 0, count: 10_000))) }
        #expect(server.output().isEmpty)
        server.session.consumed(1, 49_999)
        #expect(server.output().isEmpty)
        server.session.consumed(1, 1)
        #expect(server.output() == Frames.windowUpdate(1, 50_000))
        server.session.consumed(1, 1_000_000)
        // Never more than there was.
        #expect(server.output() == Frames.windowUpdate(0, 100_000) + Frames.windowUpdate(1, 50_000))
        server.receive(Frames.frame(0, 0, 1, [UInt8](repeating: 0, count: 10_000)))
        #expect(server.failure == nil)
    }

    /// SETTINGS may make a window less than nothing (RFC 9113 section 6.9.2): an END_STREAM without payload needs none.
    @Test func anEndNeedsNoWindow() {
        let server = Endpoint(.server)
        server.receive(Self.start + Frames.get(1))
        server.head(1, "HTTP/1.1 200 OK\r\n\r\n")
        server.body(1, [1, 2, 3])
        _ = server.output()
        server.receive(Frames.settings([(4, 0)]))
        server.body(1, [], ended: true)
        #expect(Frames.parse(server.output()).contains { $0.type == 0 && $0.flags == 1 && $0.payload.isEmpty })
        #expect(server.session.openStreams == 0)
    }

    /// A stream waits for the connection's window while SETTINGS makes its own less than nothing: it has no turn until that is open again.
    @Test func aWindowThatIsClosedWhileItsStreamWaitsForTheConnection() {
        for window in [0, 100] as [UInt32] {
            let server = Endpoint(.server)
            server.receive(Self.start + Frames.get(1) + Frames.get(3))
            for id in [1, 3] as [Int32] { server.head(id, "HTTP/1.1 200 OK\r\n\r\n") }
            server.body(3, [UInt8](repeating: 3, count: 100))
            server.body(1, [UInt8](repeating: 1, count: 65_435))
            server.body(3, [UInt8](repeating: 3, count: 50), ended: true)
            _ = server.output()
            server.receive(Frames.settings([(4, window)]) + Frames.windowUpdate(0, 1000))
            #expect(!Frames.parse(server.output()).contains { $0.type == 0 })
            server.receive(Frames.windowUpdate(3, 101))
            let data = Frames.parse(server.output()).filter { $0.type == 0 }
            #expect(data.allSatisfy { $0.stream == 3 } && data.reduce(0) { $0 + $1.payload.count } == (window == 0 ? 1 : 50))
            server.receive(Frames.windowUpdate(3, 100))
            _ = server.output()
            #expect(server.failure == nil && server.session.openStreams == 1)
        }
    }

    @Test func aStreamOverItsWindowIsReset() {
        let server = Endpoint(.server)
        server.consumes = false
        server.receive(Self.start + Frames.get(1, ends: false) + Frames.get(3, ends: false))
        for _ in 0..<16 { server.receive(Frames.frame(0, 0, 1, [UInt8](repeating: 0, count: 16384))) }
        _ = server.reported()
        server.receive(Frames.data(1, "x") + Frames.data(3, "fine"))
        #expect(server.reported() == ["1: reset 3 for windowMisused", "3: body 4"])
    }

    @Test func theConnectionOverItsWindowIsOver() {
        let server = Endpoint(.server)
        server.consumes = false
        server.receive(Self.start)
        for i in 0..<5 { server.receive(Frames.get(UInt32(1 + 2 * i), ends: false)) }
        for i in 0..<64 { server.receive(Frames.frame(0, 0, UInt32(1 + 2 * (i % 5)), [UInt8](repeating: 0, count: 16384))) }
        #expect(server.failure == nil)
        server.receive(Frames.data(1, "x"))
        #expect(server.failure == .flowControlError)
    }

    /// What a stream had when it was reset or closed counts for the connection once, whenever it is passed on.
    @Test func theConnectionsWindowNeverLeaks() {
        var limits = HTTP2Limits()
        limits.closedRequestsMax = 32
        let server = Endpoint(.server, limits)
        server.consumes = false
        server.receive(Self.start)
        var credit = 0
        for i in 0..<200 {
            let id = UInt32(1 + 2 * i)
            server.receive(Frames.get(id, ends: false) + Frames.frame(0, 8, id, [99] + [UInt8](repeating: 0, count: 10_099)))
            switch i % 4 {
            case 0: server.session.reset(Int32(id), code: 8)
            case 1: server.receive(Frames.reset(id))
            case 2:
                server.receive(Frames.data(id, "", ends: true))
                server.head(Int32(id), "HTTP/1.1 200 OK\r\n\r\n", ended: true)
                server.session.consumed(Int32(id), 10_000)
            default:
                // Closed, and never passed on before it is forgotten.
                server.receive(Frames.data(id, "", ends: true))
                server.head(Int32(id), "HTTP/1.1 200 OK\r\n\r\n", ended: true)
            }
            for frame in Frames.parse(server.output()) where frame.type == 8 && frame.stream == 0 {
                credit += frame.payload.reduce(0) { $0 << 8 | Int($1) }
            }
            #expect(server.failure == nil, "at \(i)")
        }
        let sent = 200 * 10_100
        // Less than half a window is not reported yet, and no more than the streams that are remembered hold back.
        #expect(credit > sent - (1 << 19) - 32 * 10_000 && credit <= sent + (1 << 20) - 65_535)
    }

    @Test func bodiesWaitForTheWindow() {
        let server = Endpoint(.server)
        server.receive(Frames.preface + Frames.settings([(4, 10)]) + Frames.get(1) + Frames.get(3))
        server.session.setTag(1, 11)
        server.session.setTag(3, 13)
        _ = server.output()
        server.head(1, "HTTP/1.1 200 OK\r\n\r\n")
        #expect(server.body(1, Array("0123456789abcde".utf8)))
        #expect(server.session.pending(1) == 5)
        #expect(server.body(1, Array("fgh".utf8), ended: true))
        #expect(!server.body(1, [1], ended: true), "its end was given")
        #expect(server.session.pending(1) == 8)
        server.head(3, "HTTP/1.1 200 OK\r\n\r\n")
        server.body(3, Array("0123456789abc".utf8))
        server.session.setTag(3, 33)
        let first = Frames.parse(server.output())
        #expect(first.filter { $0.type == 0 }.map(\.payload) == [Array("0123456789".utf8), Array("0123456789".utf8)])
        #expect(server.session.waitsForWindow && !server.session.wantsWrite && server.session.nextDrained() == nil)
        server.receive(Frames.windowUpdate(1, 6))
        #expect(server.session.wantsWrite && !server.session.waitsForWindow)
        #expect(Frames.parse(server.output()).map(\.payload) == [Array("abcdef".utf8)])
        server.receive(Frames.settings([(4, 20)]))
        let second = Frames.parse(server.output()).filter { $0.type == 0 }
        #expect(second.map(\.flags) == [1, 0])
        #expect(second.map(\.payload) == [Array("gh".utf8), Array("abc".utf8)])
        #expect(
            [server.session.nextDrained(), server.session.nextDrained()] == [11, 33] && server.session.nextDrained() == nil)
        #expect(server.session.openStreams == 1)
    }

    @Test func aStreamMovesWhenWhatWaitedIsFramed() {
        let server = Endpoint(.server)
        server.receive(Frames.preface + Frames.settings([(4, 10)]) + Frames.get(1) + Frames.get(3))
        _ = server.output()
        for stream in [Int32(1), 3] {
            server.head(stream, "HTTP/1.1 200 OK\r\n\r\n")
            server.body(stream, Array("0123456789abcde".utf8))
        }
        func write(at now: UInt64) {
            var room = [UInt8](repeating: 0, count: 4096)
            while room.withUnsafeMutableBufferPointer({ server.session.write(into: $0.baseAddress!, capacity: 4096, now: now) })
                > 0
            {}
        }
        write(at: 5)
        #expect(server.session.movedAt == 0, "what found room at once has not waited")
        #expect(server.session.movedAt(1, connection: 4) == 0, "its own window has no room")
        server.receive(Frames.windowUpdate(1, 2))
        #expect(server.session.movedAt(1, connection: 4) == 4, "its own window has room")
        write(at: 7)
        #expect(server.session.movedAt(1, connection: 4) == 7 && server.session.movedAt(3, connection: 4) == 0)
        #expect(server.session.movedAt == 7)
        server.receive(Frames.windowUpdate(1, 10))
        write(at: 9)
        #expect(server.session.movedAt(1, connection: 4) == nil, "nothing waits")
        #expect(server.session.movedAt(5, connection: 4) == nil, "nobody has opened it")
        #expect(server.session.movedAt == 9)
    }

    @Test func aShrunkWindowIsNotOverrun() {
        let server = Endpoint(.server)
        server.receive(Self.start + Frames.get(1))
        server.head(1, "HTTP/1.1 200 OK\r\n\r\n")
        server.body(1, [UInt8](repeating: 1, count: 65_535))
        server.receive(Frames.settings([(4, 0)]) + Frames.windowUpdate(0, 65_535))
        _ = server.output()
        server.body(1, [1, 2, 3], ended: true)
        server.receive(Frames.windowUpdate(1, 65_535))
        #expect(server.output().isEmpty)
        server.receive(Frames.windowUpdate(1, 3))
        #expect(server.output() == Frames.frame(0, 1, 1, [1, 2, 3]))
    }

    /// A peer with a window as wide as can be, that reads nothing.
    @Test func outputIsBounded() {
        let server = Endpoint(.server)
        server.receive(
            Frames.preface + Frames.settings([(4, 0x7fff_ffff)]) + Frames.windowUpdate(0, 0x7fff_0000) + Frames.get(1))
        server.session.setTag(1, 1)
        server.head(1, "HTTP/1.1 200 OK\r\n\r\n")
        var fed = 0
        while server.session.pending(1) == 0, fed < 10 << 20 {
            server.body(1, [UInt8](repeating: 1, count: 16_000))
            fed += 16_000
        }
        #expect(fed <= (64 << 10) + 3 * 16_384)
        #expect(server.output().count > fed)
        #expect(server.session.nextDrained() == 1 && server.session.pending(1) == 0)
    }

    /// A stream that is fed whenever it can be does not keep another from its turn.
    @Test func streamsTakeTurns() {
        let server = Endpoint(.server)
        server.receive(
            Frames.preface + Frames.settings([(4, 0x7fff_ffff)]) + Frames.windowUpdate(0, 0x7fff_0000) + Frames.get(1)
                + Frames.get(3))
        for id in [Int32(1), 3] {
            server.session.setTag(id, id)
            server.head(id, "HTTP/1.1 200 OK\r\n\r\n")
        }
        server.body(1, [UInt8](repeating: 1, count: 300_000), ended: true)
        let part = [UInt8](repeating: 3, count: 40_000)
        var room = [UInt8](repeating: 0, count: 32_768)
        var turns = 0
        while server.session.openStreams == 2, turns < 100 {
            if server.session.pending(3) == 0 { server.body(3, part) }
            _ = room.withUnsafeMutableBufferPointer { server.session.write(into: $0.baseAddress!, capacity: $0.count) }
            turns += 1
        }
        // Half of each turn is its own.
        #expect(turns <= 25)
    }

    /// RST_STREAM(NO_ERROR) waits for what was queued; another code does not.
    @Test func resetBehindTheEnd() {
        let server = Endpoint(.server)
        server.receive(Frames.preface + Frames.settings([(4, 2)]) + Frames.get(1, ends: false) + Frames.get(3, ends: false))
        _ = server.output()
        for id in [Int32(1), 3] {
            server.head(id, "HTTP/1.1 413 \r\n\r\n")
            server.body(id, [1, 2, 3], ended: true)
        }
        server.session.reset(1, code: 0)
        server.session.reset(3, code: 8)
        #expect(server.session.openStreams == 1)
        server.receive(Frames.windowUpdate(1, 1))
        let frames = Frames.parse(server.output()).filter { $0.type != 1 }
        #expect(frames.map { [UInt32($0.type), $0.stream] } == [[0, 1], [0, 3], [3, 3], [0, 1], [3, 1]])
        #expect(server.session.openStreams == 0)
    }

    @Test func headerBlocksLargerThanAFrame() {
        let client = Endpoint(.client)
        let server = Endpoint(.server)
        let long = String(repeating: "v", count: 50_000)
        client.request("GET / HTTP/1.1\r\nHost: a\r\nX-Long: \(long)\r\nY: z\r\n\r\n")
        settle(client, server)
        #expect(server.reported() == ["1: head GET / end"])
        #expect(server.lastHead == ["host: a", "x-long: \(long)", "y: z"])
    }
}
