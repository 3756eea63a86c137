import HTTP2
import Testing

/// Fields longer than libnghttp2 takes (65,536 bytes): over a limit, and no more than that. The connection goes on, its dynamic table as its peer has it.
@Suite struct LongFieldTests {
    private static let request = Frames.block([(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "a")])

    /// HEADERS and CONTINUATIONs of 16 KiB.
    private func block(_ stream: UInt32, _ bytes: [UInt8]) -> [UInt8] {
        var frames: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 16384) {
            let end = min(start + 16384, bytes.count)
            let flags = (end == bytes.count ? Frames.endHeaders : 0) | (start == 0 ? Frames.endStream : 0)
            frames += Frames.frame(start == 0 ? 1 : 9, flags, stream, Array(bytes[start..<end]))
        }
        return frames
    }

    private func server() -> Endpoint {
        let server = Endpoint(.server)
        server.receive(Frames.preface + Frames.settings())
        return server
    }

    /// Of each sort of literal (RFC 7541 section 6.2), as a value and as a name, in letters and as Huffman's code would spell it.
    @Test(arguments: [UInt8(0), 0x10, 0x40], [65_537, 80_000])
    func oneIsRefusedAndTheNextServed(sort: UInt8, count: Int) {
        let long = Frames.string(String(repeating: "v", count: count))
        var packed = long
        packed[0] |= 0x80
        for field in [Frames.string("x") + long, Frames.string("x") + packed, long + Frames.string("v")] {
            let server = server()
            server.receive(block(1, Self.request + [sort] + field))
            server.receive(block(3, Self.request))
            #expect(server.failure == nil)
            #expect(server.facts.map(\.step.event) == [.refused(.headerTooLarge), .head], "\(sort), \(count)")
        }
    }

    @Test func theLongestThatIsTaken() {
        var limits = HTTP2Limits()
        limits.headerBytesMax = 128 << 10
        let server = Endpoint(.server, limits)
        server.receive(Frames.preface + Frames.settings())
        server.receive(block(1, Self.request + [0] + Frames.string("x") + Frames.string(String(repeating: "v", count: 65_536))))
        #expect(server.failure == nil && server.facts.map(\.step.event) == [.head])
    }

    /// A literal that is not to be indexed leaves the table alone; one that is, and has no room, empties it (RFC 7541 section 4.4).
    @Test func theTableStaysTheirs() {
        let long = Frames.string("x") + Frames.string(String(repeating: "v", count: 70_000))
        let learnt = Self.request + [0x40] + Frames.string("x-learnt") + Frames.string("1")
        for (sort, isKept) in [(UInt8(0), true), (0x10, true), (0x40, false)] {
            let server = server()
            server.receive(block(1, learnt) + block(3, Self.request + [sort] + long) + block(5, Self.request + [0x80 | 62]))
            #expect((server.failure == nil) == isKept, "\(sort)")
            if isKept { #expect(server.lastHead.contains { $0.hasPrefix("x-learnt") }) }
        }
    }

    /// What is cut, or whose lengths mean nothing, is as malformed as ever.
    @Test func whatCannotBeReadEndsTheConnection() {
        let long = Frames.string("x") + Frames.string(String(repeating: "v", count: 70_000))
        let ends: [[UInt8]] = [
            [0, 0x7f, 0xff], [0x40, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], [0, 1, 0x78, 0x7f, 0x80, 0x01, 0x76],
        ]
        for end in ends {
            let server = server()
            server.receive(block(1, Self.request + [0] + long + end))
            #expect(server.failure == .compressionError)
        }
    }
}
