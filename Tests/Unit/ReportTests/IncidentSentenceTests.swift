import Detector
import Facts
import Testing

@testable import Report

/// The `message` of an upstream's incident: each kind of surplus in each phase, each number of bytes, each of several who it may be.
@Suite struct IncidentSentenceTests {
    private func party(_ path: String, endedAt: UInt64 = 90_000_000) -> IncidentParty {
        var answer = Answer()
        (answer.status, answer.bodyBytes, answer.endedAt) = (200, 5, endedAt)
        return IncidentParty(
            request: Incident.Request(id: path, method: "GET", path: path),
            client: Incident.Client(address: "10.0.0.9:1", protocolName: "h2"), route: "r", policy: .contain, answer: answer,
            ordinal: 1)
    }

    private func text(
        _ finding: Finding, guilty: IncidentParty?, victim: IncidentParty? = nil, suspects: [IncidentParty] = [],
        latest: IncidentParty? = nil
    ) -> String {
        let place = IncidentPlace(
            upstream: "app", address: "s:1", connection: 7, protocolName: "http/1.1", id: "ID", timeNanoseconds: 5,
            seenAt: 100_000_000)
        return IncidentSentence(
            finding: finding, place: place, guilty: guilty, victim: victim, suspects: suspects, latest: latest
        ).text
    }

    private func surplus(_ kind: Kind, _ phase: Phase, _ facts: SurplusFacts, delay: UInt64? = 20_000_000) -> Finding {
        var finding = Finding(Verdict(kind, in: phase), .surplus(facts), connectionOffset: 0)
        finding.delay = delay
        return finding
    }

    // MARK: Surplus

    private static let answer = SurplusFacts(total: 85, status: 500, startLine: "HTTP/1.1 500 Oh", beginsLikeHeaderBlock: true)
    private static let bare = SurplusFacts(total: 85, status: 500, beginsLikeHeaderBlock: true)

    @Test(arguments: [
        (Kind.secondResponse, answer, "a second answer (HTTP/1.1 500 Oh)"), (.secondResponse, bare, "a second answer"),
        (.misdeliveredResponse, answer, "a second answer (HTTP/1.1 500 Oh)"),
        (.headerBlockInBody, answer, "a second header block (HTTP/1.1 500 Oh)"),
        (.lateInterim, bare, "an interim response"), (.malformedMessage, bare, "an answer that breaks HTTP's rules"),
        (.malformedMessage, SurplusFacts(total: 9), "bytes that are not HTTP"),
        (.bodyAfterEnd, SurplusFacts(total: 1), "1 byte"), (.bodyAfterEnd, SurplusFacts(total: 2), "2 bytes"),
        (.bodyAfterEnd, SurplusFacts(total: 2, isOnlyLineEnds: true), "2 bytes of line ends"),
        (.bodyAfterEnd, SurplusFacts(total: 0), "0 bytes"),
    ])
    func whatWasSent(_ kind: Kind, _ facts: SurplusFacts, _ words: String) {
        #expect(
            text(surplus(kind, .afterEnd, facts), guilty: party("/a"))
                == "upstream app sent \(words) right after the end of its answer to GET /a")
    }

    @Test(arguments: [
        (Phase.inHead, "where the answer to GET /a was due"), (.inBody, "5 bytes into the body of GET /a"),
        (.afterEnd, "right after the end of its answer to GET /a"), (.idle, "20.0 ms after the end of its answer to GET /a"),
        (.nextExchange, "before the next answer, 20.0 ms after the end of its answer to GET /a"),
    ])
    func whereItStood(_ phase: Phase, _ words: String) {
        #expect(
            text(surplus(.bodyAfterEnd, phase, SurplusFacts(total: 7)), guilty: party("/a"))
                == "upstream app sent 7 bytes \(words)")
        // Whosever it is, times and places are those of the exchange that it followed; within a body, of the one whose body it is.
        let latest = text(
            surplus(.bodyAfterEnd, phase, SurplusFacts(total: 7)), guilty: party("/a"), latest: party("/z", endedAt: 99_900_000)
        )
        let expected = words.replacing("20.0", with: "0.1").replacing("/a", with: phase == .inBody ? "/a" : "/z")
        #expect(latest == "upstream app sent 7 bytes \(expected)")
    }

    @Test func aReasonStandsBehindThePlace() {
        var finding = surplus(.malformedMessage, .inHead, SurplusFacts(total: 9))
        finding.reason = "no status line"
        #expect(text(finding, guilty: party("/a")).hasSuffix("where the answer to GET /a was due: no status line"))
        #expect(text(finding, guilty: nil).hasSuffix("on a connection that had served no request: no status line"))
    }

    /// Nobody's values stand in a sentence.
    @Test func queriesAreRedacted() {
        #expect(
            text(surplus(.secondResponse, .idle, Self.answer), guilty: party("/a?t=hunter2")).contains("GET /a?t=[REDACTED]"))
    }

    // MARK: Whose it is

    private func attribution(_ confidence: Attribution.Confidence, _ count: Int, shift: Attribution.Shift? = nil) -> Attribution
    {
        let suspects = (0..<count).map {
            Attribution.Suspect(age: $0, share: 1 / Double(count), delay: 1, isRound: false, wasSuspected: false)
        }
        return Attribution(confidence: confidence, suspects: suspects, shift: shift)
    }

    @Test(arguments: [
        (Attribution.Confidence.certain, 3, ""), (.likely, 1, "; most likely GET /a's own"),
        (.likely, 2, "; most likely GET /a's own, but it may be that of GET /b (see candidates)"),
        (.open, 3, "; perhaps GET /a's own, but it may be that of GET /b or another (see candidates)"),
        (.open, 12, "; perhaps GET /a's own, but it may be that of GET /b or another (see candidates)"),
    ])
    func whoseItMayBe(_ confidence: Attribution.Confidence, _ count: Int, _ words: String) {
        var finding = surplus(.secondResponse, .idle, Self.answer)
        finding.attribution = attribution(confidence, count)
        let parties = [party("/a"), party("/b")] + (2..<max(count, 2)).map { party("/\($0)") }
        let sentence = text(finding, guilty: parties[0], suspects: Array(parties.prefix(count)))
        #expect(sentence.hasSuffix("after the end of its answer to GET /a" + words))
    }

    @Test(arguments: [
        (Attribution.Confidence.certain, "certainly", ""),
        (.likely, "most likely", ", but it may be that of GET /b (see candidates)"),
        (.open, "perhaps", ", but it may be that of GET /b (see candidates)"),
    ])
    func aShift(_ confidence: Attribution.Confidence, _ word: String, _ others: String) {
        var finding = surplus(.secondResponse, .idle, Self.bare)
        finding.attribution = attribution(confidence, 2, shift: .init(age: 0, status: 503, usualStatus: nil))
        let sentence = text(finding, guilty: party("/a"), victim: party("/v"), suspects: [party("/a"), party("/b")])
        #expect(
            sentence
                == "upstream app sent one answer more than it had requests on a connection, the last: \(word) GET /a was answered "
                + "twice, and GET /v was given the second answer (status 503) for its own\(others)")
    }

    // MARK: The rest

    @Test(arguments: [
        (Kind.duplicateField, "sent date, etag more than once in its answer to GET /a"),
        (.conflictingFraming, "sent date, etag that contradict each other in its answer to GET /a"),
    ])
    func fields(_ kind: Kind, _ words: String) {
        let finding = Finding(Verdict(kind, in: .inHead), .fields(["date", "etag"]), connectionOffset: 0)
        #expect(text(finding, guilty: party("/a")) == "upstream app \(words)")
    }

    @Test(arguments: [
        (Phase.inHead, false, "stopped in the header block of GET /a"),
        (.inBody, false, "stopped 5 bytes into the body of GET /a"),
        (.inBody, true, "stopped 5 bytes into the body of 9 of GET /a"),
    ])
    func ends(_ phase: Phase, _ declares: Bool, _ words: String) {
        var guilty = party("/a")
        (guilty.answer.declaresLength, guilty.answer.declaredBytes) = (declares, 9)
        var finding = Finding(Verdict(.truncatedResponse, in: phase), .unfinished("stopped"), connectionOffset: 0)
        #expect(text(finding, guilty: guilty) == "upstream app \(words)")
        finding.reason = "reset"
        #expect(text(finding, guilty: guilty) == "upstream app \(words): reset")
        #expect(text(finding, guilty: nil) == "upstream app stopped")
    }

    @Test func lineFeeds() {
        var finding = Finding(Verdict(.malformedMessage, severity: .info, in: .inHead), .bareLineFeeds, connectionOffset: 0)
        #expect(text(finding, guilty: party("/a")) == "upstream app sent a header block with faults in its answer to GET /a")
        finding.reason = "bare line feeds"
        #expect(
            text(finding, guilty: nil) == "upstream app sent a header block with bare line feeds in its answer to no request")
    }
}
