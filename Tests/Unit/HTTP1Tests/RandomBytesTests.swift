import Chance
import HTTP1
import Testing
import Wire

/// Whatever a peer sends: nothing traps, nothing is consumed twice, and cutting it changes nothing.
@Suite struct RandomBytesTests {
    private static let requests = [
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST /a?b=c HTTP/1.1\r\nHost: example:80\r\nContent-Length: 5\r\nConnection: keep-alive, X-A\r\n\r\nfirst",
        "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n5;a=b\r\nfirst\r\n0\r\nA: b\r\n\r\n",
    ]
    private static let responses = [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirstHTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 103 E\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: A\r\n\r\n5\r\nfirst\r\n"
            + "HTTP/1.1 102 P\r\n\r\n6;x=\"y\"\r\nsecond\r\n0\r\nA: b\r\nC: d\r\n\r\n",
        "HTTP/1.0 304 Not Modified\r\nETag: \"a\"\r\nKeep-Alive: timeout=5\r\nConnection: close\r\n\r\n",
    ]

    @Test(arguments: 0..<2000) func heads(seed: UInt64) {
        var chance = Chance(seed: seed)
        let isRandom = chance.oneIn(8)
        let bytes =
            isRandom ? chance.bytes(chance.below(80)) : chance.mutated(Array(chance.pick(Self.requests + Self.responses).utf8))
        for kind in [ParsedHead.Kind.request, .response, .trailers] {
            let whole = ParsedHead(kind, bytes)
            #expect(whole.byteCount <= bytes.count)
            // Once malformed, for ever malformed; complete at the very same byte.
            let cut = chance.below(bytes.count + 1)
            let part = ParsedHead(kind, Array(bytes[..<cut]))
            switch part.outcome {
            case .incomplete: #expect(whole.outcome != .complete || whole.byteCount > cut)
            case .complete: #expect(whole == part)
            case .malformed: #expect(whole.outcome == part.outcome)
            }
        }
    }

    @Test(arguments: 0..<2000) func bodies(seed: UInt64) {
        var chance = Chance(seed: seed)
        let body = Array("5;a=b\r\nfirst\r\nHTTP/1.1 102 P\r\n\r\n0000a\r\n0123456789\r\n0\r\nA: b\r\n\r\nmore".utf8)
        let bytes = chance.oneIn(8) ? chance.bytes(chance.below(80)) : chance.mutated(body)
        let whole = DecodedBody(BodyDecoder(.chunked), [bytes])
        #expect(whole.consumed <= bytes.count && whole.body.count <= bytes.count)
        #expect(DecodedBody(BodyDecoder(.chunked), bytes.map { [$0] }) == whole)
        let cut = chance.below(bytes.count + 1)
        #expect(DecodedBody(BodyDecoder(.chunked), [Array(bytes[..<cut]), Array(bytes[cut...])]) == whole)
    }

    @Test(arguments: 0..<2000) func conversations(seed: UInt64) {
        var chance = Chance(seed: seed)
        let bytes = chance.oneIn(8) ? chance.bytes(chance.below(80)) : chance.mutated(Array(chance.pick(Self.responses).utf8))
        let methods = (0..<chance.below(4)).map { _ in chance.pick(Wire.Method.allCases) }
        let asksUpgrade = chance.oneIn(4)
        func log(_ pieces: [[UInt8]]) -> [String] {
            var reader = ResponseLog(methods, asksUpgrade: asksUpgrade)
            for piece in pieces { reader.receive(piece) }
            reader.finish(closes: true)
            return reader.log
        }
        let whole = log([bytes])
        #expect(log(bytes.map { [$0] }) == whole)
        let cut = chance.below(bytes.count + 1)
        #expect(log([Array(bytes[..<cut]), Array(bytes[cut...])]) == whole)
    }

    @Test(arguments: 0..<500) func surplus(seed: UInt64) {
        var chance = Chance(seed: seed)
        let bytes = chance.mutated(Array(chance.pick(Self.responses).utf8))
        let facts = SurplusReader.read(bytes, total: UInt64(bytes.count))
        #expect(facts.blockBytes ?? 0 <= UInt64(bytes.count))
        #expect(facts.status == nil || facts.beginsLikeHeaderBlock)
        #expect(facts.startLine == nil || facts.status != nil)
    }
}
