import Testing

@testable import Proxy

@Suite struct AskedInVainTests {
    @Test func knowsAServersSorts() {
        var asked = AskedInVain()
        #expect(!asked.contains(server: 1, sort: 7))
        asked.note(server: 1, sort: 7)
        #expect(asked.contains(server: 1, sort: 7))
        #expect(!asked.contains(server: 2, sort: 7))
        #expect(!asked.contains(server: 1, sort: 8))
    }

    @Test func forgetsTheOldest() {
        var asked = AskedInVain()
        for sort in 0..<UInt32(AskedInVain.countMax) { asked.note(server: 0, sort: sort) }
        // What is known takes no place.
        asked.note(server: 0, sort: 5)
        #expect(asked.contains(server: 0, sort: 0))
        asked.note(server: 0, sort: 1000)
        #expect(!asked.contains(server: 0, sort: 0))
        #expect(asked.contains(server: 0, sort: 1) && asked.contains(server: 0, sort: 1000))
        for sort in 1001...1003 as ClosedRange<UInt32> { asked.note(server: 0, sort: sort) }
        #expect((1...3).allSatisfy { !asked.contains(server: 0, sort: $0) } && asked.contains(server: 0, sort: 4))
        #expect((1000...1003).allSatisfy { asked.contains(server: 0, sort: $0) })
    }
}
