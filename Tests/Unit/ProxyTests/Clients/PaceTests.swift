import Testing

@testable import Proxy

@Suite struct PaceTests {
    static let millisecond: UInt64 = 1_000_000

    struct Case: CustomTestStringConvertible, Sendable {
        var name: String
        /// Looks: after so many milliseconds, at so many bytes, and for how many milliseconds it has stood still.
        var looks: [(UInt64, UInt64, UInt64)]
        var testDescription: String { name }
    }

    static let cases = [
        Case(name: "nothing at all", looks: [(0, 0, 0), (20, 0, 20), (1000, 0, 1000), (60_000, 0, 60_000)]),
        Case(name: "a burst a second", looks: [(900, 0, 900), (1000, 1024, 0), (1900, 1024, 900), (2000, 2048, 0)]),
        Case(name: "a drip", looks: [(100, 10, 100), (500, 50, 500), (1000, 100, 1000), (2000, 200, 2000)]),
        Case(name: "a fast one that stops", looks: [(500, 1 << 30, 0), (1000, 1 << 30, 500), (1500, 1 << 30, 1000)]),
        Case(
            name: "so much that it must not overflow",
            looks: [(1, .max / 2, 0), (2, .max, 0), (UInt64(1) << 43, .max, UInt64(1) << 43 - 2)]),
        Case(name: "a little, and all of it moves", looks: [(1, 1, 0), (2, 2, 0), (3, 3, 0)]),
    ]

    @Test(arguments: cases)
    func stillTime(_ story: Case) {
        var pace = Pace()
        let start: UInt64 = 7_000_000_000
        pace.begin(at: 0, start)
        for (after, bytes, still) in story.looks {
            #expect(pace.look(at: bytes, start + after * Self.millisecond) / Self.millisecond == still)
        }
    }

    @Test func anotherExchangeJoins() {
        var pace = Pace()
        pace.join(at: 0, 1000 * Self.millisecond)
        #expect(pace.look(at: 0, 1500 * Self.millisecond) == 500 * Self.millisecond)
        pace.join(at: 0, 10_000 * Self.millisecond)
        pace.join(at: 0, 19_000 * Self.millisecond)
        #expect(pace.look(at: 0, 19_000 * Self.millisecond) == 18_000 * Self.millisecond)
        // Nobody has looked for so long that it may have moved and stopped again.
        pace.join(at: 0, 30_000 * Self.millisecond)
        #expect(pace.look(at: 0, 30_100 * Self.millisecond) == 100 * Self.millisecond)
    }
}
