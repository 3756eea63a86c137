/// Pseudo-random numbers for ids and choices, not for secrets: xorshift128+ from a seed, so that a simulation repeats.
struct RandomNumbers: RandomNumberGenerator {
    private var a: UInt64
    private var b: UInt64

    init(seed: UInt64) {
        // splitmix64 spreads a small seed over the whole state, which must not be zero.
        var z = seed
        func next() -> UInt64 {
            z &+= 0x9E37_79B9_7F4A_7C15
            var x = z
            x = (x ^ (x >> 30)) &* 0xBF58_476D_1CE4_E5B9
            x = (x ^ (x >> 27)) &* 0x94D0_49BB_1331_11EB
            return x ^ (x >> 31)
        }
        a = next()
        b = next() | 1
    }

    mutating func next() -> UInt64 {
        var x = a
        let y = b
        a = y
        x ^= x << 23
        b = x ^ y ^ (x >> 17) ^ (y >> 26)
        return b &+ y
    }
}
