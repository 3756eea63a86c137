import Testing

@testable import Capture

/// What gives way, what stays, and that no length changes.
struct MaskTests {
    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test func aHeaderBlockKeepsAllButSecrets() {
        let head =
            "GET /a?x=1&flag&y= HTTP/1.1\r\nHost: a\r\nCookie: sid=1\r\nX-Api-Key: 0123456789abcdef\r\n folded\r\nAccept: b\r\n\r\n"
        let masked = text(Mask.head(Array(head.utf8), isRequest: true, keepsQuery: false))
        #expect(
            masked
                == "GET /a?x=x&xxxx&y= HTTP/1.1\r\nHost: a\r\nCookie: xxxxx\r\nX-Api-Key: [REDACTED]xxxxxx\r\n xxxxxx\r\nAccept: b\r\n\r\n"
        )
        #expect(text(Mask.head(Array(head.utf8), isRequest: true, keepsQuery: true)).hasPrefix("GET /a?x=1&flag&y= "))
    }

    @Test func aSecondAnswerStaysReadable() {
        let stray = "HTTP/1.1 500 Oh\r\nSet-Cookie: a=b\r\nContent-Length: 3\r\n\r\nbad"
        #expect(
            text(Mask.stray(Array(stray.utf8), keepsBodies: false))
                == "HTTP/1.1 500 Oh\r\nSet-Cookie: xxx\r\nContent-Length: 3\r\n\r\nxxx")
        #expect(text(Mask.stray(Array(stray.utf8), keepsBodies: true)).hasSuffix("\r\n\r\nbad"))
    }

    @Test(
        arguments: [
            ("second", "xxxxxx"), ("\r\n\r\n", "\r\n\r\n"), ("", ""), ("a\nb", "x\nx"),
            ("xHTTP/1.1 200 OK", "xHTTP/1.1 200 OK"),
            ("HTTP/1.1 200 OK is what it says: really", "HTTP/1.1 200 OK is what it says: really"),
            ("HTTP/1.1 200 OK\nwords, no field\nmore", "HTTP/1.1 200 OK\nxxxxxxxxxxxxxxx\nxxxx"),
        ])
    func whatIsNoHeaderBlockIsABody(stray: String, masked: String) {
        #expect(text(Mask.stray(Array(stray.utf8), keepsBodies: false)) == masked)
    }

    @Test func trailersAreFieldsToo() {
        #expect(text(Mask.lines(Array("Set-Cookie: a=b\r\nDigest: c\r\n\r\n".utf8))) == "Set-Cookie: xxx\r\nDigest: c\r\n\r\n")
        #expect(text(Mask.lines(Array("\r\n0\r\nX-Token: abc\r\n\r\n".utf8))) == "\r\n0\r\nX-Token: xxx\r\n\r\n")
    }
}
