import HTTP1
import Testing
import Wire

/// Request lines and their fields (RFC 9112 sections 2, 3 and 5).
@Suite struct RequestHeadTests {
    @Test(
        arguments: [
            ("GET / HTTP/1.1\r\n\r\n", "GET", "/", HTTPVersion.http11),
            ("GET / HTTP/1.0\r\n\r\n", "GET", "/", .http10),
            // A higher minor version is answered as 1.1 (RFC 9110 section 2.5).
            ("GET / HTTP/1.2\r\n\r\n", "GET", "/", .http11),
            ("GET /a%20b?c=d&e[]=f#g HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/a%20b?c=d&e[]=f#g", .http11),
            ("OPTIONS * HTTP/1.1\r\n\r\n", "OPTIONS", "*", .http11),
            ("CONNECT example:443 HTTP/1.1\r\n\r\n", "CONNECT", "example:443", .http11),
            ("GET http://example/path HTTP/1.1\r\n\r\n", "GET", "http://example/path", .http11),
            ("get / HTTP/1.1\r\n\r\n", "get", "/", .http11),
            ("M-SEARCH / HTTP/1.1\r\n\r\n", "M-SEARCH", "/", .http11),
            ("!#$%&'*+-.^_`|~09azAZ / HTTP/1.1\r\n\r\n", "!#$%&'*+-.^_`|~09azAZ", "/", .http11),
            ("GET /\"<>\\^`{|} HTTP/1.1\r\n\r\n", "GET", "/\"<>\\^`{|}", .http11),
        ] as [(String, String, String, HTTPVersion)])
    func requestLines(text: String, method: String, target: String, version: HTTPVersion) {
        let head = ParsedHead(.request, text)
        #expect(head.outcome == .complete)
        #expect(head.method == method && head.target == target && head.version == version)
        #expect(head.byteCount == text.utf8.count)
        #expect(everyCutAgrees(.request, Array(text.utf8), nil))
    }

    @Test(
        arguments: [
            (" GET / HTTP/1.1\r\n\r\n", Malformation.startLine),
            ("G(T / HTTP/1.1\r\n\r\n", .startLine),
            ("GET\t/ HTTP/1.1\r\n\r\n", .startLine),
            ("GET\r\n\r\n", .startLine),
            ("GET  / HTTP/1.1\r\n\r\n", .startLine),
            ("GET /\r\n\r\n", .target),
            ("GET /\n\n", .target),
            ("GET /\tHTTP/1.1\r\n\r\n", .target),
            ("GET /a b HTTP/1.1\r\n\r\n", .startLine),
            ("GET / HTTP/1.1 \r\n\r\n", .lineEnd),
            ("GET /\u{7f} HTTP/1.1\r\n\r\n", .target),
            ("GET /\u{e9} HTTP/1.1\r\n\r\n", .target),
            ("GET /\u{0} HTTP/1.1\r\n\r\n", .target),
            ("GET /  HTTP/1.1\r\n\r\n", .startLine),
            ("GET / http/1.1\r\n\r\n", .startLine),
            ("GET / HTTP /1.1\r\n\r\n", .startLine),
            ("GET / HTTP/2.0\r\n\r\n", .version),
            ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .version),
            ("GET / HTTP/0.9\r\n\r\n", .version),
            ("GET / HTTP/1.\r\n\r\n", .version),
            ("GET / HTTP/1.x\r\n\r\n", .version),
            ("GET / HTTP/1,1\r\n\r\n", .version),
            ("GET / HTTP/1.11\r\n\r\n", .lineEnd),
            ("GET / HTTP/1.1\n\n", .lineEnd),
            ("GET / HTTP/1.1\rX", .lineEnd),
            ("\n\nGET / HTTP/1.1\r\n\r\n", .startLine),
            ("\r\n\r\n\nGET / HTTP/1.1\r\n\r\n", .startLine),
            ("\r\n\r\rGET / HTTP/1.1\r\n\r\n", .startLine),
            ("\rGET / HTTP/1.1\r\n\r\n", .startLine),
        ] as [(String, Malformation)])
    func malformedRequestLines(text: String, fault: Malformation) {
        #expect(ParsedHead(.request, text).outcome == .malformed(fault))
        #expect(everyCutAgrees(.request, Array(text.utf8), fault))
    }

    @Test(arguments: [1, 2, 3, 20]) func emptyLinesMayComeFirst(count: Int) {
        let text = String(repeating: "\r\n", count: count) + "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        let head = ParsedHead(.request, text)
        #expect(head.outcome == .complete && head.byteCount == text.utf8.count && head.fields == ["Host: a"])
        #expect(everyCutAgrees(.request, Array(text.utf8), nil))
    }

    @Test func emptyLinesWithoutEnd() {
        #expect(ParsedHead(.request, String(repeating: "\r\n", count: 50), limit: 100).outcome == .incomplete)
        #expect(ParsedHead(.request, String(repeating: "\r\n", count: 51), limit: 100).outcome == .malformed(.headerTooLarge))
    }

    @Test func whatFollowsIsLeftAlone() {
        let first = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        #expect(ParsedHead(.request, first + "POST /next HTTP/1.1\r\n").byteCount == first.utf8.count)
    }

    @Test func everyByteOfATarget() {
        for byte in UInt8.min...UInt8.max {
            let bytes = Array("GET /".utf8) + [byte] + Array("x HTTP/1.1\r\n\r\n".utf8)
            let isComplete = ParsedHead(.request, bytes).outcome == .complete
            #expect(isComplete == (byte > 0x20 && byte < 0x7f), "\(byte)")
        }
    }

    @Test func everyByteOfAMethod() {
        for byte in UInt8.min...UInt8.max {
            let isComplete = ParsedHead(.request, [byte] + Array("X / HTTP/1.1\r\n\r\n".utf8)).outcome == .complete
            #expect(isComplete == tokenCharacters.contains(byte), "\(byte)")
        }
    }
}

/// RFC 9110 section 5.6.2.
let tokenCharacters = Set("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)
