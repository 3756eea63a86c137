import Testing
import Traces

@Suite struct TraceParserTests {
    private let text = #"""
        # Handler writes past its own Content-Length.
        #     res.end('x');
        # recorded: node 20.20.2
        # legit: no
        > +0.0ms "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        < +1.25ms "a\t\"\\\x00\xff" "z" * 300 "tail"
        <raw +2.0ms 00ff
        < +2.0ms HEADERS 1 END_HEADERS :status=200
        < +3.0ms FIN
        > +3.0ms RST
        = 1 end
        ! body_after_end proven exchange=1 surplus_bytes=6
        ! duplicate_field proven exchange=2 fields=date,etag

        """#

    @Test func readsEveryLine() throws {
        let trace = try Trace.parse(Array(text.utf8))
        #expect(trace.title == "Handler writes past its own Content-Length.")
        #expect(trace.recorded == "node 20.20.2")
        #expect(!trace.isLegit && !trace.isPipelined)
        #expect(trace.pieces.count == 6)
        #expect(trace.pieces[0].bytes == Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
        #expect(trace.pieces[1].microseconds == 1250)
        let repeated = [UInt8](repeating: UInt8(ascii: "z"), count: 300)
        #expect(trace.pieces[1].bytes == Array("a\t\"\\".utf8) + [0, 255] + repeated + Array("tail".utf8))
        #expect(trace.pieces[2].content == .raw([0, 255]))
        #expect(trace.pieces[3].content == .frame("HEADERS 1 END_HEADERS :status=200"))
        #expect(trace.pieces[4] == Piece(.fromUpstream, microseconds: 3000, .fin))
        #expect(trace.pieces[5] == Piece(.toUpstream, microseconds: 3000, .reset))
        #expect(trace.events == ["1 end"])
        #expect(trace.expectations[0].kind == "body_after_end")
        #expect(trace.expectations[0].exchange == 1 && trace.expectations[0].surplusBytes == 6)
        #expect(trace.expectations[1].fact("fields") == "date,etag")
    }

    @Test func rendersWhatItRead() throws {
        let trace = try Trace.parse(Array(text.utf8))
        #expect(String(decoding: trace.render(), as: UTF8.self) == text)
    }

    @Test func everyByteSurvives() throws {
        var trace = Trace()
        let every = (0...255).map { UInt8($0) }
        let long = [UInt8](repeating: 10, count: 1000) + every + [UInt8](repeating: 34, count: 256)
        trace.pieces = [every, long, [], [7]].map { Piece(.fromUpstream, microseconds: 1, .text($0)) }
        #expect(try Trace.parse(trace.render()) == trace)
    }

    @Test(arguments: [
        ("hello", 1), ("> +1ms", 1), ("> 1ms \"\"", 1), ("> +1 \"\"", 1), ("> +1.ms \"\"", 1), ("> +1.2345ms \"\"", 1),
        ("# a\n> +1ms \"abc", 2), ("> +1ms \"\\q\"", 1), ("> +1ms \"\\x4\"", 1), ("> +1ms \"a\" b", 1), ("> +1ms \"a\" *", 1),
        ("> +1ms \"a\" * 99999999999999999999", 1), ("> +1ms \"ab\" * 40000000", 1), ("<raw +1ms 0", 1), ("<raw +1ms 0g", 1),
        ("! body_after_end", 1), ("! body_after_end perhaps", 1), ("! body_after_end proven exchange", 1),
        ("! body_after_end proven =1", 1),
    ])
    func errorsNameTheLine(text: String, line: Int) throws {
        let error = try #require(throws: TraceError.self) { try Trace.parse(Array(text.utf8)) }
        #expect(error.line == line)
        #expect(!error.message.isEmpty)
    }

    @Test func repetitionsShareOneLimit() {
        let line = "> +1ms \"a\" * \(Trace.pieceBytesMax / 2 + 1)\n"
        #expect(throws: TraceError.self) { try Trace.parse(Array((line + line).utf8)) }
    }

    @Test func noPrefixTraps() {
        let bytes = Array(text.utf8)
        for count in bytes.indices { _ = try? Trace.parse(Array(bytes[..<count])) }
    }
}
