import Testing

@testable import Proxy

/// Times of access lines: the second is made once and must not be shown for another.
@Suite struct AccessClockTests {
    private static let second: UInt64 = 1_000_000_000
    /// 2026-11-22 09:15:03 UTC.
    private static let start: UInt64 = 1_795_338_903 * second

    @Test func theSecondMovesOnAndBack() {
        var clock = AccessClock()
        for (nanoseconds, expected) in [
            (Self.start, "2026-11-22T09:15:03.000000Z"), (Self.start + 1_999, "2026-11-22T09:15:03.000001Z"),
            (Self.start + Self.second - 1, "2026-11-22T09:15:03.999999Z"),
            (Self.start + Self.second, "2026-11-22T09:15:04.000000Z"),
            // A wall clock may be set back.
            (Self.start - Self.second / 2, "2026-11-22T09:15:02.500000Z"), (0, "1970-01-01T00:00:00.000000Z"),
        ] as [(UInt64, String)] {
            #expect(ReadBlock.written { clock.put(nanoseconds, isCombined: false, &$0) } == expected)
        }
    }

    @Test func bothFormsAreOfTheSameSecond() {
        var clock = AccessClock()
        for seconds in [0, 56_697, 86_399, 86_400] as [UInt64] {
            let time = Self.start + seconds * Self.second + 7_000
            let combined = ReadBlock.written { clock.put(time, isCombined: true, &$0) }
            let full = ReadBlock.written { clock.put(time, isCombined: false, &$0) }
            let clockTime = full.dropFirst(11).prefix(8)
            #expect(combined.contains(":\(clockTime) +0000") && full.hasSuffix(".000007Z"))
        }
        #expect(ReadBlock.written { clock.put(Self.start, isCombined: true, &$0) } == "22/Nov/2026:09:15:03 +0000")
    }
}
