import EventLoop
import Report
import Testing
import Wire

@testable import Configuration
@testable import Proxy

/// A request's header block as it goes upstream: what passes, what stays here, and what this proxy says itself.
@Suite struct RequestHeadTests {
    /// What the worker has found out of a request, and what its route changes.
    struct Setup: Sendable {
        var start = "GET /x HTTP/1.1"
        var peer = "192.0.2.1:7"
        var isTrusted = false
        var isTLS = false
        var isMarked = false
        var tellsTrailers = false
        var isChunked = false
        var keepsUpgrade = false
        var target: String?
        var changes = Settings.Route.HeaderChanges()
    }

    struct Row: CustomTestStringConvertible, Sendable {
        var name: String
        var setup = Setup()
        var fields: [String]
        var expected: [String]
        var testDescription: String { name }

        init(_ name: String, _ fields: [String], _ expected: [String], _ change: (inout Setup) -> Void = { _ in }) {
            self.name = name
            self.fields = fields
            self.expected = expected
            change(&setup)
        }
    }

    /// Calls `body` with the lines that go upstream, those after an id that was made up as `(new)`, and with the record.
    private func write<R>(_ setup: Setup, _ fields: [String], _ body: ([String], RequestRecord) throws -> R) throws -> R {
        let changes = FieldChanges(setup.changes)
        defer { withExtendedLifetime(changes) {} }
        var buffers = BufferPool()
        var random = RandomNumbers(seed: 7)
        let target = Array((setup.target ?? "").utf8)
        return try ReadBlock.of(.request, [setup.start] + fields) { block in
            try withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 4096) { scratch in
                let read = RequestTarget(block, scratch.baseAddress!)
                let asked = try #require(read)
                let peer = try #require(Array(setup.peer.utf8).withUnsafeBufferPointer { PeerAddress(text: $0) })
                return try target.withUnsafeBufferPointer { target in
                    var aim = RequestHead.Aim(asked, peer: peer, isTrusted: setup.isTrusted)
                    aim.isTLS = setup.isTLS
                    aim.isMarked = setup.isMarked
                    aim.tellsTrailers = setup.tellsTrailers
                    aim.changes = changes.map { .passUnretained($0) }
                    if !target.isEmpty { aim.target = target }
                    if !aim.changes.host.isEmpty { aim.host = aim.changes.host }
                    RequestHead.dropFields(&block)
                    aim.changes.drop(&block)
                    let room = block.byteCount + aim.byteCount + RequestHead.addedBytesMax
                    var record = RequestRecord()
                    record.head = buffers.take(room)
                    RequestHead.write(
                        block, aim, isChunked: setup.isChunked, keepsUpgrade: setup.keepsUpgrade, random: &random, into: &record
                    )
                    let end = max(Int(record.head.end), record.target.end, record.host.end)
                    #expect(end <= room, "more bytes than the buffer was taken for")
                    let head = record.text(ByteRange(start: 0, count: record.head.count))
                    defer { buffers.give(&record.head) }
                    return try body(Self.masked(ReadBlock.lines(head), fields), record)
                }
            }
        }
    }

    /// Ids that came with the request stay as they are.
    private static func masked(_ lines: [String], _ fields: [String]) -> [String] {
        lines.map { line in
            let parts = line.split(separator: ":", maxSplits: 1).map(String.init)
            let isID = parts[0] == "X-Request-Id" || parts[0] == "traceparent"
            guard isID, parts.count == 2, !fields.contains(where: { $0.hasSuffix(parts[1]) }) else { return line }
            let isHex = parts[1].dropFirst().utf8.allSatisfy { "0123456789abcdef-".utf8.contains($0) }
            let isLongEnough = parts[1].utf8.count == (parts[0] == "traceparent" ? 56 : 33)
            return isHex && isLongEnough ? "\(parts[0]): (new)" : line
        }
    }

    // MARK: What passes

    static let passing: [Row] = [
        Row("nothing but a host", [], []),
        Row("fields as they are, in their order", ["B: 2", "a:1", "B:  3 "], ["B: 2", "a:1", "B:  3 "]),
        Row(
            "hop by hop",
            ["Keep-Alive: timeout=5", "TE: trailers", "Proxy-Connection: close", "HTTP2-Settings: AAM", "Upgrade: x", "A: 1"],
            ["A: 1"]),
        Row("what Connection names", ["Connection: close, X-Hop ,cookie", "x-hop: 1", "Cookie: a=b", "A: 1"], ["A: 1"]),
        Row("several that it names at once", ["X-A: 1", "Connection: x-a", "Connection: x-b", "X-B: 1"], []),
        Row(
            "framing and routing cannot be nominated away", ["Connection: host, content-length", "Content-Length: 3"],
            ["Content-Length: 3"]),
        Row("a prefix of a name is another name", ["Connection: x-a", "X-Ab: 1", "X: 1"], ["X-Ab: 1", "X: 1"]),
        Row("a length, once and in digits", ["Content-Length: 0012"], ["Content-Length: 12"]),
        Row("chunks", ["Transfer-Encoding: Chunked"], ["Transfer-Encoding: chunked"]) { $0.isChunked = true },
        Row("an expectation", ["Expect: 100-continue"], ["Expect: 100-continue"]),
        Row("an expectation, as most write it", ["Expect: 100-Continue", "A: C"], ["Expect: 100-continue", "A: C"]),
        Row(
            "no mark of another proxy", ["SendOnce-Id: 0123", "sendonce-ID: 4567", "SendOnce-Idea: 1"], ["SendOnce-Idea: 1"]),
        Row(
            "that trailers are taken, to whom they can be told", ["TE: deflate;q=0.5, Trailers", "Connection: te"],
            ["TE: trailers"]
        ) {
            $0.tellsTrailers = true
        },
        Row("nothing else of TE", ["TE: trailers;q=0", "TE: deflate", "TE:"], []) { $0.tellsTrailers = true },
        Row("an upgrade that is not taken up", ["Connection: upgrade", "Upgrade: websocket"], []),
        Row(
            "an upgrade, without the names that may not be tunnelled",
            ["Connection: Upgrade, x-a", "Upgrade: h2c, WebSocket,TLS/1.0", "Upgrade: foo/2", "X-A: 1"],
            ["Upgrade: WebSocket,foo/2", "Connection: upgrade"]
        ) { $0.keepsUpgrade = true },
        Row(
            "a trace's state without the trace", ["tracestate: a=1", "A: 1"], ["A: 1"]),
        Row(
            "a trace's state with a trace that is none", ["traceparent: 00-xyz", "tracestate: a=1"], []),
        Row(
            "a trace's state", ["tracestate: a=1", "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"],
            ["tracestate: a=1"]),
    ]

    @Test(arguments: passing)
    func passesOn(_ row: Row) throws {
        try write(row.setup, ["Host: a.example"] + row.fields) { lines, _ in
            #expect(lines.prefix(2) == ["GET /x HTTP/1.1", "Host: a.example"])
            let end = try #require(lines.firstIndex { $0.hasPrefix("X-Forwarded-For:") })
            #expect(Array(lines[2..<end]) == row.expected)
            #expect(lines.filter { $0.lowercased().hasPrefix("traceparent:") }.count == 1)
        }
    }

    @Test func linesThatEndInALineFeedAloneGetTheirCR() throws {
        let lines = try ReadBlock.of(.answer, text: "HTTP/1.1 200 OK\r\nA: 1\nB: 2\r\nDate: x\nC:3\n\n") { block in
            block.drop(.date)
            return ReadBlock.written { out in
                out.putFields(block)
                out.put("\r\n")
            }
        }
        #expect(ReadBlock.lines(lines) == ["A: 1", "B: 2", "C:3"])
    }

    // MARK: Who asked

    static let said = [
        "X-Forwarded-For: 198.51.100.9", "X-Forwarded-For:", "x-forwarded-for: 10.0.0.2", "X-Forwarded-Proto: https",
        "X-Forwarded-Host: public.example", "Forwarded: for=198.51.100.9;proto=https",
    ]

    static let forwarding: [Row] = [
        Row(
            "nobody before", [],
            ["192.0.2.1", "http", "a.example", "for=192.0.2.1;host=a.example;proto=http"]),
        Row(
            "what a stranger says is not passed on", said,
            ["192.0.2.1", "http", "a.example", "for=192.0.2.1;host=a.example;proto=http"]),
        Row(
            "what a trusted proxy says comes first", said,
            [
                "198.51.100.9, 10.0.0.2, 192.0.2.1", "https", "public.example",
                "for=198.51.100.9;proto=https, for=192.0.2.1;host=a.example;proto=http",
            ]
        ) { $0.isTrusted = true },
        Row(
            "a trusted proxy that says nothing", [],
            ["192.0.2.1", "http", "a.example", "for=192.0.2.1;host=a.example;proto=http"]
        ) { $0.isTrusted = true },
        Row("TLS", [], ["192.0.2.1", "https", "a.example", "for=192.0.2.1;host=a.example;proto=https"]) { $0.isTLS = true },
        Row(
            "IPv6", [], ["2001:db8::1", "http", "a.example", "for=\"[2001:db8::1]\";host=a.example;proto=http"]
        ) { $0.peer = "[2001:db8::1]:80" },
        Row(
            "a host with a port is no token", [], ["192.0.2.1", "http", "b:80", "for=192.0.2.1;host=\"b:80\";proto=http"]
        ) { $0.start = "GET http://b:80/x HTTP/1.1" },
        Row("no host at all", [], ["192.0.2.1", "http", "", "for=192.0.2.1;proto=http"]) { $0.start = "GET /x HTTP/1.0" },
    ]

    @Test(arguments: forwarding)
    func saysWhoAsked(_ row: Row) throws {
        let host = row.setup.start.hasSuffix("1.0") ? [] : ["Host: a.example"]
        try write(row.setup, host + row.fields) { lines, _ in
            let names = ["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded"]
            #expect(lines.filter { $0.lowercased().contains("forwarded") } == zip(names, row.expected).map { "\($0): \($1)" })
        }
    }

    // MARK: Which request it is

    static let trace = "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    static let identities: [Row] = [
        Row("none came", [], ["X-Request-Id: (new)", "traceparent: (new)"]),
        Row("a stranger's id is not believed, a trace is", ["X-Request-Id: abc", trace], ["X-Request-Id: (new)", trace]),
        Row("a trusted proxy's id", ["X-Request-Id: abc", trace], ["X-Request-Id: abc", trace]) { $0.isTrusted = true },
        Row("an empty one", ["X-Request-Id:"], ["X-Request-Id: (new)", "traceparent: (new)"]) { $0.isTrusted = true },
        Row(
            "the longest id", ["X-Request-Id: " + String(repeating: "i", count: 128)],
            ["X-Request-Id: " + String(repeating: "i", count: 128), "traceparent: (new)"]
        ) { $0.isTrusted = true },
        Row(
            "one that is longer", ["X-Request-Id: " + String(repeating: "i", count: 129)],
            ["X-Request-Id: (new)", "traceparent: (new)"]
        ) { $0.isTrusted = true },
        Row("a trace that is none", ["traceparent: 00-1-2-3"], ["X-Request-Id: (new)", "traceparent: (new)"]),
    ]

    @Test(arguments: identities)
    func saysWhichItIs(_ row: Row) throws {
        try write(row.setup, ["Host: a"] + row.fields) { lines, record in
            #expect(lines.filter { $0.hasPrefix("X-Request-Id:") || $0.hasPrefix("traceparent:") } == row.expected)
            // The record has the same, where an incident looks for it.
            #expect(record.text(record.id).utf8.count >= 1 && !record.text(record.id).contains("\r"))
            #expect(record.text(record.trace).utf8.count == 55)
        }
    }

    // MARK: The end of the block

    private static func changed(
        set: [(String, String)], remove: [String] = []
    ) -> Settings.Route.HeaderChanges {
        var changes = Settings.Route.HeaderChanges()
        changes.set = set.map { .init(name: $0.0, value: $0.1) }
        changes.remove = remove
        return changes
    }

    static let endings: [Row] = [
        Row("HTTP/1.1", ["Via: 1.1 other"], ["Via: 1.1 other", "Via: 1.1 sendonce"]),
        Row("HTTP/1.0", [], ["Via: 1.0 sendonce"]) { $0.start = "GET /x HTTP/1.0" },
        Row("marked, the mark last", [], ["Via: 1.1 sendonce", "SendOnce-Id: 00000000000000000000000000000000"]) {
            $0.isMarked = true
        },
        Row("a route that sets fields", ["X-Set: theirs", "Via: 1.0 o"], ["Via: 1.0 o", "X-Set: ours", "Via: 1.1 sendonce"]) {
            $0.changes = changed(set: [("X-Set", "ours")])
        },
        Row("a route that sets Via", ["Via: 1.0 o"], ["Via: hidden"]) { $0.changes = changed(set: [("Via", "hidden")]) },
        Row("a route that removes Via", ["Via: 1.0 o"], []) { $0.changes = changed(set: [], remove: ["via"]) },
        Row("a route that removes the forwarding fields", [], ["Via: 1.1 sendonce"]) {
            $0.changes = changed(
                set: [], remove: ["x-forwarded-for", "X-Forwarded-Proto", "x-forwarded-host", "FORWARDED"])
        },
    ]

    @Test(arguments: endings)
    func ends(_ row: Row) throws {
        try write(row.setup, ["Host: a"] + row.fields) { lines, _ in
            let known = ["Via", "X-Set", "SendOnce-Id"]
            #expect(lines.filter { line in known.contains { line.hasPrefix("\($0):") } } == row.expected)
            let isSilent = row.setup.changes.remove.count == 4
            #expect(lines.contains { $0.lowercased().contains("forwarded") } != isSilent)
        }
    }

    /// The mark is written into the block just before it is sent: its place is counted from the end.
    @Test func theMarkStandsWhereItIsWritten() throws {
        var setup = Setup()
        setup.isMarked = true
        try write(setup, ["Host: a"]) { _, record in
            let start = record.head.count - ExchangeMark.distanceFromEnd
            let mark = record.text(ByteRange(start: start, count: ExchangeMark.byteCount))
            #expect(mark == String(repeating: "0", count: ExchangeMark.byteCount))
            let rest = record.text(ByteRange(start: start + ExchangeMark.byteCount, count: 4))
            #expect(rest == "\r\n\r\n")
        }
    }

    // MARK: The record

    /// Logs and incidents show what the client asked for, also where a route asks its upstream for something else.
    @Test func theRecordShowsWhatTheClientAskedFor() throws {
        var setup = Setup()
        setup.start = "DELETE /old?x=1 HTTP/1.1"
        setup.target = "/new"
        setup.changes = Self.changed(set: [("Host", "inner.example")])
        try write(setup, ["Host: a.example"]) { lines, record in
            #expect(Array(lines.prefix(2)) == ["DELETE /new HTTP/1.1", "Host: inner.example"])
            #expect(lines.contains("X-Forwarded-Host: a.example") && !lines.contains { $0.contains("/old") })
            #expect(record.text(record.methodText) == "DELETE" && record.text(record.target) == "/old?x=1")
            #expect(record.text(record.host) == "a.example")
        }
        try write(Setup(), ["Host: a.example"]) { _, record in
            #expect(record.text(record.target) == "/x" && record.text(record.host) == "a.example")
            #expect(record.target.end < record.head.count, "no second copy")
        }
    }

    /// Whatever comes, the buffer that was taken for the block has room for it.
    @Test func theRoomSuffices() throws {
        let long = String(repeating: "h", count: 900)
        for isTrusted in [false, true] {
            var setup = Setup()
            setup.start = "OPTIONS http://\(long)/\(long) HTTP/1.1"
            setup.isTrusted = isTrusted
            setup.isMarked = true
            setup.isTLS = true
            setup.peer = "[2001:db8:1234:5678:9abc:def0:1234:5678]:65535"
            setup.target = "/" + long
            setup.changes = Self.changed(set: [("Host", long), ("X-A", long)])
            let fields = ["Host: a", "Content-Length: 999999999999999999", "X-Forwarded-For: \(long)", "Forwarded: \(long)"]
            try write(setup, fields) { lines, _ in #expect(lines.count > 10) }
        }
    }
}
