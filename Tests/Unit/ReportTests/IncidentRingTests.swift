import Detector
import Report
import Synchronization
import Testing

struct IncidentRingTests {
    private func ring(_ count: Int, capacity: Int = 4) -> IncidentRing {
        let ring = IncidentRing(capacity: capacity)
        for number in 1...count {
            var incident = fullIncident(kind: number % 2 == 0 ? .lateInterim : .secondResponse, route: "r\(number % 3)")
            incident.id = "id\(100 + number)"
            ring.append(incident, json: Array("\(number)".utf8))
        }
        return ring
    }

    private func numbers(_ entries: [IncidentRing.Entry]) -> [String] { entries.map { text($0.json) } }

    @Test func itKeepsTheNewest() {
        #expect(numbers(ring(3).incidents(limit: 10)) == ["1", "2", "3"])
        #expect(numbers(ring(6).incidents(limit: 10)) == ["3", "4", "5", "6"])
        #expect(numbers(ring(6).incidents(limit: 2)) == ["5", "6"])
        #expect(numbers(ring(6).incidents(limit: -1)) == [])
    }

    @Test func afterAnID() {
        #expect(numbers(ring(6).incidents(after: "id104", limit: 1)) == ["5"])
        #expect(numbers(ring(6).incidents(after: "id101", limit: 10)) == ["3", "4", "5", "6"])
        #expect(numbers(ring(6).incidents(after: "zzz", limit: 10)) == [])
    }

    @Test func filtered() {
        #expect(numbers(ring(6).incidents(filter: .init(kinds: [.lateInterim]), limit: 10)) == ["4", "6"])
        #expect(numbers(ring(6).incidents(filter: .init(routes: ["r0"]), limit: 10)) == ["3", "6"])
        #expect(numbers(ring(6).incidents(filter: .init(kinds: [.lateInterim], routes: ["r0"]), limit: 10)) == ["6"])
    }

    @Test func readingOnShowsWhatWasMissed() {
        let ring = ring(6)
        #expect(ring.entries(after: 0, limit: 3).missed == 2)
        #expect(numbers(ring.entries(after: 0, limit: 3).entries) == ["3", "4", "5"])
        #expect(ring.entries(after: 5, limit: 3).missed == 0)
        #expect(numbers(ring.entries(after: 5, limit: 3).entries) == ["6"])
        #expect(ring.entries(after: 6, limit: 3).entries.isEmpty)
        #expect(ring.sequence(ofIncident: "id104") == 4)
        #expect(ring.sequence(ofIncident: "id001") == 2)
        #expect(ring.sequence(ofIncident: "zzz") == 6)
    }

    @Test func subscribersAreWokenUntilTheyLeave() throws {
        let ring = IncidentRing()
        let woken = WakeCount()
        let subscription = try #require(ring.subscribe { woken.count.add(1, ordering: .relaxed) })
        ring.append(fullIncident(), json: [])
        ring.unsubscribe(subscription)
        ring.append(fullIncident(), json: [])
        #expect(woken.count.load(ordering: .relaxed) == 1)
        for _ in 0..<ReportLimit.subscribersMax { #expect(ring.subscribe {} != nil) }
        #expect(ring.subscribe {} == nil)
    }

    private final class WakeCount: Sendable { let count = Atomic(0) }
}
