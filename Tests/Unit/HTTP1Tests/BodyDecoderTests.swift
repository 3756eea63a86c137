import Chance
import HTTP1
import Testing
import Wire

/// Bodies of a length, in chunks, and to the connection's end (RFC 9112 sections 6 and 7), each cut at every byte.
@Suite struct BodyDecoderTests {
    private struct Expected {
        var body = ""
        var trailers: [String] = []
        var interims: [Int] = []
        var end = DecodedBody.End.complete
        /// Bytes behind the body's end, or from the fault on.
        var rest = 0
    }

    private func check(_ decoder: BodyDecoder, _ text: String, _ expected: Expected, limit: Int = 1 << 14) {
        let bytes = Array(text.utf8)
        for pieces in everyCutting(of: bytes) {
            let decoded = DecodedBody(decoder, pieces, limit: limit)
            let cut = pieces.first?.count ?? 0
            #expect(decoded.text == expected.body, "cut at \(cut) of \(text)")
            #expect(decoded.end == expected.end, "cut at \(cut) of \(text)")
            #expect(decoded.trailers == expected.trailers, "cut at \(cut) of \(text)")
            #expect(decoded.interims == expected.interims, "cut at \(cut) of \(text)")
            #expect(decoded.consumed == bytes.count - expected.rest, "cut at \(cut) of \(text)")
        }
    }

    private let chunked = BodyDecoder(.chunked)

    // MARK: Without chunks

    @Test func lengths() {
        check(BodyDecoder(.length, length: 5), "first", Expected(body: "first"))
        check(BodyDecoder(.length, length: 5), "firstsecond", Expected(body: "first", rest: 6))
        check(BodyDecoder(.length, length: 5), "fir", Expected(body: "fir", end: .open))
        check(BodyDecoder(.length, length: 0), "more", Expected(rest: 4))
        check(BodyDecoder(.none), "more", Expected(rest: 4))
        check(BodyDecoder(.untilClose), "all of it", Expected(body: "all of it", end: .open))
        #expect(BodyDecoder(.length, length: 0).isEmpty && BodyDecoder(.none).isEmpty)
        #expect(!BodyDecoder(.length, length: 1).isEmpty && !BodyDecoder(.chunked).isEmpty && !BodyDecoder(.untilClose).isEmpty)
    }

    @Test func aLengthBeyondEveryBuffer() {
        check(BodyDecoder(.length, length: .max), "x", Expected(body: "x", end: .open))
    }

    // MARK: Chunks

    @Test(
        arguments: [
            ("0\r\n\r\n", "", 0),
            ("5\r\nfirst\r\n0\r\n\r\n", "first", 0),
            ("5\r\nfirst\r\n6\r\nsecond\r\n0\r\n\r\n", "firstsecond", 0),
            ("a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789", 0),
            ("00005\r\nfirst\r\n000\r\n\r\n", "first", 0),
            ("000000000000005\r\nfirst\r\n0\r\n\r\n", "first", 0),
            ("0000000000000000000005\r\nfirst\r\n00000000000000000000\r\n\r\n", "first", 0),
            ("0000000000000000000000a\r\n0123456789\r\n0\r\n\r\n", "0123456789", 0),
            ("5;name=value\r\nfirst\r\n0;last\r\n\r\n", "first", 0),
            ("5 ; name = \"a;b\" ; c\r\nfirst\r\n0\r\n\r\n", "first", 0),
            ("5;\u{e9}\t\r\nfirst\r\n0\r\n\r\n", "first", 0),
            ("5 \t\r\nfirst\r\n0\r\n\r\n", "first", 0),
            ("2\r\n\r\n\r\n0\r\n\r\n", "\r\n", 0),
            ("5\r\n0\r\n\r\n\r\n0\r\n\r\n", "0\r\n\r\n", 0),
            ("f\r\nHTTP/1.1 200 OK\r\n0\r\n\r\n", "HTTP/1.1 200 OK", 0),
            ("0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "", 19),
            ("1\r\na\r\n0\r\n\r\n0\r\n\r\n", "a", 5),
        ] as [(String, String, Int)])
    func chunks(text: String, body: String, rest: Int) {
        check(chunked, text, Expected(body: body, rest: rest))
    }

    @Test func trailers() {
        check(chunked, "1\r\na\r\n0\r\nDigest: x\r\n\r\n", Expected(body: "a", trailers: ["Digest: x"]))
        check(chunked, "0\r\nA: 1\r\nB:2\r\nA: 3\r\n\r\nmore", Expected(trailers: ["A: 1", "B: 2", "A: 3"], rest: 4))
        check(chunked, "0\r\nA: b\r\n c\r\n\r\n", Expected(end: .malformed(.trailer), rest: 12))
        check(chunked, "0\r\nHTTP/1.1 200 OK\r\n\r\n", Expected(end: .malformed(.trailer), rest: 19))
        check(chunked, "0\r\nA: 123456\r\n\r\n", Expected(end: .malformed(.headerTooLarge), rest: 13), limit: 12)
        check(chunked, "0\r\nA: 12345\r\n\r\n", Expected(trailers: ["A: 12345"]), limit: 12)
        check(chunked, "0\r\nA: b\r\n", Expected(end: .open, rest: 6))
    }

    /// A line feed alone, a size in other digits, white space in the wrong place: each has smuggled a request somewhere.
    @Test(
        arguments: [
            ("x\r\n", Malformation.chunkSize, "", 3),
            ("\r\n5\r\nfirst\r\n", .chunkSize, "", 12),
            (" 5\r\nfirst\r\n", .chunkSize, "", 11),
            ("-1\r\n", .chunkSize, "", 4),
            ("+5\r\nfirst", .chunkSize, "", 9),
            ("0x5\r\nfirst", .chunkSize, "", 9),
            ("5x\r\nfirst", .chunkSize, "", 8),
            ("5 6\r\nfirst", .chunkSize, "", 8),
            ("5\nfirst\r\n", .chunkSize, "", 8),
            ("5\rfirst\r\n", .chunkSize, "", 7),
            ("5;a\nfirst", .chunkSize, "", 6),
            ("5;a\rb\r\nfirst", .chunkSize, "", 8),
            ("5;\u{0}\r\nfirst", .chunkSize, "", 8),
            ("5;\u{7f}\r\nfirst", .chunkSize, "", 8),
            ("01000000000000000\r\nfirst", .chunkSize, "", 8),
            ("fffffffffffffffff\r\n", .chunkSize, "", 4),
            ("5\r\nfirstx\r\n0\r\n\r\n", .chunkEnd, "first", 8),
            ("5\r\nfirst\n0\r\n\r\n", .chunkEnd, "first", 6),
            ("5\r\nfirst\rx", .chunkEnd, "first", 1),
            ("5\r\nfirst0\r\n\r\n", .chunkEnd, "first", 5),
            ("5\r\nfirst\r\nHTTP/1.1 500 Oh\r\n\r\n", .chunkSize, "first", 19),
            ("HELLO", .chunkSize, "", 5),
            ("5\r\nfirst\r\nHTTP/1.1 1x0 Oh\r\n\r\n", .chunkSize, "first", 19),
        ] as [(String, Malformation, String, Int)])
    func malformations(text: String, fault: Malformation, body: String, rest: Int) {
        check(chunked, text, Expected(body: body, end: .malformed(fault), rest: rest))
    }

    @Test func interimResponsesAmongTheChunks() {
        check(
            chunked, "5\r\nfirst\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n6\r\nsecond\r\n0\r\n\r\n",
            Expected(body: "firstsecond", interims: [103]))
        check(
            chunked, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n0\r\n\r\n", Expected(interims: [100, 102]))
    }

    @Test func extensionsHaveALimit() {
        let limit = Int(BodyDecoder.extensionBytesMax)
        let just = "1;" + String(repeating: "x", count: limit) + "\r\na\r\n0\r\n\r\n"
        #expect(DecodedBody(chunked, [Array(just.utf8)]).end == .complete)
        let over = "1;" + String(repeating: "x", count: limit + 1) + "\r\na\r\n0\r\n\r\n"
        #expect(DecodedBody(chunked, [Array(over.utf8)]).end == .malformed(.chunkExtensionTooLarge))
        // Those of all chunks together.
        let many = String(repeating: "1;" + String(repeating: "x", count: limit / 8 + 1) + "\r\na\r\n", count: 8) + "0\r\n\r\n"
        #expect(DecodedBody(chunked, [Array(many.utf8)]).end == .malformed(.chunkExtensionTooLarge))
        let zeros = String(repeating: "0", count: limit + 1) + "1\r\na\r\n0\r\n\r\n"
        #expect(DecodedBody(chunked, [Array(zeros.utf8)]).end == .complete)
        #expect(DecodedBody(chunked, [Array(("0" + zeros).utf8)]).end == .malformed(.chunkExtensionTooLarge))
        let spaces = "1" + String(repeating: " ", count: limit + 2) + "\r\na\r\n0\r\n\r\n"
        #expect(DecodedBody(chunked, [Array(spaces.utf8)]).end == .malformed(.chunkExtensionTooLarge))
    }

    @Test func theLargestChunkSize() {
        var decoder = BodyDecoder(.chunked)
        var bytes = Array("fffffffffffffff\r\nabc".utf8)
        var block = HeaderBlock(capacity: 4)
        let count = bytes.count
        let step = decoder.decode(&bytes, count: count, limits: HeadLimits(headerBytesMax: 100), block: &block)
        #expect(step.outcome == .more && step.bodyCount == 3 && decoder.remaining == 0xfff_ffff_ffff_ffff - 3)
    }

    /// Random bodies in random chunks in random pieces come out as they went in.
    @Test(arguments: 0..<200) func chunksOfEverySize(seed: UInt64) {
        var chance = Chance(seed: seed)
        var wire: [UInt8] = []
        var body: [UInt8] = []
        for _ in 0..<chance.below(8) {
            let data = chance.bytes(1 + chance.below(chance.pick([1, 20, 300])))
            body += data
            let size = String(data.count, radix: 16, uppercase: chance.oneIn(2))
            wire += Array(
                (String(repeating: "0", count: chance.below(4)) + size + chance.pick(["", ";a", " ;b=\"c\""]) + "\r\n").utf8)
            wire += data + [0x0d, 0x0a]
        }
        wire += Array("0\r\n\r\n".utf8)
        let end = wire.count
        wire += chance.bytes(chance.below(9))
        var pieces: [[UInt8]] = []
        var at = 0
        while at < wire.count {
            let next = min(wire.count, at + 1 + chance.below(chance.pick([2, 40, 1000])))
            pieces.append(Array(wire[at..<next]))
            at = next
        }
        let decoded = DecodedBody(BodyDecoder(.chunked), pieces)
        #expect(decoded.body == body && decoded.end == .complete && decoded.consumed == end)
    }
}
