import Testing

@testable import Proxy

/// When bytes of a tunnel, or of a request's body, are worth a pipe.
@Suite struct PassageTests {
    @Test func aPassageIsAsBroadAsItsLastBytes() {
        var passage = Passage()
        #expect(!passage.isBroad && passage.pipe == -1)
        for (count, isBroad) in [(99, false), (100, true), (5000, true), (1, false), (100, true)] {
            passage.note(count, least: 100)
            #expect(passage.isBroad == isBroad, "\(count) bytes")
        }
    }

    /// An exchange's memory has a budget, which both its passages fit into.
    @Test func itIsSmall() {
        #expect(MemoryLayout<Passage>.size == 2 && MemoryLayout<Passage>.alignment == 1)
        #expect(MemoryLayout<Exchange>.size <= 296)
    }
}
