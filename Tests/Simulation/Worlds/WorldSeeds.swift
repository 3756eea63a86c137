import Simulation

/// Seeds of worlds, spread from a base: innocent and faulty ones by turns, or one sort alone.
public struct WorldSeeds: Sequence {
    let base: UInt64
    let count: Int
    let isInnocent: Bool?

    public init(base: UInt64, count: Int, isInnocent: Bool? = nil) {
        self.base = base
        self.count = count
        self.isInnocent = isInnocent
    }

    public func makeIterator() -> AnyIterator<UInt64> {
        var random = SeededNumbers(seed: base)
        var made = 0
        return AnyIterator {
            guard made < count else { return nil }
            made += 1
            let isOdd = isInnocent.map { !$0 } ?? (made % 2 == 0)
            return (random.next() & ~1) | (isOdd ? 1 : 0)
        }
    }
}
