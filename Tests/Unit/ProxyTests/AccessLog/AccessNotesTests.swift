import Report
import Testing

@testable import Proxy

@Suite struct AccessNotesTests {
    @Test func incidentsAreTakenOnceByTheirExchange() throws {
        var notes = try logging()
        notes.note("a", of: 3)
        notes.note("b", of: 3)
        notes.note("c", of: 4)
        #expect(notes.takeIncidents(of: 3) == ["a", "b"])
        #expect(notes.takeIncidents(of: 3) == [])
        #expect(notes.takeIncidents(of: 4) == ["c"])
    }

    @Test func theIdOfASurplusGoesToItsCollection() throws {
        var notes = try logging()
        #expect(notes.takeSurplusID() == nil)
        notes.surplusSeen("a", of: 1)
        #expect(notes.takeSurplusID() == "a")
        #expect(notes.takeSurplusID() == nil)
        #expect(notes.takeIncidents(of: 1) == ["a"])
    }

    @Test func theFirstLineSetsTheDeadline() throws {
        var notes = try logging()
        let entry = AccessEntry()
        let isFirst = [notes.add(entry, incidents: []), notes.add(entry, incidents: ["a"])]
        #expect(isFirst == [true, false])
        notes.handOver()
        let again = notes.add(entry, incidents: [])
        #expect(again)
    }

    @Test func whoLogsNothingNotesNothing() {
        var notes = AccessNotes(nil)
        notes.note("a", of: 1)
        notes.surplusSeen("b", of: 1)
        #expect(notes.takeIncidents(of: 1) == [])
        // Its record has an id all the same.
        #expect(notes.takeSurplusID() == "b")
        let isFirst = notes.add(AccessEntry(), incidents: [])
        #expect(!isFirst)
        notes.handOver()
    }

    private func logging() throws -> AccessNotes {
        let metrics = Metrics(schema: MetricsSchema(routes: [], upstreams: [], listeners: []), version: "test")
        let log = try AccessLog(path: "/dev/null", metrics: metrics, report: { _ in })
        return AccessNotes(AccessJournal(log, plan: Plan(upstreams: [], routes: [])))
    }
}
