import EventLoop
import Report
import Testing

@testable import Proxy

/// Lines of the access log in both forms, and what bytes of clients become in them.
@Suite struct AccessWriterTests {
    /// Texts that stay where they are for a test's time.
    private final class Texts {
        private var all: [UnsafeMutableBufferPointer<UInt8>] = []

        func keep(_ bytes: some Collection<UInt8>) -> AccessEntry.Text {
            let memory = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(bytes.count, 1))
            _ = memory.initialize(from: bytes)
            all.append(memory)
            return AccessEntry.Text(rebasing: UnsafeBufferPointer(memory)[..<bytes.count])
        }

        func keep(_ text: String) -> AccessEntry.Text { keep(Array(text.utf8)) }
        deinit { for memory in all { memory.deallocate() } }
    }

    private static let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    private func line(
        combined: Bool = false, redacts: Bool = false, incidents: [String] = [],
        _ change: (inout AccessEntry, (String) -> AccessEntry.Text) throws -> Void
    ) throws -> String {
        let address = try #require(SocketAddress(unixPath: "/server"))
        var other = Plan.Upstream(name: "other", servers: [Plan.Server(name: "10.0.0.9:1", address: address)])
        other.idleMax = 1
        let app = Plan.Upstream(
            name: "a\"pp", servers: [("10.0.0.1:80"), ("10.0.0.2:80")].map { Plan.Server(name: $0, address: address) })
        let plan = Plan(
            upstreams: [other, app],
            routes: [Plan.Route(name: "default", upstream: 0), Plan.Route(name: "sh\\op", upstream: 1)],
            accessIsCombined: combined, accessRedactsQuery: redacts)
        let places: [(upstream: UInt16, index: UInt16)] = [(0, 0), (1, 0), (1, 1)]
        let texts = Texts()
        defer { withExtendedLifetime(texts) {} }
        var entry = AccessEntry()
        entry.timeNanoseconds = 1_795_338_903_123_456_789
        entry.client = try #require(Array("192.0.2.7:99".utf8).withUnsafeBufferPointer { PeerAddress(text: $0) })
        entry.status = 200
        entry.id = texts.keep("id")
        entry.method = texts.keep("GET")
        entry.target = texts.keep("/a")
        entry.duration = 1_500_000
        try change(&entry) { texts.keep($0) }
        return places.withUnsafeBufferPointer { places in
            var writer = AccessWriter(plan: plan, servers: places, isCombined: combined)
            return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: ReportLimit.accessLineBytesMax) { space in
                var out = ByteWriter(space.baseAddress!)
                writer.write(entry, incidents: incidents, &out)
                #expect(out.count <= ReportLimit.accessLineBytesMax)
                return String(decoding: UnsafeBufferPointer(start: space.baseAddress, count: out.count), as: UTF8.self)
            }
        }
    }

    // MARK: JSON

    @Test func theShortestLine() throws {
        #expect(
            try line { _, _ in }
                == #"{"time":"2026-11-22T09:15:03.123456Z","outcome":"answered","route":"_none","#
                + #""client":{"address":"192.0.2.7:99","protocol":"http/1.1"},"#
                + #""request":{"id":"id","method":"GET","path":"/a","body_bytes":0},"response":{"status":200,"body_bytes":0},"#
                + #""duration_ms":1.500}"# + "\n")
    }

    @Test func theLongestLine() throws {
        let line = try line(incidents: ["A", "B"]) { entry, keep in
            (entry.outcome, entry.version, entry.route, entry.server) = (.cut, .http2, 1, 2)
            (entry.host, entry.trace) = (keep("h.example"), keep(Self.trace))
            (entry.referer, entry.userAgent) = (keep("http://r/?q=1"), keep("curl"))
            (entry.connection, entry.ordinal, entry.attempts) = (7, 3, 2)
            (entry.requestBytes, entry.responseBytes) = (5, .max)
            (entry.connectTime, entry.headerTime) = (250_000, 1_000)
        }
        #expect(
            line == #"{"time":"2026-11-22T09:15:03.123456Z","outcome":"cut","route":"sh\\op","#
                + #""client":{"address":"192.0.2.7:99","protocol":"h2"},"request":{"id":"id","method":"GET","path":"/a","#
                + #""host":"h.example","trace_id":"0af7651916cd43dd8448eb211c80319c","span_id":"b7ad6b7169203331","#
                + #""referer":"http://r/?q=1","user_agent":"curl","body_bytes":5},"#
                + #""response":{"status":200,"body_bytes":18446744073709551615},"#
                + #""upstream":{"name":"a\"pp","address":"10.0.0.2:80","connection":7,"exchange":3,"attempts":2,"#
                + #""connect_ms":0.250,"header_ms":0.001},"duration_ms":1.500,"incidents":["A","B"]}"# + "\n")
    }

    @Test func nothingIsKnownOfARequestThatCouldNotBeRead() throws {
        let line = try line { entry, _ in
            (entry.method, entry.target, entry.outcome, entry.status) = (AccessEntry.none, AccessEntry.none, .own, 400)
            (entry.client, entry.version) = (PeerAddress(), .http10)
        }
        #expect(line.contains(#""outcome":"own""#) && line.contains(#""client":{"address":"unix","protocol":"http/1.0"}"#))
        #expect(line.contains(#""request":{"id":"id","body_bytes":0},"response":{"status":400,"#))
    }

    @Test func aTraceIsWrittenWhenItIsWhole() throws {
        #expect(try line { $0.trace = $1(String(Self.trace.dropLast())) }.contains("trace_id") == false)
        #expect(try line { $0.trace = $1(Self.trace + "-more") }.contains("\"span_id\":\"b7ad6b7169203331\""))
    }

    @Test func noMoreThanSoManyIncidents() throws {
        let many = (0..<40).map { "i\($0)" }
        for combined in [false, true] {
            let line = try line(combined: combined, incidents: many) { _, _ in }
            #expect(line.contains("i15") && !line.contains("i16"))
        }
    }

    /// What a client may write into a path, and what stands in the log.
    @Test(
        arguments: [
            ([0x41, 0x22, 0x5c], #"A\"\\"#, #"A\x22\x5c"#), ([0x09, 0x0a, 0x00], #"\u0009\u000a\u0000"#, #"\x09\x0a\x00"#),
            ([0x7f], #"\u007f"#, #"\x7f"#), ([0xc3, 0xa9], "é", #"\xc3\xa9"#),
            ([0xf0, 0x9f, 0x98, 0x80], "😀", #"\xf0\x9f\x98\x80"#),
            // Bytes that are no UTF-8, one by one.
            ([0xe9, 0x41], #"\u00e9A"#, #"\xe9A"#), ([0xf0, 0x9f, 0x98], #"\u00f0\u009f\u0098"#, #"\xf0\x9f\x98"#),
            ([0xc0, 0x80], #"\u00c0\u0080"#, #"\xc0\x80"#), ([0xed, 0xa0, 0x80], #"\u00ed\u00a0\u0080"#, #"\xed\xa0\x80"#),
            // Control characters of more than one byte, which a terminal obeys.
            ([0xc2, 0x9b, 0x31], #"\u009b1"#, #"\xc2\x9b1"#), ([0xc2, 0xa0], "\u{a0}", #"\xc2\xa0"#),
        ] as [([UInt8], String, String)])
    func clientsBytes(_ bytes: [UInt8], _ json: String, _ combined: String) throws {
        let texts = Texts()
        for isCombined in [false, true] {
            let expected = isCombined ? combined : json
            let line = try line(combined: isCombined) { entry, _ in
                entry.target = texts.keep(bytes)
                entry.userAgent = texts.keep(bytes)
            }
            #expect(line.contains(isCombined ? "\"GET \(expected) HTTP/1.1\"" : "\"path\":\"\(expected)\""))
            #expect(line.contains(isCombined ? " \"\(expected)\" request_id" : "\"user_agent\":\"\(expected)\""))
            #expect(line.utf8.count { $0 == 0x0a } == 1)
        }
    }

    @Test(arguments: [AccessWriter.textBytesMax - 1, AccessWriter.textBytesMax, AccessWriter.textBytesMax + 1, 30_000])
    func longTextsAreCut(_ count: Int) throws {
        let most = AccessWriter.textBytesMax
        for byte in ["x", "\u{1}"] {
            let json = try line { $0.target = $1(String(repeating: byte, count: count)) }
            let kept = String(repeating: byte == "x" ? "x" : "\\u0001", count: min(count, most))
            #expect(json.contains("\"path\":\"\(kept)\(count > most ? "…" : "")\""))
            let combined = try line(combined: true) { $0.target = $1(String(repeating: byte, count: count)) }
            #expect(combined.contains(" \(String(repeating: byte == "x" ? "x" : "\\x01", count: min(count, most))) HTTP/1.1"))
        }
    }

    /// A character that would be cut in the middle is told byte by byte.
    @Test func aCharacterAtTheCut() throws {
        let text = String(repeating: "x", count: AccessWriter.textBytesMax - 1) + "é!"
        let line = try line { $0.target = $1(text) }
        #expect(line.contains("x\\u00c3…\""))
    }

    // MARK: Queries

    @Test(arguments: [
        ("/a", "/a"), ("/a?", "/a?"), ("/a?x=1", "/a?x=[REDACTED]"), ("/a?x=1&y=2", "/a?x=[REDACTED]&y=[REDACTED]"),
        ("/a?secret", "/a?[REDACTED]"), ("/a?x=", "/a?x=[REDACTED]"), ("/a?x=1=2", "/a?x=[REDACTED]"),
        ("/a?&&x=1&", "/a?&&x=[REDACTED]&"), ("/a?x=1?y=2", "/a?x=[REDACTED]"), ("?=1", "?=[REDACTED]"),
    ])
    func redacted(_ target: String, _ expected: String) throws {
        #expect(try line(redacts: true) { $0.target = $1(target) }.contains("\"path\":\"\(expected)\""))
        #expect(try line(redacts: true) { $0.referer = $1(target) }.contains("\"referer\":\"\(expected)\""))
        #expect(try line(combined: true, redacts: true) { $0.target = $1(target) }.contains("\"GET \(expected) HTTP/1.1\""))
        #expect(try line { $0.target = $1(target) }.contains("\"path\":\"\(target)\""))
    }

    /// The worst that a client can send has room, and shows nothing of what comes after the cut.
    @Test func redactionOfLongQueries() throws {
        for pair in ["&a", "a&", "=&", "a=\u{1}&"] {
            let target = "/?" + String(repeating: pair, count: 5000) + "secret=value"
            for combined in [false, true] {
                let line = try line(combined: combined, redacts: true) { ($0.target, $0.referer) = ($1(target), $1(target)) }
                #expect(!line.contains("secret") && !line.contains("value"))
            }
        }
        let mark = String(repeating: "x", count: AccessWriter.textBytesMax) + "?secret"
        #expect(try line(redacts: true) { $0.target = $1(mark) }.contains("secret") == false)
    }

    // MARK: Combined

    @Test func theCombinedFormat() throws {
        #expect(
            try line(combined: true) { _, _ in }
                == #"192.0.2.7 - - [22/Nov/2026:09:15:03 +0000] "GET /a HTTP/1.1" 200 0 "-" "-" request_id=id trace_id=- "#
                + #"route="_none" upstream="_none" outcome=answered duration_ms=1.500"# + "\n")
        let long = try line(combined: true, incidents: ["A", "B"]) { entry, keep in
            (entry.version, entry.outcome, entry.route, entry.server) = (.http2, .clientGone, 0, 1)
            (entry.trace, entry.referer, entry.userAgent) = (keep(Self.trace), keep("http://r/"), keep("a b"))
            (entry.connectTime, entry.headerTime, entry.responseBytes) = (1_000_000, 2_000_000, 12)
        }
        #expect(
            long == #"192.0.2.7 - - [22/Nov/2026:09:15:03 +0000] "GET /a HTTP/2.0" 200 12 "http://r/" "a b" request_id=id "#
                + #"trace_id=0af7651916cd43dd8448eb211c80319c route="default" upstream="a\"pp" server="10.0.0.1:80" "#
                + #"outcome=client_gone duration_ms=1.500 connect_ms=1.000 header_ms=2.000 incidents=A,B"# + "\n")
        let unread = try line(combined: true) {
            ($0.method, $0.version, $0.client) = (AccessEntry.none, .http10, PeerAddress())
            _ = $1
        }
        #expect(unread.hasPrefix("unknown - - [22/Nov/2026:09:15:03 +0000] \"-\" 200 0 "))
    }
}
