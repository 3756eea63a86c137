import Records
import Testing

@Suite struct InstantTests {
    @Test(arguments: [
        ("1970-01-01", 0), ("1970-01-01T00:00:00.000001Z", 1), ("2026-11-22T09:15:03.123456Z", 1_795_338_903_123_456),
        ("2026-11-22 09:15", 1_795_338_900_000_000), ("2026-11-22T11:15:03.5+02:00", 1_795_338_903_500_000),
        ("2024-02-29", 1_709_164_800_000_000), ("2026-11-22T09:15:03.1234567899Z", 1_795_338_903_123_456),
        ("1969-12-31T23:59:59Z", -1_000_000),
    ]) func reads(text: String, microseconds: Int64) {
        #expect(Instant(text)?.microseconds == microseconds)
    }

    @Test(arguments: [
        "", "now", "2026", "2026-13-01", "2026-02-29", "2026-11-22T", "2026-11-22T25:00", "2026-11-22T09:60",
        "2026-11-22T09:15:03.Z",
        "2026-11-22T09:15:03Zz", "2026-11-22x", "09:15",
    ]) func isNone(text: String) {
        #expect(Instant(text) == nil)
    }

    @Test(arguments: [
        ("now", "2026-11-22 09:15:03"), ("2h", "2026-11-22 07:15:03"), ("-2h", "2026-11-22 07:15:03"),
        ("10m", "2026-11-22 09:05:03"),
        ("1d", "2026-11-21 09:15:03"), ("30s", "2026-11-22 09:14:33"), ("08:30", "2026-11-22 08:30:00"),
        ("2026-01-01", "2026-01-01 00:00:00"),
    ]) func relative(text: String, meant: String) throws {
        let now = try #require(Instant("2026-11-22T09:15:03Z"))
        #expect(Instant(text, now: now)?.text == meant)
    }

    @Test(arguments: ["2", "2x", "h", "--2h", "tomorrow", "9999999999d", "99999h"]) func relativeIsNone(text: String) throws {
        #expect(Instant(text, now: Instant(microseconds: 0)) == nil)
    }

    @Test(arguments: ["1968-02-29 00:00:01", "1999-12-31 23:59:59", "2000-03-01 00:00:00", "2100-02-28 12:00:00"])
    func thereAndBack(text: String) {
        #expect(Instant(text)?.text == text)
    }
}
