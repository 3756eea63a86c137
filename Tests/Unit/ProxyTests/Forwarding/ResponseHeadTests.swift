import HTTP1
import Testing
import Wire

@testable import Configuration
@testable import Proxy

/// An answer's header block as it goes to the client.
@Suite struct ResponseHeadTests {
    struct Row: CustomTestStringConvertible, Sendable {
        var name: String
        var start = "HTTP/1.1 200 OK"
        var fields: [String]
        var framing = BodyDecoder.Framing.length
        var closes = false
        var isHTTP10 = false
        var switches = false
        var isEmpty = false
        var isInterim = false
        var isOfHTTP2 = false
        var expected: [String]
        var testDescription: String { name }

        init(_ name: String, _ fields: [String], _ expected: [String], _ change: (inout Row) -> Void = { _ in }) {
            self.name = name
            self.fields = fields
            self.expected = expected
            change(&self)
        }
    }

    /// The lines for the client, without the start line and this proxy's Via.
    private func write(
        _ row: Row, _ changes: Settings.Route.HeaderChanges = .init(), cookie: String = "", accept: String = ""
    ) throws -> [String] {
        let kept = FieldChanges(changes)
        defer { withExtendedLifetime(kept) {} }
        let (cookie, accept) = (Array(cookie.utf8), Array(accept.utf8))
        var hop = ResponseHead.Hop(framing: row.framing, closes: row.closes, isHTTP10: row.isHTTP10)
        hop.switches = row.switches
        hop.isEmpty = row.isEmpty
        hop.isInterim = row.isInterim
        let head = try ReadBlock.of(.answer, [row.start] + row.fields) { block in
            let unmanaged: Unmanaged<FieldChanges>? = kept.map { .passUnretained($0) }
            if row.isOfHTTP2 { block.version = .http2 }
            ResponseHead.dropFields(&block, hop)
            unmanaged.drop(&block)
            let text = ReadBlock.written { out in
                cookie.withUnsafeBufferPointer { cookie in
                    accept.withUnsafeBufferPointer { ResponseHead.write(block, hop, unmanaged, cookie, $0, &out) }
                }
            }
            #expect(text.utf8.count <= block.byteCount + ResponseHead.addedBytesMax + unmanaged.lines.count)
            return text
        }
        return ReadBlock.lines(head)
    }

    static let rows: [Row] = [
        Row("a length", ["Content-Length: 3", "A: 1"], ["Content-Length: 3", "A: 1"]),
        Row("a length that stands twice is told once", ["Content-Length: 3", "Content-Length: 3"], ["Content-Length: 3"]),
        Row("chunks", ["Transfer-Encoding: chunked", "A: 1"], ["A: 1", "Transfer-Encoding: chunked"]) { $0.framing = .chunked },
        Row(
            "a length beside chunks does not hold", ["Content-Length: 3", "Transfer-Encoding: chunked"],
            ["Transfer-Encoding: chunked"]
        ) {
            $0.framing = .chunked
        },
        Row("chunks for a client of HTTP/1.0", ["Transfer-Encoding: chunked"], ["Connection: close"]) {
            ($0.framing, $0.isHTTP10, $0.closes) = (.untilClose, true, true)
        },
        Row("nothing delimits it, and its client is told chunks", ["A: 1"], ["A: 1", "Transfer-Encoding: chunked"]) {
            $0.framing = .chunked
        },
        Row("a coding beside chunks", ["Transfer-Encoding: gzip, Chunked"], ["Transfer-Encoding: gzip, chunked"]) {
            $0.framing = .chunked
        },
        Row(
            "several codings in several lines", ["Transfer-Encoding: identity,gzip", "Transfer-Encoding: deflate, chunked"],
            ["Transfer-Encoding: gzip,deflate, chunked"]
        ) { $0.framing = .chunked },
        Row(
            "a coding that is a content coding too, for who knows no other", ["Transfer-Encoding: X-GZip"],
            ["Content-Encoding: X-GZip", "Connection: close"]
        ) { ($0.framing, $0.isHTTP10, $0.closes) = (.untilClose, true, true) },
        Row("a coding that is none, for who knows no other", ["Transfer-Encoding: brew"], ["Connection: close"]) {
            ($0.framing, $0.closes) = (.untilClose, true)
        },
        Row("one of two is no content coding", ["Transfer-Encoding: gzip, brew"], ["Connection: close"]) {
            ($0.framing, $0.closes) = (.untilClose, true)
        },
        Row("a coding where there is no body", ["Transfer-Encoding: gzip"], []) { $0.framing = .none },
        Row(
            "a length beside a coding does not hold", ["Content-Length: 3", "Transfer-Encoding: gzip"],
            ["Content-Encoding: gzip"]),
        Row("a stream that ends with its head", ["A: 1"], ["A: 1", "Content-Length: 0"]) { $0.isEmpty = true },
        Row("which says so itself", ["Content-Length: 0"], ["Content-Length: 0"]) { $0.isEmpty = true },
        Row("the length of what HEAD would have got", ["Content-Length: 300"], ["Content-Length: 300"]) { $0.framing = .none },
        Row("an end", [], ["Connection: close"]) { $0.closes = true },
        Row("HTTP/1.0 that is kept", [], ["Connection: keep-alive"]) { $0.isHTTP10 = true },
        Row("HTTP/1.0 that ends", [], ["Connection: close"]) { ($0.isHTTP10, $0.closes) = (true, true) },
        Row(
            "hop by hop",
            ["Connection: close, X-Hop", "Keep-Alive: timeout=5", "X-Hop: 1", "Upgrade: h2c", "Proxy-Connection: x"],
            []),
        Row("what the probe says stays here", ["SendOnce-Id: 0123", "A: 1"], ["A: 1"]),
        Row(
            "a switch", ["Upgrade: websocket", "Connection: upgrade", "Sec-WebSocket-Accept: x"],
            ["Upgrade: websocket", "Sec-WebSocket-Accept: x", "Connection: upgrade"]
        ) {
            ($0.framing, $0.switches, $0.closes) = (.none, true, true)
        },
        Row(
            "fields that may stand more than once", ["Set-Cookie: a=1", "Set-Cookie: b=2"],
            ["Set-Cookie: a=1", "Set-Cookie: b=2"]),
    ]

    @Test(arguments: rows)
    func passesOn(_ row: Row) throws {
        #expect(try write(row) == ["HTTP/1.1 200 OK"] + row.expected + ["Via: 1.1 sendonce"])
    }

    /// Whatever the server spoke, the client is answered in this proxy's version, and Via names the server's.
    @Test(arguments: [
        ("HTTP/1.1 204 No Content", "HTTP/1.1 204 No Content", "Via: 1.1 sendonce"),
        ("HTTP/1.0 404 Not Found", "HTTP/1.1 404 Not Found", "Via: 1.0 sendonce"),
        ("HTTP/1.1 599 ", "HTTP/1.1 599 ", "Via: 1.1 sendonce"),
        ("HTTP/1.1 200", "HTTP/1.1 200 ", "Via: 1.1 sendonce"),
    ])
    func startLines(_ start: String, _ expected: String, _ via: String) throws {
        #expect(try write(Row("", [], []) { $0.start = start }) == [expected, via])
    }

    /// HTTP/2 has no reason phrases: what a status is called is said to whoever speaks HTTP/1.
    @Test(arguments: [
        (200, "OK"), (103, "Early Hints"), (404, "Not Found"), (511, "Network Authentication Required"), (299, ""),
    ])
    func startLinesOfHTTP2(_ status: Int, _ name: String) throws {
        let row = Row("", [], []) { ($0.start, $0.isOfHTTP2) = ("HTTP/1.1 \(status)", true) }
        #expect(try write(row) == ["HTTP/1.1 \(status) \(name)", "Via: 2.0 sendonce"])
    }

    @Test func aRoutesChangesAndTheCookieStandBeforeVia() throws {
        var changes = Settings.Route.HeaderChanges()
        changes.set = [.init(name: "X-Frame-Options", value: "DENY"), .init(name: "via", value: "mine")]
        changes.remove = ["server"]
        let row = Row("", ["Server: x", "x-frame-options: SAMEORIGIN", "Via: 1.1 b", "Serverless: y"], [])
        let lines = try write(row, changes, cookie: "Set-Cookie: c=1\r\n", accept: "Sec-WebSocket-Accept: k\r\n")
        #expect(
            lines == [
                "HTTP/1.1 200 OK", "Serverless: y", "Set-Cookie: c=1", "Sec-WebSocket-Accept: k", "X-Frame-Options: DENY",
                "via: mine",
            ])
        // What is set is for the answer; what is taken out is for nobody.
        let interim = Row("", ["Link: </a>", "Server: x", "X-Frame-Options: SAMEORIGIN"], []) {
            ($0.start, $0.framing, $0.isInterim) = ("HTTP/1.1 103 Early Hints", .none, true)
        }
        #expect(try write(interim, changes) == ["HTTP/1.1 103 Early Hints", "Link: </a>"])
    }
}
