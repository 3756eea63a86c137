import HTTP1
import Testing
import Wire

/// What fields state about framing and persistence (RFC 9112 sections 6 and 9), and which of them stand too often.
@Suite struct FramingFactsTests {
    private func head(_ lines: String) -> ParsedHead { ParsedHead(.response, "HTTP/1.1 200 OK\r\n\(lines)\r\n") }

    @Test(
        arguments: [
            ("Content-Length: 5\r\n", HeaderFacts.contentLength, UInt64(5)),
            ("content-length:5\r\n", .contentLength, 5),
            ("Content-Length: 0005\r\n", .contentLength, 5),
            ("Content-Length: 999999999999999999\r\n", .contentLength, 999_999_999_999_999_999),
            ("Content-Length: 5, 5\r\n", [.contentLength, .contentLengthRepeated], 5),
            ("Content-Length: 5\r\nContent-Length: 5\r\n", [.contentLength, .contentLengthRepeated], 5),
            ("Content-Length: 5, 6\r\n", [.contentLength, .contentLengthDiffers], 5),
            ("Content-Length: 5\r\nContent-Length: 6\r\n", [.contentLength, .contentLengthDiffers], 5),
            ("Content-Length: 5, 5, 6\r\n", [.contentLength, .contentLengthRepeated, .contentLengthDiffers], 5),
            ("Content-Length:\r\n", .contentLengthInvalid, 0),
            ("Content-Length: -5\r\n", .contentLengthInvalid, 0),
            ("Content-Length: +5\r\n", .contentLengthInvalid, 0),
            ("Content-Length: 0x5\r\n", .contentLengthInvalid, 0),
            ("Content-Length: 5.0\r\n", .contentLengthInvalid, 0),
            ("Content-Length: 5 5\r\n", .contentLengthInvalid, 0),
            ("Content-Length: five\r\n", .contentLengthInvalid, 0),
            ("Content-Length: 18446744073709551621\r\n", .contentLengthInvalid, 0),
            ("Content-Length: 1000000000000000000\r\n", .contentLengthInvalid, 0),
            ("Content-Length: 5\r\nContent-Length: x\r\n", [.contentLength, .contentLengthInvalid], 5),
            // A comma with nothing on one side is no number.
            ("Content-Length: 5,\r\n", [.contentLength, .contentLengthInvalid], 5),
            ("Content-Length: ,5\r\n", [.contentLength, .contentLengthInvalid], 5),
            ("Content-Length: ,\r\n", .contentLengthInvalid, 0),
        ] as [(String, HeaderFacts, UInt64)])
    func lengths(lines: String, facts: HeaderFacts, length: UInt64) {
        let head = head(lines)
        #expect(head.facts == facts && head.contentLength == length)
    }

    @Test(
        arguments: [
            ("Transfer-Encoding: chunked\r\n", [HeaderFacts.transferEncoding, .chunked]),
            ("Transfer-Encoding: CHUNKED\r\n", [.transferEncoding, .chunked]),
            ("Transfer-Encoding: gzip, chunked\r\n", [.transferEncoding, .chunked, .otherCoding]),
            ("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", [.transferEncoding, .chunked, .otherCoding]),
            ("Transfer-Encoding: chunked, gzip\r\n", [.transferEncoding, .otherCoding]),
            ("Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n", [.transferEncoding, .otherCoding]),
            ("Transfer-Encoding: chunked, chunked\r\n", [.transferEncoding, .chunked, .chunkedRepeated]),
            ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", [.transferEncoding, .chunked, .chunkedRepeated]),
            ("Transfer-Encoding: chunked, gzip, chunked\r\n", [.transferEncoding, .chunked, .otherCoding]),
            // `identity` names nothing, unless it stands behind a coding: then there is more than one reading.
            ("Transfer-Encoding: identity\r\n", [.transferEncoding, .identityCoding]),
            ("Transfer-Encoding: Identity, chunked\r\n", [.transferEncoding, .identityCoding, .chunked]),
            ("Transfer-Encoding: identity\r\nTransfer-Encoding: gzip\r\n", [.transferEncoding, .identityCoding, .otherCoding]),
            ("Transfer-Encoding: chunked, identity\r\n", [.transferEncoding, .otherCoding]),
            ("Transfer-Encoding: gzip, identity\r\n", [.transferEncoding, .otherCoding]),
            ("Transfer-Encoding: identity\r\nContent-Length: 5\r\n", [.transferEncoding, .identityCoding, .contentLength]),
            ("Transfer-Encoding: xchunked\r\n", [.transferEncoding, .otherCoding]),
            ("Transfer-Encoding: chunkedx\r\n", [.transferEncoding, .otherCoding]),
            ("Transfer-Encoding: chunked;q=1\r\n", [.transferEncoding, .otherCoding]),
            ("Transfer-Encoding: \"chunked\"\r\n", [.transferEncoding, .otherCoding]),
            ("Transfer-Encoding: ,chunked,\r\n", [.transferEncoding, .chunked]),
            ("Transfer-Encoding:\r\n", []),
            ("Transfer-Encoding: , ,\r\n", []),
            ("Transfer-Encoding:\r\nContent-Length: 5\r\n", [.contentLength]),
            ("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", [.transferEncoding, .chunked, .contentLength]),
        ] as [(String, HeaderFacts)])
    func codings(lines: String, facts: HeaderFacts) {
        #expect(head(lines).facts == facts)
    }

    @Test(
        arguments: [
            ("Connection: close\r\n", [HeaderFacts.close]),
            ("Connection: Keep-Alive\r\n", [.keepAlive]),
            ("Connection: keep-alive, close\r\n", [.keepAlive, .close]),
            ("Connection: keep-alive\r\nConnection: close\r\n", [.keepAlive, .close]),
            ("Connection: closed\r\n", [.nominates]),
            ("Connection: X-Secret , close\r\n", [.nominates, .close]),
            ("Connection: Upgrade\r\n", [.connectionUpgrade]),
            ("Upgrade: websocket\r\n", [.upgradeField]),
            ("Upgrade: websocket\r\nConnection: Upgrade\r\n", [.upgradeField, .connectionUpgrade, .upgrade]),
            ("Connection:\r\n", []),
            ("Connection: ,,\r\n", []),
            ("Expect: 100-continue\r\n", []),
            ("TE: trailers, deflate;q=0.5\r\n", []),
        ] as [(String, HeaderFacts)])
    func persistence(lines: String, facts: HeaderFacts) {
        #expect(head(lines).facts == facts)
    }

    @Test(
        arguments: [
            ("Keep-Alive: timeout=5\r\n", UInt32(5)), ("Keep-Alive: max=100, timeout=72\r\n", 72),
            ("Keep-Alive: max=100\r\n", 0),
            ("Keep-Alive: timeout=\r\n", 0), ("Keep-Alive: timeout=abc\r\n", 0), ("Keep-Alive: Timeout=7\r\n", 7),
            ("Keep-Alive: timeout=999999999999999999\r\n", 86_400), ("Keep-Alive: timeout=99999999999999999999\r\n", 0),
        ] as [(String, UInt32)])
    func keepAlive(lines: String, seconds: UInt32) {
        #expect(head(lines).keepAliveSeconds == seconds)
    }

    /// The kinds' table names them; a repeated Set-Cookie, Vary, Link, Via, Cache-Control or WWW-Authenticate is ordinary.
    @Test func fieldsThatMayStandOnce() {
        let once: [FieldName] = [
            .contentLength, .contentType, .contentRange, .location, .date, .etag, .lastModified, .age, .expires, .retryAfter,
            .host, .accessControlAllowOrigin,
        ]
        for name in FieldName.allCases where name != .other {
            let value = name == .contentLength ? "5" : "v"
            #expect(head("\(name.text): \(value)\r\n").duplicates == [], "\(name)")
            let twice = head("\(name.text): \(value)\r\nX: y\r\n\(name.text): \(value)\r\n")
            #expect(twice.duplicates == (once.contains(name) ? [name] : []), "\(name)")
            #expect(twice.seen == [name])
        }
        for name in ["Set-Cookie", "Vary", "Link", "Cache-Control", "WWW-Authenticate", "X-Unknown", "Server"] {
            #expect(head("\(name): v\r\n\(name): v\r\n").duplicates == [], "\(name)")
        }
    }

    @Test func repetitionsWithinALine() {
        #expect(head("Content-Length: 5, 5\r\n").duplicates == [.contentLength])
        #expect(head("Transfer-Encoding: chunked, chunked\r\n").duplicates == [.transferEncoding])
        #expect(head("Date: Tue, 24 Nov 2026 12:00:00 GMT\r\n").duplicates == [])
    }

    /// A block is reused for every message: nothing of the last one may show.
    @Test func nothingIsLeftOfTheBlockBefore() {
        var block = HeaderBlock(capacity: 16)
        let first = Array(
            "HTTP/1.0 500 Oh\r\nContent-Length: 5, 6\r\nTransfer-Encoding: chunked\r\nKeep-Alive: timeout=5\r\nDate: a\r\nDate: b\r\n\r\n"
                .utf8)
        let second = Array("HTTP/1.1 200 OK\r\n\r\n".utf8)
        let limits = HeadLimits(headerBytesMax: 1 << 10)
        #expect(HeadParser.response(first, count: first.count, limits: limits, into: &block) == .complete)
        #expect(HeadParser.response(second, count: second.count, limits: limits, into: &block) == .complete)
        #expect(block.facts == [] && block.contentLength == 0 && block.duplicates == 0 && block.seen == 0 && block.count == 0)
        #expect(block.keepAliveSeconds == 0 && block.status == 200 && block.version == .http11)
        #expect(block.byteCount == second.count)
    }
}
