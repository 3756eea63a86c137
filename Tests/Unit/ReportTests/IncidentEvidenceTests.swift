import Detector
import Facts
import Testing

@testable import Report

/// What of a finding stands in the record besides its sentence, and what is done about it.
@Suite struct IncidentEvidenceTests {
    private func party(_ policy: ViolationPolicy = .contain, _ change: (inout Answer) -> Void = { _ in }) -> IncidentParty {
        var answer = Answer()
        (answer.status, answer.framing, answer.startOffset, answer.bodyBytes) = (200, .length, 30, 5)
        change(&answer)
        return IncidentParty(
            request: Incident.Request(id: "a", method: "GET", path: "/a"), client: .init(address: "c", protocolName: "h2"),
            route: "shop", policy: policy, answer: answer, ordinal: 3)
    }

    private func record(_ finding: Finding, _ guilty: IncidentParty?, isHTTP2: Bool = false) -> Incident {
        let place = IncidentPlace(
            upstream: "app", address: "s:1", connection: 7, protocolName: isHTTP2 ? "h2" : "http/1.1", id: "ID",
            timeNanoseconds: 5, seenAt: 9)
        return IncidentWriter.incident(finding, at: place, guilty: guilty)
    }

    private func surplus(_ certainty: Certainty = .proven, _ phase: Phase = .idle) -> Finding {
        let facts = SurplusFacts(
            total: 85, status: 500, startLine: "HTTP/1.1 500 Oh", fields: ["date"], beginsLikeHeaderBlock: true)
        var finding = Finding(Verdict(.secondResponse, certainty, in: phase), .surplus(facts), connectionOffset: 100)
        (finding.surplusBytes, finding.delay, finding.sample) = (85, 2_500_000, [1, 2])
        return finding
    }

    /// Total over what a route says and how sure it is.
    @Test(arguments: ViolationPolicy.allCases, [Certainty.proven, .suspected])
    func actions(_ policy: ViolationPolicy, _ certainty: Certainty) {
        #expect(record(surplus(certainty), party(policy)).action == (certainty == .proven ? policy : .observe))
        var lines = Finding(Verdict(.malformedMessage, in: .inHead), .bareLineFeeds, connectionOffset: 0)
        lines.reason = "bare line feeds"
        #expect(record(lines, party(policy)).action == .observe, "it does no harm")
    }

    @Test func evidenceOfASecondAnswer() {
        let found = record(surplus(), party())
        let evidence = found.evidence
        #expect(evidence.connectionOffset == 100 && evidence.offset == 70 && evidence.surplusBytes == 85)
        #expect(evidence.delayMilliseconds == 2.5 && evidence.secondStatus == 500 && evidence.secondFields == ["date"])
        #expect(evidence.startLine == "HTTP/1.1 500 Oh" && evidence.sample == [1, 2] && evidence.fields == nil)
        #expect(found.attribution == .certain && found.candidates.isEmpty && found.protocolName == "http/1.1")
        #expect(found.response?.declaredBytes == nil && found.response?.framing == "content-length")
        #expect(record(surplus(), party(), isHTTP2: true).protocolName == "h2")
        let nobody = record(surplus(), nil)
        #expect(
            nobody.evidence.offset == nil && nobody.response == nil && nobody.upstream?.exchange == 0
                && nobody.action == .contain)
    }

    @Test func whatIsNoAnswerHasNoFields() {
        let finding = Finding(Verdict(.bodyAfterEnd, in: .idle), .surplus(SurplusFacts(total: 3)), connectionOffset: 10)
        let evidence = record(finding, party()).evidence
        #expect(
            evidence.secondFields == nil && evidence.secondStatus == nil && evidence.startLine == nil && evidence.sample == nil)
        #expect(evidence.offset == 0, "an offset is never less than nothing")
    }

    @Test(arguments: [(0, nil), (200, 200)] as [(UInt16, Int?)])
    func anAnswerThatNeverCameHasNoRecord(_ status: UInt16, _ expected: Int?) {
        #expect(record(surplus(), party { $0.status = status }).response?.status == expected)
        #expect(record(surplus(), party { ($0.declaresLength, $0.declaredBytes) = (true, 9) }).response?.declaredBytes == 9)
    }

    /// Of what follows a body that has passed unread nobody knows whether it began within it.
    @Test(arguments: [
        (Phase.afterEnd, true, true), (.idle, true, true), (.nextExchange, true, false), (.inBody, true, false),
        (.idle, false, false),
    ])
    func unsearchedBodies(_ phase: Phase, _ isUnsearched: Bool, _ isStated: Bool) {
        let found = record(surplus(.proven, phase), party { $0.isUnsearched = isUnsearched })
        #expect((found.evidence.reason == IncidentWriter.unsearched) == isStated)
        #expect(found.message.contains("was not searched") == isStated)
    }

    @Test func whatIsNotHTTPIsShownEscaped() {
        var finding = Finding(Verdict(.malformedMessage, in: .inHead), .surplus(SurplusFacts(total: 9)), connectionOffset: 0)
        finding.shown = Array("<a \"b\">\u{1b}\r\n".utf8)
        let bare = record(finding, party()).evidence.reason
        #expect(bare?.hasPrefix("beginning with \"<a ") == true && bare?.contains("\u{1b}") == false)
        finding.reason = "no status line"
        #expect(record(finding, party()).evidence.reason?.hasPrefix("no status line, beginning with \"") == true)
    }
}
