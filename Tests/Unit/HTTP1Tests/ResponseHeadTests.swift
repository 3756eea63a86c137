import HTTP1
import Testing
import Wire

/// Status lines (RFC 9112 section 4).
@Suite struct ResponseHeadTests {
    @Test(
        arguments: [
            ("HTTP/1.1 200 OK\r\n\r\n", 200, "OK", HTTPVersion.http11),
            ("HTTP/1.0 404 Not Found\r\n\r\n", 404, "Not Found", .http10),
            ("HTTP/1.1 200 \r\n\r\n", 200, "", .http11),
            // The space before an empty reason is often forgotten.
            ("HTTP/1.1 200\r\n\r\n", 200, "", .http11),
            ("HTTP/1.1 100 Continue\r\n\r\n", 100, "Continue", .http11),
            ("HTTP/1.1 999 ?\r\n\r\n", 999, "?", .http11),
            ("HTTP/1.1 200 a\tb  c \r\n\r\n", 200, "a\tb  c ", .http11),
            ("HTTP/1.1 200 Zufrieden \u{fc}\r\n\r\n", 200, "Zufrieden \u{fc}", .http11),
        ] as [(String, Int, String, HTTPVersion)])
    func statusLines(text: String, status: Int, reason: String, version: HTTPVersion) {
        let head = ParsedHead(.response, text)
        #expect(head.outcome == .complete)
        #expect(head.status == status && head.reason == reason && head.version == version)
        #expect(head.byteCount == text.utf8.count)
        #expect(everyCutAgrees(.response, Array(text.utf8), nil))
    }

    @Test(
        arguments: [
            ("\r\nHTTP/1.1 200 OK\r\n\r\n", Malformation.startLine),
            ("http/1.1 200 OK\r\n\r\n", .startLine),
            ("HTTP 200 OK\r\n\r\n----", .startLine),
            ("ICY 200 OK\r\n\r\n----", .startLine),
            ("HTTP/2.0 200 OK\r\n\r\n", .startLine),
            ("HTTP/1.x 200 OK\r\n\r\n", .version),
            ("HTTP/1.1  200 OK\r\n\r\n", .startLine),
            ("HTTP/1.1\t200 OK\r\n\r\n", .startLine),
            ("HTTP/1.10 200 OK\r\n\r\n", .startLine),
            ("HTTP/1.1 20 OK\r\n\r\n", .startLine),
            ("HTTP/1.1 2000 OK\r\n\r\n", .startLine),
            ("HTTP/1.1 099 OK\r\n\r\n", .startLine),
            ("HTTP/1.1 2x0 OK\r\n\r\n", .startLine),
            ("HTTP/1.1 -20 OK\r\n\r\n", .startLine),
            ("HTTP/1.1 200OK\r\n\r\n", .startLine),
            ("HTTP/1.1 200 O\u{0}K\r\n\r\n", .lineEnd),
            ("HTTP/1.1 200 O\rK\r\n\r\n", .lineEnd),
            ("HTTP/1.1 200 OK\r\r\n\r\n", .lineEnd),
        ] as [(String, Malformation)])
    func malformedStatusLines(text: String, fault: Malformation) {
        #expect(ParsedHead(.response, text).outcome == .malformed(fault))
        #expect(everyCutAgrees(.response, Array(text.utf8), fault))
    }

    /// RFC 9112 section 2.2: taken as every browser takes it, and said.
    @Test(
        arguments: [
            ("HTTP/1.1 200 OK\n\n", "OK", []),
            ("HTTP/1.1 200\n\n", "", []),
            ("HTTP/1.1 200 OK\nA: b\nC: d \n\n", "OK", ["A: b", "C: d"]),
            ("HTTP/1.1 200 OK\r\nA: b\nC: d\r\n\r\n", "OK", ["A: b", "C: d"]),
            ("HTTP/1.1 200 OK\r\nA: b\r\n\n", "OK", ["A: b"]),
            ("HTTP/1.1 200 OK\nA: b\r\n\r\n", "OK", ["A: b"]),
            ("HTTP/1.1 200 OK\nA:\n\n", "OK", ["A: "]),
        ] as [(String, String, [String])])
    func bareLineFeeds(text: String, reason: String, fields: [String]) {
        let head = ParsedHead(.response, text + "body\n\n")
        #expect(head.outcome == .complete && head.reason == reason && head.fields == fields)
        #expect(head.facts.contains(.bareLineFeed) && head.byteCount == text.utf8.count)
        #expect(everyCutAgrees(.response, Array(text.utf8), nil))
        let good = text.replacing("\r\n", with: "\n").replacing("\n", with: "\r\n")
        #expect(!ParsedHead(.response, good).facts.contains(.bareLineFeed))
    }

    @Test(
        arguments: [
            ("HTTP/1.1 200 OK\nA: b\n c\n\n", Malformation.foldedLine), ("HTTP/1.1 200 OK\nA : b\n\n", .spaceBeforeColon),
            ("HTTP/1.1 200 OK\nA: b\rc\n\n", .lineEnd), ("HTTP/1.1 200 OK\n\rA: b\n\n", .lineEnd),
            ("HTTP/1.1 200 OK\nA\n\n", .lineEnd),
        ] as [(String, Malformation)])
    func bareLineFeedsExcuseNothingElse(text: String, fault: Malformation) {
        #expect(ParsedHead(.response, text).outcome == .malformed(fault))
        #expect(everyCutAgrees(.response, Array(text.utf8), fault))
    }

    @Test func everyStatus() {
        for status in 0...999 {
            let digits = String(String(1000 + status).dropFirst())
            let head = ParsedHead(.response, "HTTP/1.1 \(digits) OK\r\n\r\n")
            #expect((head.outcome == .complete) == (status >= 100), "\(digits)")
            if status >= 100 { #expect(head.status == status) }
        }
    }
}
