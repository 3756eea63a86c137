import Detector
import Report
import Testing

struct IncidentRecordTests {
    @Test func everyFactStandsInTheDocumentedOrder() {
        let policy = EvidencePolicy(sample: .escaped)
        #expect(
            text(IncidentRecord(policy: policy).json(fullIncident())) == #"""
                {"time":"2026-11-22T09:15:03.123456Z","id":"01JD9000000000000000000000","schema":1,"severity":"error",\#
                "kind":"header_block_in_body","certainty":"proven","attribution":"likely","origin":"upstream","action":"contain",\#
                "client_impact":"aborted","message":"upstream legacy-shop sent a second header block","route":"shop",\#
                "protocol":"http/1.1","upstream":{"name":"legacy-shop","address":"127.0.0.1:3000","connection":812,\#
                "exchange":4},"client":{"address":"10.0.0.9:51234","protocol":"h2"},"request":{"id":"b1946ac9",\#
                "method":"GET","path":"/orders/7?token=[REDACTED]&[REDACTED]","host":"shop.example",\#
                "template":"/orders/{id}","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00f067aa0ba902b7"},"response":{"status":200,\#
                "framing":"content-length","declared_bytes":5,"body_bytes":5},"evidence":{"phase":"in_body","offset":59,\#
                "connection_offset":4711,"surplus_bytes":85,"delay_ms":50.2,"proof":"accounting","reason":"a rule","second_status":500,\#
                "second_fields":["content-type","content-length"],"start_line":"HTTP/1.1 500 Internal Server Error",\#
                "sample":"HTTP/1.1 500 Internal Server Error\\r\\nSet-Cookie:[REDACTED]\\r\\n\\r\\n"},\#
                "victim":{"request_id":"c0ffee","method":"GET","path":"/me?a=[REDACTED]"},\#
                "candidates":[{"request_id":"b1946ac9","method":"GET","path":"/orders/7",\#
                "route":"shop","status":200,"answered_ms_before":20.1,"reason":"it came 20.1 ms after"}],"group":"z69r4ar0","capture":"ID.trace","suppressed":0}
                """#)
    }

    @Test func absentFactsAreAbsentKeys() {
        let incident = Incident(
            timeNanoseconds: 0, id: "x", severity: .warning, kind: .malformedMessage, certainty: .proven, origin: .client,
            action: .observe, clientImpact: .none, message: "m", route: "_none", protocolName: "h2",
            evidence: .init(phase: .inHead))
        #expect(
            text(IncidentRecord().json(incident)) == #"""
                {"time":"1970-01-01T00:00:00.000000Z","id":"x","schema":1,"severity":"warning","kind":"malformed_message",\#
                "certainty":"proven","origin":"client","action":"observe","client_impact":"none","message":"m",\#
                "route":"_none","protocol":"h2","evidence":{"phase":"in_head"},"group":"r6gfhwhj","suppressed":0}
                """#)
        // Of a report without an exchange, whose program saw no id.
        var alone = incident
        alone.request = .init(id: "", method: "GET", path: "/a")
        #expect(text(IncidentRecord().json(alone)).contains(#""request":{"method":"GET","path":"/a","template":"/a"},"#))
    }

    @Test func whatTheProbeSawStandsBesideIt() {
        var incident = fullIncident()
        incident.application = fullSend()
        let record = text(IncidentRecord().json(incident))
        #expect(
            record.contains(
                #"""
                "application":{"code":"ERR_HTTP_HEADERS_SENT","outcome":"swallowed","operation":"setHeader","status":500,\#
                "field":"content-type","bytes":12,"route":"/orders/:id","framework":"express","between_ms":20.1,\#
                "first":["at first (/app/shop.js:16:7)"],"first_of":"route","second":["at second (/app/shop.js:17:7)"],\#
                "node":"v20.20.2","pid":4711},"group":"z69r4ar0"
                """#))
    }

    @Test func theSampleIsOffByDefault() {
        #expect(!text(IncidentRecord().json(fullIncident())).contains("\"sample\""))
    }

    @Test func queryIsKeptWhenAskedFor() {
        let record = text(IncidentRecord(policy: EvidencePolicy(keepQuery: true)).json(fullIncident()))
        #expect(record.contains(#""path":"/orders/7?token=abc&x""#))
    }

    @Test func textOfPeersStaysOnOneValidLine() {
        var incident = fullIncident()
        incident.request?.path = String(
            decoding: Array("/a\"\\\r\n\t\u{1}\u{7F}".utf8) + [0xFF, 0xC2, 0x85, 0xC3, 0xA9], as: UTF8.self)
        let record = text(IncidentRecord().json(incident))
        #expect(record.contains(#""path":"/a\"\\\r\n\t\u0001\u007f"# + "\u{FFFD}" + #"\u0085é""#))
    }

    @Test func longTextIsCut() {
        var incident = fullIncident()
        incident.request?.path = "/" + String(repeating: "é", count: 100_000)
        incident.evidence.secondFields = (0..<1000).map { "x-\($0)" }
        #expect(IncidentRecord().json(incident).count < 20_000)
    }

    @Test func aClientsStartLineLosesItsQuery() {
        var incident = fullIncident(kind: .malformedMessage)
        incident.origin = .client
        incident.evidence.startLine = "GET /a?token=abc HTTP/9"
        #expect(text(IncidentRecord().json(incident)).contains(#""start_line":"GET /a?token=[REDACTED] HTTP/9""#))
    }

    @Test func fieldsInQuestionAreNamed() {
        var incident = fullIncident(kind: .duplicateField)
        incident.evidence.secondFields = nil
        incident.evidence.fields = ["content-length"]
        #expect(text(IncidentRecord().json(incident)).contains(#""second_fields":["content-length"]"#))
    }

    @Test(arguments: [
        ("/a", "/a"), ("/a?", "/a?"), ("/a?x=1&y=2", "/a?x=[REDACTED]&y=[REDACTED]"), ("/a?secret", "/a?[REDACTED]"),
        ("/a?x=1=2&&z=", "/a?x=[REDACTED]&&z=[REDACTED]"), ("/a?x=?b=c", "/a?x=[REDACTED]"),
    ])
    func queryValuesAreRedacted(target: String, redacted: String) {
        #expect(QueryRedaction.redacted(target) == redacted)
    }

    @Test(arguments: [
        (0.0, "0"), (50.2, "50.2"), (0.0004, "0"), (1234.5678, "1234.568"), (-1.5, "-1.5"), (0.1 + 0.2, "0.3"), (7.05, "7.05"),
    ])
    func fractions(value: Double, expected: String) {
        var json = JSONText()
        json.object { $0.number("v", value) }
        #expect(text(json.bytes) == "{\"v\":\(expected)}")
    }

    @Test(arguments: [
        (951_782_400, "2000-02-29T00:00:00.000000Z"), (4_107_542_399, "2100-02-28T23:59:59.000000Z"),
        (4_107_542_400, "2100-03-01T00:00:00.000000Z"), (1_735_689_599, "2024-12-31T23:59:59.000000Z"),
    ])
    func dates(seconds: UInt64, expected: String) {
        #expect(WallTime.rfc3339(nanoseconds: seconds * 1_000_000_000) == expected)
    }

    @Test func dateField() {
        #expect(WallTime.imfFixdate(nanoseconds: 784_111_777_000_000_000) == "Sun, 06 Nov 1994 08:49:37 GMT")
    }
}
