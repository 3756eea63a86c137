/// Pseudo-random numbers from a seed (splitmix64): the same seed gives the same run.
public struct SeededNumbers: RandomNumberGenerator {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var x = state
        x = (x ^ (x >> 30)) &* 0xBF58_476D_1CE4_E5B9
        x = (x ^ (x >> 27)) &* 0x94D0_49BB_1331_11EB
        return x ^ (x >> 31)
    }

    /// A number below `bound`, which is not 0.
    public mutating func below(_ bound: Int) -> Int { Int(truncatingIfNeeded: next() % UInt64(bound)) }

    /// A number of the range.
    public mutating func within(_ range: ClosedRange<Int>) -> Int { range.lowerBound + below(range.count) }

    /// A duration up to so many nanoseconds.
    public mutating func upTo(_ nanoseconds: UInt64) -> UInt64 { nanoseconds == 0 ? 0 : next() % (nanoseconds + 1) }

    /// True in so many of a thousand cases.
    public mutating func chance(perMille: Int) -> Bool { perMille > 0 && below(1000) < perMille }

    public mutating func pick<Element>(_ choices: [Element]) -> Element { choices[below(choices.count)] }
}
