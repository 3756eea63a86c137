import HTTP2
import Testing

/// Header blocks on their way through HPACK: packed here and unpacked by libnghttp2, and by ourselves.
@Suite struct HeaderBlockTests {
    /// RFC 7541 appendix A, without pseudo-header fields and what does not leave a hop.
    static let staticNames = [
        "accept-charset", "accept-encoding", "accept-language", "accept-ranges", "accept", "access-control-allow-origin", "age",
        "allow", "authorization", "cache-control", "content-disposition", "content-encoding", "content-language",
        "content-location", "content-range", "content-type", "cookie", "date", "etag", "expect", "expires", "from", "if-match",
        "if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "last-modified", "link", "location",
        "max-forwards", "proxy-authenticate", "proxy-authorization", "range", "referer", "refresh", "retry-after", "server",
        "set-cookie", "strict-transport-security", "user-agent", "vary", "via", "www-authenticate",
    ]

    /// Names as long as a static one, that are none.
    static let nearlyStatic = staticNames.map { String($0.dropLast()) + "q" } + staticNames.map { "q" + String($0.dropFirst()) }

    private func answer(_ fields: [(String, String)], status: Int = 200) -> [String] {
        let peer = LibraryPeer(isServer: false)
        let server = Endpoint(.server)
        let id = peer.request([(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "a")], nil)
        server.receive(peer.output())
        let lines = fields.map { "\($0.0): \($0.1)\r\n" }.joined()
        server.head(id, "HTTP/1.1 \(status) \r\n\(lines)\r\n", ended: true)
        #expect(peer.receive(server.output()) && peer.invalid == 0)
        return peer.fields[id] ?? []
    }

    @Test func namesAsTheyAre() {
        let names = Self.staticNames + Self.nearlyStatic + ["a", "x", "via-", String(repeating: "n", count: 200)]
        let fields = names.map { ($0, "v") }
        #expect(answer(fields) == [":status: 200"] + fields.map { "\($0.0): \($0.1)" })
        let upper = Self.staticNames.map {
            ($0.split(separator: "-").map { $0.first!.uppercased() + $0.dropFirst() }.joined(separator: "-"), "V")
        }
        #expect(answer(upper) == [":status: 200"] + Self.staticNames.map { "\($0): V" })
    }

    @Test func lengthsOfEverySize() {
        for n in Array(0...20) + Array(120...140) + Array(250...260) + [4095, 16_383, 16_384, 16_511, 16_512, 40_000] {
            let value = String(repeating: "v", count: n)
            #expect(answer([("x", value), ("server", value)]) == [":status: 200", "x: \(value)", "server: \(value)"], "\(n)")
            guard n > 0, n < 5000 else { continue }
            #expect(answer([(String(repeating: "n", count: n), "v")]).last == String(repeating: "n", count: n) + ": v", "\(n)")
        }
    }

    @Test func everyStatus() {
        for status in 200...999 { #expect(answer([], status: status) == [":status: \(status)"]) }
    }

    @Test func whatConcernsAConnectionStaysBehind() {
        let fields = [
            ("Connection", "close"), ("Keep-Alive", "timeout=5"), ("Proxy-Connection", "close"),
            ("Transfer-Encoding", "chunked"),
            ("Upgrade", "h2c"), ("HTTP2-Settings", "x"), ("TE", "gzip"), ("TE", "trailers"), ("X", "y"),
        ]
        #expect(answer(fields) == [":status: 200", "te: trailers", "x: y"])
    }

    /// Blocks are small, but never longer than their lines and frame headers: what the session reserves for them is enough.
    @Test func manySmallFields() {
        let fields = (0..<90).map { _ in ("a", "") }
        #expect(answer(fields).count == 91)
        let client = Endpoint(.client)
        let server = Endpoint(.server)
        client.request("GET / HTTP/1.1\r\nA:\r\nB:\r\nHost:   h  \r\nC:\tx \r\n\r\n")
        settle(client, server)
        #expect(server.lastHead == ["host: h", "a: ", "b: ", "c: x"])
    }

    /// Secrets must not get into the table of anyone further on (RFC 7541 section 7.1.3).
    @Test func secretsAreNeverIndexed() {
        let client = Endpoint(.client)
        client.request("GET / HTTP/1.1\r\nHost: a\r\nCookie: c\r\nAuthorization: d\r\nX: e\r\n\r\n")
        let block = Frames.parse(client.output()).first { $0.type == 1 }!.payload
        #expect(block.firstRange(of: [0x1f, 32 - 15, 1, UInt8(ascii: "c")]) != nil)
        #expect(block.firstRange(of: [0x1f, 23 - 15, 1, UInt8(ascii: "d")]) != nil)
        #expect(block.firstRange(of: [0x00, 1, UInt8(ascii: "x"), 1, UInt8(ascii: "e")]) != nil)
    }

    /// A table that the peer has shrunk is not referred to.
    @Test func smallTables() {
        let client = Endpoint(.client)
        client.receive(Frames.settings([(1, 0)]))
        client.request("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        client.request("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        let blocks = Frames.parse(client.output()).filter { $0.type == 1 }.map(\.payload)
        #expect(blocks == [[0x20] + blocks[1], blocks[1]])
    }
}
