import Replay
import Testing
import Traces

/// Short stories beside the recorded ones: what an upstream says to a request or two, and what must come of it.
///
/// Each runs as told, and cut before every byte. An innocent one stands beside each guilty one that looks like it.
@Suite struct StoriesTests {
    struct Story: Sendable, CustomTestStringConvertible {
        var name: String
        /// Lines of a trace.
        var lines: [String]
        var testDescription: String { name }
    }

    private static let ask = #"> +0ms "GET / HTTP/1.1\r\nHost: a\r\n\r\n""#
    private static let askAgain = #"> +20ms "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n""#

    private static func said(_ milliseconds: Int, _ text: String) -> String { "< +\(milliseconds)ms \"\(text)\"" }

    static let stories: [Story] = [
        Story(
            name: "a transfer coding on an interim response",
            lines: [
                ask, said(1, #"HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: chunked\r\n\r\n"#),
                said(2, #"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"#),
                "! conflicting_framing proven exchange=1 fields=transfer-encoding",
            ]),
        Story(
            name: "early hints with several links",
            lines: [
                ask, said(1, #"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\nLink: <b>\r\n\r\n"#),
                said(2, #"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"#),
            ]),
        Story(
            name: "a date twice in an interim response",
            lines: [
                ask, said(1, #"HTTP/1.1 103 Early Hints\r\nDate: a\r\nDate: b\r\n\r\n"#),
                said(2, #"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"#),
                "! duplicate_field proven exchange=1 fields=date",
            ]),
        Story(
            name: "a chunked answer on 204",
            lines: [
                ask, said(1, #"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n"#),
                "! conflicting_framing proven exchange=1 fields=transfer-encoding",
            ]),
        Story(
            name: "an empty element in a length",
            lines: [
                ask, said(1, #"HTTP/1.1 200 OK\r\nContent-Length: 2,\r\n\r\nok"#),
                "! conflicting_framing proven exchange=1 fields=content-length",
            ]),
        Story(
            name: "chunks cut inside every line",
            lines: [
                ask,
                said(
                    1,
                    #"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n00A\r\n0123456789\r\n0\r\nX: y\r\n\r\n"#
                ),
                askAgain, said(21, #"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"#),
            ]),
        Story(
            name: "a second answer as soon as the first has ended",
            lines: [
                ask, said(1, #"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nno"#),
                "! second_response proven exchange=1 surplus_bytes=40",
            ]),
        Story(
            name: "a body that spells an answer",
            lines: [
                ask, said(1, #"HTTP/1.1 200 OK\r\nContent-Length: 42\r\n\r\nHTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nnono"#),
            ]),
        Story(
            name: "a status line where a chunk's size is due",
            lines: [
                ask,
                said(1, #"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nHTTP/1.1 500 Oh\r\n\r\n"#),
                "! header_block_in_body proven exchange=1 surplus_bytes=19",
            ]),
        Story(
            name: "a notice of timeout on an idle connection that closes",
            lines: [
                ask, said(1, #"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"#),
                said(500, #"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n"#), "< +500ms FIN",
            ]),
        Story(
            name: "an answer that ends with its connection",
            lines: [ask, said(1, #"HTTP/1.1 200 OK\r\n\r\nall of it"#), "< +5ms FIN"]),
        Story(
            name: "a coding that is not chunked, and ends with its connection",
            lines: [
                ask, said(1, #"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nall of it"#), "< +5ms FIN",
                "! conflicting_framing proven exchange=1 fields=transfer-encoding",
            ]),
        Story(
            name: "a coding that is not chunked, and never ends",
            lines: [
                ask, said(1, #"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nall"#),
                "! conflicting_framing proven exchange=1 fields=transfer-encoding",
                "! stalled_response suspected exchange=1",
            ]),
        Story(
            name: "an answer that is cut by its connection's end",
            lines: [
                ask, said(1, #"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nall"#), "< +5ms FIN",
                "! truncated_response proven exchange=1",
            ]),
        Story(
            name: "a chunked answer without its last chunk",
            lines: [
                ask, said(1, #"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nall\r\n"#), "< +5ms FIN",
                "! truncated_response proven exchange=1",
            ]),
    ]

    @Test(arguments: stories) func isRecordedRight(story: Story) throws {
        let trace = try Trace.parse(Array(story.lines.joined(separator: "\n").utf8))
        for cutting in [.asRecorded] + (try Replay.cuttings(of: trace, everywhere: true)) {
            let outcome = try Replay.run(trace, cutting: cutting)
            #expect(outcome.incidents == trace.expectations, "cut \(cutting)")
            #expect(outcome.faults == [], "cut \(cutting)")
        }
    }
}
