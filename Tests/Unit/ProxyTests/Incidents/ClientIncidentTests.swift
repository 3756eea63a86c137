import Detector
import Facts
import Report
import Testing

@testable import Proxy

/// A client's incident before it is recorded: what comes after it on the same stream counts.
@Suite struct ClientIncidentTests {
    private func incident(stream: Int32?, _ text: String = "") -> ClientIncident {
        let finding = ClientFinding.frame(.dataAfterEnd, offset: 9, surplusBytes: 4, fields: nil, protocolName: "h2")
        let client = Incident.Client(address: "127.0.0.1:5", protocolName: "h2")
        let surplus = stream.map { stream in
            var collection = Surplus(
                .afterEnd, connectionOffset: 9, startedAt: 1, frames: SurplusFacts(total: UInt64(text.utf8.count)))
            let bytes = Array(text.utf8)
            collection.keep(bytes, bytes.count)
            return (stream: stream, collection: collection)
        }
        return ClientIncident(finding, by: client, id: "ID", timeNanoseconds: 5, surplus: surplus)
    }

    private func add(_ text: String, on stream: Int32, padding: Int = 0, to incident: ClientIncident) {
        let bytes = Array(text.utf8)
        incident.add(bytes.count + padding, on: stream, payload: bytes, bytes.count)
    }

    @Test(
        arguments: [
            ("\r\n", [("\r\n", 0)], 4, Severity.info), ("\r\n", [("x", 0)], 3, .warning), ("\r\n", [("\r\n", 5)], 9, .warning),
            ("more", [], 4, .warning), ("\n", [("\n", 0), ("\n", 0), ("\n", 0)], 4, .info),
        ] as [(String, [(String, Int)], UInt64, Severity)])
    func moreOfIt(_ first: String, _ more: [(String, Int)], _ total: UInt64, _ severity: Severity) {
        let incident = incident(stream: 3, first)
        #expect(incident.isOpen)
        for (text, padding) in more { add(text, on: 3, padding: padding, to: incident) }
        // Another stream's bytes are another matter.
        add("stranger", on: 5, to: incident)
        let record = incident.record
        #expect(record.evidence.surplusBytes == total && record.severity == severity && record.kind == .bodyAfterEnd)
        #expect(record.id == "ID" && record.origin == .client)
    }

    @Test func oneWithoutASurplusIsRecordedAsItIs() {
        let incident = incident(stream: nil)
        #expect(!incident.isOpen)
        add("more", on: 3, to: incident)
        #expect(incident.record.evidence.surplusBytes == 4)
    }
}
