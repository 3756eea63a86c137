/// Random numbers of the tests: the same seed gives the same run, on every machine (splitmix64).
public struct Chance: RandomNumberGenerator {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var x = state
        x = (x ^ (x >> 30)) &* 0xBF58_476D_1CE4_E5B9
        x = (x ^ (x >> 27)) &* 0x94D0_49BB_1331_11EB
        return x ^ (x >> 31)
    }

    /// A number below `bound`.
    public mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

    /// True once in so many times.
    public mutating func oneIn(_ times: Int) -> Bool { below(times) == 0 }

    public mutating func pick<T>(_ choices: [T]) -> T { choices[below(choices.count)] }

    public mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) } }

    /// The bytes with one to four small changes: a byte replaced, left out, put in, doubled, or a stretch moved.
    public mutating func mutated(_ bytes: [UInt8]) -> [UInt8] {
        // Bytes that mean something in HTTP/1 come more often than others.
        let syntax = Array("\r\n\r\n\r\n :;,\t0123456789abcdefHTTP/1.1 \u{0}\u{7f}\"=-".utf8) + [0x80, 0xff]
        var result = bytes
        for _ in 0...below(4) {
            let at = below(result.count + 1)
            let byte = oneIn(4) ? UInt8(truncatingIfNeeded: next()) : pick(syntax)
            switch below(6) {
            case 0: result.insert(byte, at: at)
            case 1 where at < result.count: result[at] = byte
            case 2 where at < result.count: result.remove(at: at)
            case 3 where at < result.count: result.insert(result[at], at: at)
            case 4 where at < result.count:
                let stretch = Array(result[at..<min(result.count, at + 1 + below(24))])
                result.insert(contentsOf: stretch, at: below(result.count + 1))
            default: result.removeSubrange(at..<min(result.count, at + below(12)))
            }
        }
        return result
    }
}
