import Testing

@testable import Proxy

/// Ids and lots: repeatable from a seed, and spread.
@Suite struct RandomNumbersTests {
    private func draw(_ seed: UInt64, _ count: Int) -> [UInt64] {
        var numbers = RandomNumbers(seed: seed)
        return (0..<count).map { _ in numbers.next() }
    }

    @Test func aSeedGivesTheSameNumbers() {
        #expect(draw(7, 50) == draw(7, 50))
        #expect(draw(7, 50) != draw(8, 50))
    }

    /// Also from seeds that are small, or all bits.
    @Test(arguments: [0, 1, 2, .max] as [UInt64])
    func noNumberComesTwiceAndEveryBitMoves(_ seed: UInt64) {
        let numbers = draw(seed, 4000)
        #expect(Set(numbers).count == numbers.count)
        for bit in 0..<64 as Range<UInt64> {
            let set = numbers.count { $0 >> bit & 1 == 1 }
            #expect((1800...2200).contains(set), "bit \(bit): \(set) of 4000")
        }
    }
}
