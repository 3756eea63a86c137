import Report

/// The time of access lines as text: the part down to the second is made once a second.
struct AccessClock {
    private var second = UInt64.max
    /// `2026-11-22T09:15:03` and `22/Nov/2026:09:15:03 +0000`.
    private var rfc3339: InlineArray<19, UInt8> = .init(repeating: 0)
    private var combined: InlineArray<26, UInt8> = .init(repeating: 0)

    mutating func put(_ nanoseconds: UInt64, isCombined: Bool, _ out: inout ByteWriter) {
        if nanoseconds / 1_000_000_000 != second { read(nanoseconds) }
        if isCombined {
            for i in combined.indices { out.put(combined[i]) }
            return
        }
        for i in rfc3339.indices { out.put(rfc3339[i]) }
        out.put(0x2e)
        var rest = nanoseconds % 1_000_000_000 / 1000
        var divisor: UInt64 = 100_000
        while divisor > 0 {
            out.put(0x30 + UInt8(truncatingIfNeeded: rest / divisor))
            rest %= divisor
            divisor /= 10
        }
        out.put(0x5a)
    }

    private mutating func read(_ nanoseconds: UInt64) {
        second = nanoseconds / 1_000_000_000
        let (full, log) = (
            Array(WallTime.rfc3339(nanoseconds: nanoseconds).utf8), Array(WallTime.combined(nanoseconds: nanoseconds).utf8)
        )
        for i in rfc3339.indices { rfc3339[i] = full[i] }
        for i in combined.indices { combined[i] = log[i] }
    }
}
