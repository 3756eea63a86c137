import Detector
import Facts
import Testing

@testable import Report

/// A client's incident: what its record has, with and without an upstream, and each frame in words.
@Suite struct ClientIncidentRecordTests {
    private let client = Incident.Client(address: "10.0.0.9:1", protocolName: "h2")
    private let place = IncidentPlace(
        upstream: "app", address: "s:1", connection: 7, protocolName: "http/1.1", id: "ID", timeNanoseconds: 5, seenAt: 9)

    private var party: IncidentParty {
        var answer = Answer()
        (answer.status, answer.framing) = (204, .none)
        return IncidentParty(
            request: Incident.Request(id: "a", method: "PUT", path: "/a"), client: client, route: "shop", policy: .contain,
            answer: answer, ordinal: 3)
    }

    @Test(arguments: [
        (ClientFinding.Frame.dataAfterEnd, "sent DATA of 7 bytes after the end of"),
        (.lengthExceeded, "sent 7 bytes past the Content-Length of"),
        (.lengthShort, "ended the body before the Content-Length of"),
        (.secondHead, "sent a second header block in the body of"),
        (.brokenTrailers, "sent trailers that are none in"), (.pseudoInTrailers, "sent trailers that are none in"),
        (.windowMisused, "broke the rules of flow control in"), (.headAfterEnd, "sent a header block after the end of"),
        (.outOfPlace, "sent a header block after the end of"),
    ])
    func frames(_ frame: ClientFinding.Frame, _ words: String) {
        var finding = ClientFinding(.bodyAfterEnd, in: .afterEnd, .frame(frame), protocolName: "h2")
        finding.surplusBytes = 7
        let named = IncidentWriter.incident(finding, by: client, id: "ID", timeNanoseconds: 5, place: place, party: party)
        #expect(named.message == "client 10.0.0.9:1 \(words) PUT /a")
        let unnamed = IncidentWriter.incident(finding, by: client, id: "ID", timeNanoseconds: 5)
        #expect(unnamed.message == "client 10.0.0.9:1 \(words) a request")
    }

    @Test func whatARecordHas() {
        var finding = ClientFinding(
            .duplicateField, in: .inHead, .refusedRequest("Host twice", status: 400), protocolName: "http/1.1")
        (finding.fields, finding.reason, finding.connectionOffset) = (["host"], "Host twice", 40)
        let whole = IncidentWriter.incident(finding, by: client, id: "ID", timeNanoseconds: 5, place: place, party: party)
        #expect(whole.origin == .client && whole.certainty == .proven && whole.action == .contain && whole.severity == .warning)
        #expect(whole.route == "shop" && whole.request?.path == "/a" && whole.response?.status == 204)
        #expect(whole.upstream?.connection == 7 && whole.upstream?.exchange == 3 && whole.client?.address == "10.0.0.9:1")
        #expect(
            whole.evidence.fields == ["host"] && whole.evidence.reason == "Host twice" && whole.evidence.connectionOffset == 40)
        // A request that no upstream has seen.
        let request = Incident.Request(id: "r", method: "GET", path: "/r")
        let refused = IncidentWriter.incident(finding, by: client, id: "ID", timeNanoseconds: 5, request: request)
        #expect(refused.route == "_none" && refused.upstream == nil && refused.response == nil && refused.request?.path == "/r")
        // Nor has it one's route where it is known whose it was.
        let known = IncidentWriter.incident(finding, by: client, id: "ID", timeNanoseconds: 5, party: party)
        #expect(known.route == "_none" && known.upstream == nil && known.response == nil && known.request?.path == "/a")
        finding.severity = .info
        #expect(IncidentWriter.incident(finding, by: client, id: "ID", timeNanoseconds: 5).severity == .info)
    }
}
