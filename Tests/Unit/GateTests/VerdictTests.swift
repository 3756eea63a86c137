import Gate
import Records
import Testing

@Suite struct VerdictTests {
    @Test func groupsAreCountedAndThePlacesJoined() {
        let findings = Findings([Sample.wire(suppressed: 2), Sample.probe(), Sample.wire(), Sample.wire("w2", id: "other")])
        #expect(findings.list.map(\.group) == ["w1", "p1", "w2"])
        #expect(findings.list.map(\.count) == [4, 1, 1])
        #expect(findings.list[0].secondSend?.description == "/app/orders.js:15:9")
        #expect(findings.list[0].firstSend?.description == "/app/orders.js:12:3")
        #expect(findings.list[2].secondSend == nil)
        #expect(findings.list[1].subject == "application_double_send GET /orders/{id}")
    }

    @Test func exitCodes() {
        #expect(Sample.verdict([]).exitCode == 0)
        #expect(Sample.verdict([Sample.wire()]).exitCode == 3)
        #expect(Sample.verdict([Sample.wire()], status: 7).exitCode == 7)
        #expect(Sample.verdict([], status: 130).exitCode == 130)
    }

    @Test func whatIsLetThrough() {
        #expect(Sample.verdict([Sample.wire()]) { $0.allowed = ["second_response"] }.exitCode == 0)
        #expect(Sample.verdict([Sample.wire()]) { $0.allowed = ["late_interim"] }.exitCode == 3)
        #expect(Sample.verdict([Sample.wire()]) { $0.baseline = [.init(group: "w1", subject: "")] }.exitCode == 0)
        #expect(
            Sample.verdict([Sample.wire(), Sample.probe()]) { $0.baseline = [.init(group: "w1", subject: "")] }.exitCode == 3)
        let suspected = Sample.wire(kind: "hangup_after_end", certainty: "suspected")
        #expect(Sample.verdict([suspected]).exitCode == 0)
        #expect(Sample.verdict([suspected]) { $0.failsOnSuspected = true }.exitCode == 3)
    }

    @Test func whatIsGoneIsNamed() {
        let verdict = Sample.verdict([Sample.wire()]) {
            $0.baseline = [.init(group: "w1", subject: "a"), .init(group: "old", subject: "b")]
        }
        #expect(verdict.findings.gone == [.init(group: "old", subject: "b")])
        #expect(TextReport(folder: "/app", hasColour: false).text(verdict).contains("Gone from the baseline"))
    }

    @Test func theBaselineIsReadAsItIsWritten() throws {
        let findings = Findings([Sample.wire("b"), Sample.probe("a")])
        let bytes = Baseline.text(findings)
        #expect(try Baseline.entries(bytes).map(\.group) == ["a", "b"])
        #expect(String(decoding: bytes, as: UTF8.self).split(separator: "\n").count == 7)
        #expect(try Baseline.entries(Baseline.text(Findings([]))).isEmpty)
    }

    @Test(arguments: ["", "x", "{}", #"{"schema":2,"groups":[]}"#, #"{"schema":1}"#, #"{"schema":1,"groups":[{}]}"#])
    func aMalformedBaselineIsAFault(text: String) {
        #expect(throws: Baseline.Malformed.self) { try Baseline.entries(Array(text.utf8)) }
    }

    @Test func theTextNamesBothLines() {
        let text = TextReport(folder: "/app", hasColour: false).text(Sample.verdict([Sample.probe()]))
        #expect(
            text == """
                sendonce gate: 1 group of incidents: 1 new

                new: application_double_send GET /orders/{id}  proven, once  [p1]
                    second send  orders.js:15:9  (setHeader, ERR_HTTP_HEADERS_SENT, thrown)
                    first send   orders.js:12:3
                    answered again
                    Send in one place, and write `return` with every send. (sendonce explain application_double_send)

                """)
        #expect(
            TextReport(folder: "/", hasColour: false).text(Sample.verdict([])) == "sendonce gate: no answer was sent twice\n")
    }

    @Test func theProbeIsAddedToWhatNodeHas() {
        var environment = ["NODE_OPTIONS": "--max-old-space-size=100", "SENDONCE_PROBE_SOCKET": "x"]
        Preload.add(to: &environment, file: #"/tmp/a "b"\c/probe.js"#, reports: "/tmp/r")
        #expect(environment["NODE_OPTIONS"] == #"--max-old-space-size=100 --require "/tmp/a \"b\"\\c/probe.js""#)
        #expect(environment["SENDONCE_PROBE_FILE"] == "/tmp/r" && environment["SENDONCE_PROBE_SOCKET"] == nil)
    }
}
