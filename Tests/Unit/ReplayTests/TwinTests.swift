import Replay
import Report
import Testing
import Traces

/// The same story in HTTP/1 and in HTTP/2 is the same incident.
///
/// A story is told once, as what the upstream says, and written down both ways. What depends on the framing may differ: how
/// many bytes were too many. A header block inside a Content-Length body is missing here: those bytes are body on HTTP/1.
@Suite struct TwinTests {
    private static let guilty: [Twin] = [
        Twin(
            "a second answer in the same read",
            [Twin.Read(1, .head(200, length: 2), .body("ok", ends: true), .head(500, length: 2), .body("no", ends: true))],
            "second_response proven exchange=1"),
        Twin(
            "a second answer behind the last chunk",
            [Twin.Read(1, .head(200), .body("ok", ends: true), .head(500), .body("no", ends: true))],
            "second_response proven exchange=1"),
        Twin(
            "a second answer, late",
            [
                Twin.Read(1, .head(200, length: 2), .body("ok", ends: true)),
                Twin.Read(30, .head(500, length: 2), .body("no", ends: true)),
            ],
            "second_response proven exchange=1"),
        Twin(
            "a second answer to the second request", isSecond: true,
            [Twin.Read(1, .head(200), .body("ok", ends: true), .head(500, length: 2), .body("no", ends: true))],
            "second_response proven exchange=2"),
        Twin(
            "a second answer without a body, behind one without a body",
            [Twin.Read(1, .head(302, [Twin.Field("location", "/a")], ends: true), .head(302, ends: true))],
            "second_response proven exchange=1"),
        Twin(
            "a second answer to HEAD", asked: .head,
            [Twin.Read(1, .head(200, length: 2, ends: true), .head(500, length: 2, ends: true))],
            "second_response proven exchange=1"),
        Twin(
            "a header block inside a body",
            [Twin.Read(1, .head(200), .body("par")), Twin.Read(20, .head(500, length: 2), .body("no", ends: true))],
            "header_block_in_body proven exchange=1"),
        Twin(
            "a header block inside a body, in one read",
            [Twin.Read(1, .head(200), .body("par"), .head(500, length: 2), .body("no", ends: true))],
            "header_block_in_body proven exchange=1"),
        Twin(
            "a header block behind a header block",
            [Twin.Read(1, .head(200), .head(500, length: 2), .body("no", ends: true))],
            "header_block_in_body proven exchange=1"),
        Twin(
            "an interim response inside a body",
            [Twin.Read(1, .head(200), .body("par")), Twin.Read(5, .interim(103), .body("t", ends: true))],
            "late_interim proven exchange=1"),
        Twin(
            "an interim response right after the end",
            [Twin.Read(1, .head(200), .body("all", ends: true), .interim(103))],
            "late_interim proven exchange=1"),
        Twin(
            "an interim response long after the end",
            [Twin.Read(1, .head(200), .body("all", ends: true)), Twin.Read(40, .interim(100))],
            "late_interim proven exchange=1"),
        Twin(
            "a body past its length",
            [Twin.Read(1, .head(200, length: 5), .body("hello world", ends: true))],
            "body_after_end proven exchange=1"),
        Twin(
            "a body past its length, and nothing more",
            [Twin.Read(1, .head(200, length: 5), .body("hello world"))],
            "body_after_end proven exchange=1"),
        Twin(
            "a body past its length that is cut",
            [Twin.Read(1, .head(200, length: 5), .body("hello world"), .cut)],
            "body_after_end proven exchange=1"),
        Twin(
            "a body past its length, and the connection's end",
            [Twin.Read(1, .head(200, length: 5), .body("hello world")), Twin.Read(9, .hangup)],
            "body_after_end proven exchange=1"),
        Twin(
            "204 with a body, and nothing more", [Twin.Read(1, .head(204), .body("body"))],
            "body_after_end proven exchange=1"),
        Twin(
            "a body after the end",
            [Twin.Read(1, .head(200), .body("all", ends: true)), Twin.Read(20, .body("late"))],
            "body_after_end proven exchange=1"),
        Twin(
            "line ends after the end",
            [Twin.Read(1, .head(200, length: 3), .body("all", ends: true)), Twin.Read(20, .body("\r\n"))],
            "body_after_end proven exchange=1 severity=info"),
        Twin(
            "line ends past the length",
            [Twin.Read(1, .head(200, length: 3), .body("all\r\n", ends: true))],
            "body_after_end proven exchange=1 severity=info"),
        Twin(
            "line ends after the end, and more of them later",
            [
                Twin.Read(1, .head(200, length: 3), .body("all", ends: true)), Twin.Read(20, .body("\r\n")),
                Twin.Read(21, .body("\n\n")),
            ],
            "body_after_end proven exchange=1 severity=info"),
        Twin(
            "line ends after the end, and something else",
            [
                Twin.Read(1, .head(200, length: 3), .body("all", ends: true)), Twin.Read(20, .body("\r\n")),
                Twin.Read(21, .body("x")),
            ],
            "body_after_end proven exchange=1"),
        Twin(
            "204 with a body", [Twin.Read(1, .head(204), .body("body", ends: true))],
            "body_after_end proven exchange=1"),
        Twin(
            "304 with a body", [Twin.Read(1, .head(304), .body("body", ends: true))],
            "body_after_end proven exchange=1"),
        Twin(
            "HEAD with a body", asked: .head, [Twin.Read(1, .head(200, length: 4), .body("body", ends: true))],
            "body_after_end proven exchange=1"),
        Twin(
            "an answer that is cut", [Twin.Read(1, .head(200), .body("par")), Twin.Read(5, .cut)],
            "truncated_response proven exchange=1"),
        Twin(
            "an answer that is shorter than its length, and the connection ends",
            [Twin.Read(1, .head(200, length: 9), .body("par")), Twin.Read(5, .hangup)],
            "truncated_response proven exchange=1"),
        Twin(
            "an answer that goes no further", [Twin.Read(1, .head(200, length: 9), .body("par"))],
            "stalled_response proven exchange=1"),
        Twin(
            "a location twice",
            [
                Twin.Read(
                    1, .head(302, length: 0, [Twin.Field("location", "/a"), Twin.Field("location", "/b")], ends: true))
            ],
            "duplicate_field proven exchange=1 fields=location"),
        Twin(
            "lengths that differ",
            [Twin.Read(1, .head(200, length: 2, [Twin.Field("content-length", "3")]), .body("ok", ends: true))],
            "conflicting_framing proven exchange=1 fields=content-length"),
    ]

    /// Each looks like a guilty one.
    private static let innocent: [Twin] = [
        Twin("an answer", [Twin.Read(1, .head(200), .body("o")), Twin.Read(3, .body("k", ends: true))]),
        Twin("an answer to the second request", isSecond: true, [Twin.Read(1, .head(200, length: 2), .body("ok", ends: true))]),
        Twin(
            "interim responses before the header block",
            [Twin.Read(1, .interim(103), .interim(102)), Twin.Read(20, .head(200, length: 2), .body("ok", ends: true))]),
        Twin(
            "trailers",
            [Twin.Read(1, .head(200), .body("ok")), Twin.Read(3, .trailers([Twin.Field("x-sum", "1")]))]),
        Twin("HEAD with a length", asked: .head, [Twin.Read(1, .head(200, length: 1234, ends: true))]),
        Twin(
            "HEAD whose end comes apart", asked: .head,
            [Twin.Read(1, .head(200, length: 4)), Twin.Read(5, .body("", ends: true))]),
        Twin("204", [Twin.Read(1, .head(204, ends: true))]),
        Twin("204 whose end comes apart", [Twin.Read(1, .head(204)), Twin.Read(2, .body("", ends: true))]),
        Twin("304 with a length", [Twin.Read(1, .head(304, length: 99, ends: true))]),
        Twin(
            "an answer before the request is whole", asked: .post(restAfter: 50),
            [Twin.Read(1, .head(413, length: 2), .body("no", ends: true))]),
        Twin(
            "an answer while the request is on its way", asked: .post(restAfter: 5),
            [
                Twin.Read(1, .head(200), .body("o")), Twin.Read(9, .body("k", ends: true)),
            ]),
        Twin(
            "several cookies",
            [
                Twin.Read(
                    1, .head(200, length: 0, [Twin.Field("set-cookie", "a=1"), Twin.Field("set-cookie", "b=2")], ends: true))
            ]),
        Twin(
            "a body that spells an answer",
            [Twin.Read(1, .head(200, length: 19), .body("HTTP/1.1 500 Oh\r\n\r\n", ends: true))]),
    ]

    @Test(arguments: guilty + innocent) func areEqual(twin: Twin) throws {
        let http1 = try Replay.run(twin.http1)
        let http2 = try Replay.run(twin.http2)
        #expect(http1.incidents.map(withoutBytes) == twin.incidents)
        #expect(http2.incidents.map(withoutBytes) == twin.incidents)
        #expect(http1.records.map(Told.init) == http2.records.map(Told.init))
        #expect(http1.records.map(\.protocolName) == twin.incidents.map { _ in "http/1.1" })
        #expect(http2.records.map(\.protocolName) == twin.incidents.map { _ in "h2" })
        #expect(http1.faults == [])
        #expect(http2.faults == [])
    }

    /// Not one incident may come or go with where the network cuts.
    @Test(arguments: guilty + innocent) func areEqualHoweverTheyAreCut(twin: Twin) throws {
        for trace in [twin.http1, twin.http2] {
            for cutting in try Replay.cuttings(of: trace, everywhere: true) {
                let outcome = try Replay.run(trace, cutting: cutting)
                // Apart from the answer before it, a second answer on HTTP/1 may be the one to an earlier request come late.
                let recorded = outcome.incidents.filter { $0.fact("proof") != "accounting" }
                #expect(recorded.map(withoutBytes) == twin.incidents, "cut \(cutting)")
                #expect(outcome.faults == [], "cut \(cutting)")
            }
        }
    }

    private func withoutBytes(_ incident: Traces.Expectation) -> String {
        var recorded = incident
        recorded.facts.removeAll { $0.name == "surplus_bytes" }
        return recorded.description
    }

    /// What must not depend on the version.
    private struct Told: Equatable, CustomStringConvertible {
        var description: String

        init(_ incident: Incident) {
            description =
                "\(incident.kind) \(incident.certainty) \(incident.severity) \(incident.evidence.phase) \(incident.action) "
                + "\(incident.clientImpact) exchange \(incident.request?.id ?? "-") \(incident.upstream?.exchange ?? 0) "
                + "\(incident.response?.status ?? 0) \(incident.response?.bodyBytes ?? 0)"
        }
    }
}
