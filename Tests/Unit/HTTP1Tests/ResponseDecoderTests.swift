import HTTP1
import Testing
import Wire

/// What an upstream says, as a log of events: the same whole, cut at every byte, and byte by byte.
@Suite struct ResponseDecoderTests {
    private func check(
        _ methods: [Wire.Method], _ text: String, _ log: [String], asksUpgrade: Bool = false, closes: Bool = false
    ) {
        let bytes = Array(text.utf8)
        for pieces in everyCutting(of: bytes) {
            var reader = ResponseLog(methods, asksUpgrade: asksUpgrade)
            for piece in pieces { reader.receive(piece) }
            reader.finish(closes: closes)
            #expect(reader.log == log, "cut at \(pieces.first?.count ?? 0)")
        }
    }

    @Test func answers() {
        check([.get], "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst", ["head 200", "body first", "end"])
        check([.get], "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ["head 200", "end"])
        check(
            [.get], "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n6\r\nsecond\r\n0\r\nA: b\r\n\r\n",
            ["head 200", "body firstsecond", "trailers 1", "end"])
        check([.get], "HTTP/1.1 200 OK\r\n\r\nuntil the end", ["head 200", "body until the end", "closed whole"], closes: true)
        check([.get], "HTTP/1.1 200 OK\r\n\r\n", ["head 200", "closed whole"], closes: true)
    }

    @Test func oneAfterTheOther() {
        check(
            [.get, .get], "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nbc",
            ["head 200", "body a", "end", "head 404", "body bc", "end"])
    }

    @Test func interimResponses() {
        check(
            [.get], "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
            ["interim 100", "interim 103", "head 204", "end"])
        check(
            [.get],
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\nHTTP/1.1 102 P\r\n\r\n1\r\nb\r\n0\r\n\r\n",
            ["head 200", "body a", "interim 102 in body", "body b", "end"])
    }

    /// RFC 9112 section 6.3, rules 1 and 2: lengths that stand for the answer to another request.
    @Test(arguments: [(Wire.Method.head, 200), (.get, 204), (.get, 304), (.head, 304), (.head, 404)])
    func bodiless(method: Wire.Method, status: Int) {
        for field in ["Content-Length: 5", "Transfer-Encoding: chunked", "X: y"] {
            check([method], "HTTP/1.1 \(status) X\r\n\(field)\r\n\r\n", ["head \(status)", "end"])
            check([method], "HTTP/1.1 \(status) X\r\n\(field)\r\n\r\nfirst", ["head \(status)", "end", "surplus 5"])
        }
    }

    /// Behind a tunnel to another version of HTTP nobody would see requests.
    @Test func aTunnelForAnotherHTTP() {
        for name in ["h2c", "websocket, h2c", "HTTP/2.0", "TLS/1.2"] {
            let text = "HTTP/1.1 101 X\r\nUpgrade: \(name)\r\nConnection: upgrade\r\n\r\n"
            var reader = ResponseLog([.get], asksUpgrade: true)
            reader.receive(Array(text.utf8))
            reader.finish(closes: false)
            #expect(reader.log == ["malformed 101 that nobody asked for, \(text.utf8.count) left"])
        }
    }

    @Test func framings() {
        func framing(_ fields: String, status: Int = 200, method: Wire.Method = .get) -> BodyDecoder.Framing {
            let bytes = Array("HTTP/1.1 \(status) X\r\n\(fields)\r\n".utf8)
            var block = HeaderBlock(capacity: 8)
            let limits = HeadLimits(headerBytesMax: 1000)
            #expect(HeadParser.response(bytes, count: bytes.count, limits: limits, into: &block) == .complete)
            return ResponseDecoder.framing(of: block, answering: method).framing
        }
        #expect(framing("") == .untilClose)
        #expect(framing("Content-Length: 7\r\n") == .length)
        #expect(framing("Transfer-Encoding: chunked\r\n") == .chunked)
        #expect(framing("Transfer-Encoding: gzip, chunked\r\n") == .chunked)
        // Chunked wins over a length; a coding that does not end in chunked ends with the connection.
        #expect(framing("Transfer-Encoding: chunked\r\nContent-Length: 7\r\n") == .chunked)
        #expect(framing("Transfer-Encoding: gzip\r\nContent-Length: 7\r\n") == .untilClose)
        #expect(framing("Transfer-Encoding: chunked, gzip\r\n") == .untilClose)
        // What names no coding leaves the length its say (RFC 9110 section 5.6.1, RFC 2616 section 3.6).
        #expect(framing("Transfer-Encoding:\r\nContent-Length: 7\r\n") == .length)
        #expect(framing("Transfer-Encoding: identity\r\nContent-Length: 7\r\n") == .length)
        #expect(framing("Transfer-Encoding: identity, chunked\r\n") == .chunked)
        #expect(framing("Transfer-Encoding: identity\r\n") == .untilClose)
        #expect(framing("Transfer-Encoding: chunked, identity\r\n") == .untilClose)
        #expect(framing("Transfer-Encoding: chunked\r\n", status: 304) == .none)
        #expect(framing("Content-Length: 7\r\n", status: 205) == .length)
        #expect(framing("Content-Length: 7\r\n", status: 204) == .none)
        #expect(framing("Content-Length: 7\r\n", method: .head) == .none)
        #expect(framing("Content-Length: 7\r\n", method: .post) == .length)
    }

    @Test func surplus() {
        check([], "HTTP/1.1 408 Request Timeout\r\n\r\n", ["surplus 32"])
        check(
            [.get], "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirstsecond", ["head 200", "body first", "end", "surplus 6"])
        check(
            [.get], "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n0\r\n\r\n", ["head 200", "end", "surplus 5"])
    }

    @Test func malformations() {
        check([.get], "garbage", ["malformed bad start line, 7 left"])
        check(
            [.get], "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\nHTTP/1.1 500 Oh\r\n\r\n",
            ["head 200", "body a", "malformed bad chunk size, 19 left"])
        check(
            [.get], "HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
            ["malformed 101 that nobody asked for, 59 left"])
    }

    @Test func upgrades() {
        check(
            [.get], "HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nHTTP/1.1 is no more",
            ["switched", "body HTTP/1.1 is no more", "closed whole"], asksUpgrade: true, closes: true)
        // Asked for and declined.
        check([.get], "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na", ["head 200", "body a", "end"], asksUpgrade: true)
    }

    @Test func closesTooEarly() {
        check([.get], "", ["closed short"], closes: true)
        check([.get], "HTTP/1.1 200 O", ["closed short"], closes: true)
        check([.get], "HTTP/1.1 100 Continue\r\n\r\n", ["interim 100", "closed short"], closes: true)
        check(
            [.get], "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfir", ["head 200", "body fir", "closed short"], closes: true)
        check(
            [.get], "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nfir\r\n0\r\n",
            ["head 200", "body fir", "closed short"],
            closes: true)
        check([.head], "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", ["head 200", "end", "closed whole"], closes: true)
    }
}
