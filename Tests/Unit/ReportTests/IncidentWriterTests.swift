import Detector
import Facts
import Testing

@testable import Report

/// Every sentence of a record, by table.
@Suite struct IncidentWriterTests {
    private let place = IncidentPlace(
        upstream: "app", address: "127.0.0.1:3000", connection: 7, protocolName: "http/1.1", id: "ID", timeNanoseconds: 5,
        seenAt: 100_000_000)

    private func party(_ path: String, route: String = "shop", ordinal: UInt32, endedAt: UInt64 = 90_000_000) -> IncidentParty {
        var answer = Answer()
        answer.status = 200
        answer.framing = .length
        answer.declaresLength = true
        answer.declaredBytes = 9
        answer.bodyBytes = 5
        answer.endedAt = endedAt
        return IncidentParty(
            request: Incident.Request(id: path, method: "GET", path: path),
            client: Incident.Client(address: "10.0.0.9:1", protocolName: "h2"), route: route, policy: .contain, answer: answer,
            ordinal: ordinal)
    }

    private func second(_ attribution: Attribution? = nil) -> Finding {
        let facts = SurplusFacts(
            total: 85, status: 500, startLine: "HTTP/1.1 500 Oops", fields: ["date"], beginsLikeHeaderBlock: true)
        var finding = Finding(Verdict(.secondResponse, in: .idle), .surplus(facts), connectionOffset: 40)
        finding.surplusBytes = 85
        finding.delay = 10_000_000
        finding.attribution = attribution
        return finding
    }

    private func message(_ finding: Finding) -> String {
        IncidentWriter.incident(finding, at: place, guilty: party("/a?x=1", ordinal: 1)).message
    }

    private func surplus(_ kind: Kind, in phase: Phase, _ facts: SurplusFacts) -> Finding {
        Finding(Verdict(kind, in: phase), .surplus(facts), connectionOffset: 0)
    }

    @Test func sentences() {
        var malformed = surplus(.malformedMessage, in: .inHead, SurplusFacts(total: 9))
        malformed.reason = "no status line"
        malformed.shown = Array("<html>\r\n<head>".utf8)
        var block = surplus(
            .malformedMessage, in: .inHead, SurplusFacts(total: 9, status: 200, beginsLikeHeaderBlock: true))
        block.reason = "folded field line (obs-fold) after field x-a (line 3)"
        var fields = Finding(Verdict(.duplicateField, in: .inHead), .fields(["date"]), connectionOffset: 0)
        fields.reason = "date more than once (lines 2 and 4, the same value)"
        var hangup = Finding(
            Verdict(.hangupAfterEnd, .suspected, in: .idle), .hangup(connectionsEnded: 1), connectionOffset: 0)
        hangup.delay = 2_000_000
        var death = hangup
        death.matter = .hangup(connectionsEnded: 4)
        var reset = Finding(
            Verdict(.truncatedResponse, in: .inBody), .unfinished("reset the stream with INTERNAL_ERROR"), connectionOffset: 0)
        reset.reason = nil
        var embedded = Finding(
            Verdict(.headerBlockInBody, .suspected, in: .inBody), .embedded(SurplusFacts(total: 9), bodyOffset: 4),
            connectionOffset: 0)
        for (finding, expected) in [
            (second(), "sent a second answer (HTTP/1.1 500 Oops) 10.0 ms after the end of its answer to GET /a?x=[REDACTED]"),
            (
                malformed,
                "sent bytes that are not HTTP where the answer to GET /a?x=[REDACTED] was due: no status line, beginning with "
                    + "\"<html>\\r\\n<head>\""
            ),
            (
                block,
                "sent an answer that breaks HTTP's rules where the answer to GET /a?x=[REDACTED] was due: "
                    + "folded field line (obs-fold) after field x-a (line 3)"
            ),
            (fields, "sent date more than once (lines 2 and 4, the same value) in its answer to GET /a?x=[REDACTED]"),
            (
                hangup,
                "hung up 2.0 ms after the end of its answer to GET /a?x=[REDACTED], although it had promised to keep the connection"
            ),
            (
                death,
                "ended all 4 connections of server 127.0.0.1:3000 2.0 ms after the end of its answer to GET /a?x=[REDACTED]: "
                    + "its process has died, or was stopped just then"
            ),
            (reset, "reset the stream with INTERNAL_ERROR 5 bytes into the body of 9 of GET /a?x=[REDACTED]"),
            (
                embedded,
                "sent a second header block 4 bytes into the Content-Length body of GET /a?x=[REDACTED], which then stopped short"
            ),
        ] { #expect(message(finding) == "upstream app " + expected) }
        embedded.surplusBytes = 30
        #expect(message(embedded).hasSuffix("which pushed 30 bytes past its end"))
    }

    @Test func withoutARequest() {
        let incident = IncidentWriter.incident(second(), at: place, guilty: nil)
        #expect(incident.message.hasSuffix("on a connection that had served no request"))
        #expect(incident.route == "_none" && incident.attribution == nil && incident.request == nil)
    }

    /// The id of an exchange that was not answered to its end says that it is another's, and no more.
    @Test func whomItMetMayBeAllThatIsKnown() {
        let incident = IncidentWriter.incident(second(), at: place, guilty: nil, victim: party("/b", ordinal: 2))
        #expect(incident.message.hasSuffix("where the answer to GET /b was due"))
    }

    @Test func whoseItIsMayBeOpen() {
        let suspects = [
            Attribution.Suspect(age: 2, share: 0.6, delay: 80_900_000, isRound: true, wasSuspected: false),
            Attribution.Suspect(age: 1, share: 0.3, delay: 60_000_000, isRound: false, wasSuspected: true),
        ]
        var finding = second(
            Attribution(
                confidence: .open, suspects: suspects, shift: Attribution.Shift(age: 0, status: 503, usualStatus: 200)))
        finding.clientImpact = .misdelivered
        let guilty = party("/guilty", route: "reports", ordinal: 1, endedAt: 10_000_000)
        let incident = IncidentWriter.incident(
            finding, at: place, guilty: guilty, victim: party("/slow", ordinal: 3),
            suspects: [guilty, party("/b", ordinal: 2)], latest: party("/slow", ordinal: 3))
        #expect(
            incident.message
                == "upstream app sent one answer more than it had requests on a connection, the last (HTTP/1.1 500 Oops): perhaps "
                + "GET /guilty was answered twice, and GET /slow was given the second answer (status 503) for its own, "
                + "but it may be that of GET /b (see candidates)")
        #expect(incident.attribution == .open && incident.route == "reports" && incident.upstream?.exchange == 1)
        #expect(incident.candidates.map(\.request.path) == ["/guilty", "/b"])
        #expect(incident.candidates[0].answeredMillisecondsBefore == 90)
        #expect(
            incident.candidates[0].reason
                == "what GET /slow was given came 80.9 ms after the end of its answer, as a timer does; GET /slow is usually "
                + "answered with 200, was given 503, and its own answer came after it (60 %)")
        #expect(incident.candidates[1].reason.contains("suspected before"))
    }

    @Test func aLikelyOneSaysSo() {
        let suspects = [0, 1].map {
            Attribution.Suspect(age: $0, share: $0 == 0 ? 0.9 : 0.1, delay: 10_000_000, isRound: true, wasSuspected: false)
        }
        let parties = [party("/b", ordinal: 2), party("/a", ordinal: 1)]
        let incident = IncidentWriter.incident(
            second(Attribution(confidence: .likely, suspects: suspects, shift: nil)), at: place, guilty: parties[0],
            suspects: parties)
        #expect(
            incident.message.hasSuffix(
                "after the end of its answer to GET /b; most likely GET /b's own, but it may be that of GET /a (see candidates)"
            ))
        #expect(incident.clientImpact == .none && incident.victim == nil)
    }

    @Test func aClientsDeeds() {
        let client = Incident.Client(address: "10.0.0.9:1", protocolName: "h2")
        func message(_ deed: ClientFinding.Deed, surplus: UInt64? = nil) -> String {
            var finding = ClientFinding(.bodyAfterEnd, in: .afterEnd, deed, protocolName: "h2")
            finding.surplusBytes = surplus
            return IncidentWriter.incident(
                finding, by: client, id: "ID", timeNanoseconds: 5, place: place, party: party("/a", ordinal: 1)
            ).message
        }
        for (deed, surplus, expected) in [
            (.frame(.dataAfterEnd), 5, "sent DATA of 5 bytes after the end of GET /a"),
            (.frame(.lengthExceeded), 1, "sent 1 byte past the Content-Length of GET /a"),
            (
                .refusedRequest("bad request target", status: 400), nil,
                "sent a request with a fault (bad request target), and was answered with 400"
            ),
            (
                .brokenBody(bytes: 9), nil,
                "sent a body that is not framed as announced, 9 bytes into its request GET /a of route shop"
            ),
            (.brokenConnection("preface"), nil, "sent bytes that are not HTTP/2 (preface): its connection was ended"),
        ] as [(ClientFinding.Deed, UInt64?, String)] {
            #expect(message(deed, surplus: surplus) == "client 10.0.0.9:1 " + expected)
        }
    }
}
