import HTTP1
import Testing
import Wire

/// How long a request's body is, and which requests leave room for two opinions (RFC 9112 sections 3.2, 6.3 and 11.2).
@Suite struct RequestFramingTests {
    private enum Framed: Equatable {
        case none, length(UInt64), chunked, refused(RequestFault)
    }

    private func framed(_ text: String) -> Framed {
        let bytes = Array(text.utf8)
        var block = HeaderBlock(capacity: 32)
        let outcome = bytes.withUnsafeBufferPointer {
            HeadParser.request($0.baseAddress!, count: $0.count, limits: HeadLimits(headerBytesMax: 1 << 14), into: &block)
        }
        guard outcome == .complete else { return .refused(.malformed(.startLine)) }
        switch RequestFraming.decide(block) {
        case .failure(let fault): return .refused(fault)
        case .success(let body):
            switch body.framing {
            case .none: return .none
            case .length: return .length(body.remaining)
            case .chunked: return .chunked
            case .untilClose: return .refused(.lengthUnusable)
            }
        }
    }

    private func framed(fields: String, version: String = "1.1") -> Framed {
        framed("POST / HTTP/\(version)\r\nHost: a\r\n\(fields)\r\n")
    }

    @Test func bodies() {
        #expect(framed(fields: "") == .none)
        #expect(framed(fields: "Content-Length: 0\r\n") == .length(0))
        #expect(framed(fields: "Content-Length: 5\r\n") == .length(5))
        #expect(framed(fields: "Content-Length: 5\r\n", version: "1.0") == .length(5))
        #expect(framed(fields: "Transfer-Encoding: chunked\r\n") == .chunked)
        #expect(framed(fields: "Transfer-Encoding: , Chunked\r\n") == .chunked)
        #expect(framed("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n") == .length(3))
    }

    /// Each of these has been used to smuggle a request past a proxy that guessed.
    @Test(
        arguments: [
            ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", RequestFault.lengthAndChunked),
            ("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", .lengthAndChunked),
            ("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", .lengthAndChunked),
            ("Transfer-Encoding: chunked\r\nContent-Length: x\r\n", .lengthAndChunked),
            ("Transfer-Encoding: identity\r\nContent-Length: 5\r\n", .lengthAndChunked),
            ("Content-Length: 5\r\nContent-Length: 6\r\n", .lengthUnusable),
            ("Content-Length: 5\r\nContent-Length: 5\r\n", .lengthUnusable),
            ("Content-Length: 5, 5\r\n", .lengthUnusable),
            ("Content-Length: 5,\r\n", .lengthUnusable),
            ("Content-Length: +5\r\n", .lengthUnusable),
            ("Content-Length: 5 6\r\n", .lengthUnusable),
            ("Content-Length: 0x10\r\n", .lengthUnusable),
            ("Content-Length:\r\n", .lengthUnusable),
            ("Content-Length: 99999999999999999999\r\n", .lengthUnusable),
            ("Transfer-Encoding: xchunked\r\n", .transferEncodingUnusable),
            ("Transfer-Encoding: chunked, identity\r\n", .transferEncodingUnusable),
            ("Transfer-Encoding: identity, chunked\r\n", .transferEncodingUnusable),
            ("Transfer-Encoding: gzip, chunked\r\n", .transferEncodingUnusable),
            ("Transfer-Encoding: chunked, chunked\r\n", .transferEncodingUnusable),
            ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", .transferEncodingUnusable),
            ("Transfer-Encoding: chunked\r\nTransfer-encoding: cow\r\n", .transferEncodingUnusable),
            ("Transfer-Encoding:\r\n", .transferEncodingUnusable),
            ("Transfer-Encoding: \"chunked\"\r\n", .transferEncodingUnusable),
            ("Transfer-Encoding: chunked;a=b\r\n", .transferEncodingUnusable),
            ("Host: b\r\n", .repeatedHost),
        ] as [(String, RequestFault)])
    func refusals(fields: String, fault: RequestFault) {
        #expect(framed(fields: fields) == .refused(fault))
    }

    @Test func hosts() {
        #expect(framed("GET / HTTP/1.1\r\n\r\n") == .refused(.missingHost))
        #expect(framed("GET / HTTP/1.0\r\n\r\n") == .none)
        #expect(framed("GET / HTTP/1.1\r\nHost:\r\n\r\n") == .none)
        #expect(framed("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n") == .refused(.repeatedHost))
    }

    @Test func codingsAreNewerThanHTTP10() {
        #expect(framed(fields: "Transfer-Encoding: chunked\r\n", version: "1.0") == .refused(.transferEncodingInHTTP10))
    }

    @Test func statuses() {
        #expect(RequestFault.malformed(.headerTooLarge).status == 431)
        #expect(RequestFault.malformed(.tooManyFields).status == 431)
        #expect(RequestFault.malformed(.version).status == 505)
        #expect(RequestFault.malformed(.startLine).status == 400)
        #expect(RequestFault.transferEncodingUnusable.status == 501)
        #expect(RequestFault.lengthAndChunked.status == 400)
        #expect(RequestFault.missingHost.status == 400)
    }
}
