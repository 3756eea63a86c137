import Report
import Testing

struct IncidentIDTests {
    @Test func idsRiseWhateverTheClockDoes() {
        let ids = IncidentID()
        var earlier = ""
        for milliseconds: UInt64 in [1000, 1000, 999, 1001, 5, 1_700_000_000_000] + Array(repeating: 0, count: 1000) {
            let id = ids.next(milliseconds: milliseconds)
            #expect(id.utf8.count == 26 && id > earlier)
            #expect(id.utf8.allSatisfy { "0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8.contains($0) })
            earlier = id
        }
    }

    @Test func theFirstTenCharactersAreTheTime() {
        #expect(IncidentID().next(milliseconds: 1_469_918_176_385).hasPrefix("01ARYZ6S41"))
    }
}
