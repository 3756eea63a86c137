import Testing

@testable import Report

struct SampleTextTests {
    private func shown(_ sample: String, inBlock: Bool = false, isRequest: Bool = false, keepQuery: Bool = false) -> String {
        SampleText(beginsInBlock: inBlock, isRequest: isRequest, keepQuery: keepQuery).escaped(Array(sample.utf8)[...])
    }

    @Test func bytesAreEscaped() {
        let text = SampleText(beginsInBlock: false, isRequest: false, keepQuery: false)
        #expect(text.escaped([0x61, 0x0D, 0x0A, 0x00, 0xFF, 0x5C, 0x09, 0x7E]) == #"a\r\n\x00\xff\\\x09~"#)
    }

    @Test(arguments: [
        "Authorization", "PROXY-authorization", "cookie", "sEt-CoOkIe", "X-Api-Key", "x-auth-token", "\u{0}Set-Cookie",
        "Set-Cookie ", " set-cookie2",
    ])
    func secretFieldsAreMasked(name: String) {
        let sample = "HTTP/1.1 200 OK\r\n\(name): s3cr3t\r\n s3cr3t too\r\nX: y\r\n\r\nbody"
        #expect(!shown(sample).contains("s3cr3t"))
        #expect(shown(sample).hasSuffix(#"X: y\r\n\r\nbody"#))
        // However the sample is cut, at either end.
        for end in 0...sample.utf8.count {
            #expect(!shown(String(decoding: sample.utf8.prefix(end), as: UTF8.self)).contains("s3cr"))
        }
        for start in 0..<sample.utf8.count {
            let rest = String(decoding: sample.utf8.dropFirst(start), as: UTF8.self)
            #expect(!shown(rest, inBlock: true).contains("s3cr3t"), "from \(start)")
        }
    }

    @Test func aTailOfASecretFieldIsMasked() {
        #expect(shown("ookie: sid=1\r\nX: y\r\n") == #"ookie:[REDACTED]\r\nX: y\r\n"#)
        #expect(shown("id=1; Path=/\r\nX: y\r\n") == #"[REDACTED]\r\nX: y\r\n"#)
        #expect(shown("abcdef", inBlock: true) == "[REDACTED]")
    }

    @Test func ordinaryBytesAreShown() {
        #expect(shown("second") == "second")
        #expect(shown("second\r\n\r\n") == #"second\r\n\r\n"#)
        #expect(shown("6\r\nsecond\r\n0\r\n\r\n") == #"6\r\nsecond\r\n0\r\n\r\n"#)
        #expect(shown("HTTP/1.1 500 No\r\nA: b\r\n\r\nabc") == #"HTTP/1.1 500 No\r\nA: b\r\n\r\nabc"#)
    }

    @Test func aClientsQueryIsRedacted() {
        #expect(shown("GET /a?x=1 HTTP/1.1\r\nHost: b\r\n", isRequest: true) == #"GET /a?x=[REDACTED] HTTP/1.1\r\nHost: b\r\n"#)
        #expect(shown("GET /a?x=1", isRequest: true, keepQuery: true) == "GET /a?x=1")
    }

    @Test func bareCarriageReturnsEndALineToo() {
        #expect(!shown("HTTP/1.1 200 OK\rSet-Cookie: abc\n\nx").contains("abc"))
    }
}
