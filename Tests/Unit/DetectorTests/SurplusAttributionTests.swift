import Facts
import HTTP1
import Testing

@testable import Detector

/// Whom a surplus's records are about.
@Suite struct SurplusAttributionTests {
    private typealias Collection = SurplusCollectionTests.Collection
    private typealias Past = SurplusCollectionTests.Past

    private func attribute(_ collected: Collection, past: [Past]) throws -> [AttributedFinding<Past>] {
        var collection = collected
        var habits = Habits()
        let finding = collection.settle(by: SurplusReader.self, closed: false)
        return collection.attribute(try #require(finding), past: past, by: SurplusReader.self, habits: &habits)
    }

    @Test func theConnectionsOnlyExchangeIsGuilty() throws {
        let surplus = SurplusCollectionTests.bytes(.afterEnd, SurplusCollectionTests.second) { $0.id = "1" }
        let found = try attribute(surplus, past: [Past(1, endedAt: 400)])
        #expect(found.count == 1 && found[0].guilty == Past(1) && found[0].id == "1" && found[0].seenAt == 1_000)
        #expect(found[0].finding.delay == 600 && found[0].finding.attribution == .certain)
        #expect(found[0].victim == nil && found[0].latest == nil && found[0].suspects.isEmpty)
    }

    @Test func aConnectionThatHasServedNobodyHasNoneWhoIsGuilty() throws {
        let found = try attribute(SurplusCollectionTests.bytes(.afterEnd, SurplusCollectionTests.second), past: [])
        #expect(found.count == 1 && found[0].guilty == nil && found[0].latest == nil && found[0].finding.delay == nil)
    }

    /// On a stream, and inside an answer, it is the exchange whose bytes they followed or broke.
    @Test func theExchangeThatTheyFollowOnAStreamIsGuilty() throws {
        var frames = SurplusCollectionTests.frames(.idle, SurplusCollectionTests.head(500, bytes: 20))
        frames.current = Past(9, endedAt: 100)
        let found = try attribute(frames, past: [])
        #expect(found.map(\.guilty) == [Past(9)] && found[0].finding.delay == 900)
        let interim = SurplusCollectionTests.bytes(.inChunkedBody, SurplusCollectionTests.interim) {
            $0.current = Past(2, headAt: 700)
        }
        let inside = try attribute(interim, past: [Past(1, endedAt: 100)])
        #expect(inside[0].guilty == Past(2) && inside[0].suspects == [Past(2), Past(1)] && inside[0].latest == nil)
    }

    @Test func whatWasLeftBeforeARequestHasAVictim() throws {
        let stray = SurplusCollectionTests.bytes(.beforeAnswer, SurplusCollectionTests.second) {
            $0.leftBeforeRequest = true
            $0.current = Past(2)
        }
        let found = try attribute(stray, past: [Past(1, endedAt: 300)])
        #expect(found[0].guilty == Past(1) && found[0].victim == Past(2) && found[0].finding.delay == 700)
    }

    /// Whose answer was cut because another's second answer came behind it.
    @Test(arguments: [ClientImpact.none, .aborted, .badGateway])
    func whoLosesByAnothersAnswerIsItsVictim(_ impact: ClientImpact) throws {
        let stray = SurplusCollectionTests.bytes(.afterEnd, SurplusCollectionTests.second) {
            $0.clientImpact = impact
            $0.mark = .of(1)
        }
        let found = try attribute(stray, past: [Past(2, endedAt: 900), Past(1, endedAt: 300)])
        #expect(found[0].guilty == Past(1, endedAt: 300))
        #expect(found[0].victim == (impact == .none ? nil : Past(2, endedAt: 900)))
    }

    @Test func aMarkNamesTheSender() throws {
        let stray = SurplusCollectionTests.bytes(.beforeAnswer, SurplusCollectionTests.second) {
            $0.leftBeforeRequest = true
            $0.current = Past(4)
            $0.mark = .of(2)
        }
        let found = try attribute(stray, past: [Past(3), Past(2), Past(1)])
        #expect(found.count == 1 && found[0].guilty == Past(2) && found[0].victim == Past(4) && found[0].suspects.isEmpty)
    }

    @Test func ofABrokenMessageNothingIsWeighed() throws {
        let broken = SurplusCollectionTests.bytes(.inAnswer, "garbage")
        let found = try attribute(broken, past: [Past(2, endedAt: 300), Past(1)])
        #expect(found.count == 1 && found[0].guilty == Past(2) && found[0].finding.attribution == nil)
        #expect(found[0].finding.delay == nil, "nothing has come before its header block")
    }

    /// Two answers too many, of two requests: a record of each, with its own part of the bytes, and the id is the first's.
    @Test func eachRequestThatIsLikelyToHaveSentSomeHasARecord() throws {
        let second = SurplusCollectionTests.second
        var surplus = SurplusCollectionTests.bytes(.idle, second) { $0.id = "1" }
        let bytes = Array(second.utf8)
        surplus.add(bytes, bytes.count, at: 50_001_000)
        let past = (0..<4).reversed().map { age in
            Past(UInt32(age) + 1, sort: UInt32(age) + 1, headAt: UInt64(age) * 10 + 900, endedAt: UInt64(age) * 10 + 900)
        }
        let found = try attribute(surplus, past: past)
        #expect(found.first?.id == "1" && found.dropFirst().allSatisfy { $0.id == nil })
        let total = found.reduce(0) { $0 + ($1.finding.surplusBytes ?? 0) }
        #expect(total == UInt64(2 * bytes.count), "each byte is in one record")
        #expect(found.allSatisfy { !$0.suspects.isEmpty && $0.guilty == $0.suspects.first })
        if found.count == 2 {
            #expect(found[1].seenAt == 50_001_000 && found[1].finding.connectionOffset == 100 + UInt64(bytes.count))
        }
    }
}
