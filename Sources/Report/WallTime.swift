import Glibc

/// Instants of the wall clock as text. Proleptic Gregorian, UTC.
public enum WallTime {
    /// Nanoseconds since the Unix epoch.
    public static func nowNanoseconds() -> UInt64 { read(CLOCK_REALTIME) }

    /// Nanoseconds of a clock that never steps.
    public static func monotonicNanoseconds() -> UInt64 { read(CLOCK_MONOTONIC) }

    /// RFC 3339 with microseconds: `2026-11-22T09:15:03.123456Z`.
    public static func rfc3339(nanoseconds: UInt64) -> String {
        let date = Calendar(secondsSinceEpoch: nanoseconds / 1_000_000_000)
        return "\(padded(date.year, 4))-\(padded(date.month, 2))-\(padded(date.day, 2))T\(date.clock)"
            + ".\(padded(Int(nanoseconds / 1000 % 1_000_000), 6))Z"
    }

    /// The Date field's form (RFC 9110 section 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
    public static func imfFixdate(nanoseconds: UInt64) -> String {
        let date = Calendar(secondsSinceEpoch: nanoseconds / 1_000_000_000)
        let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]  // the epoch was a Thursday
        return "\(weekdays[date.daysSinceEpoch % 7]), \(padded(date.day, 2)) \(months[date.month - 1]) "
            + "\(padded(date.year, 4)) \(date.clock) GMT"
    }

    /// The form of web servers' logs: `22/Nov/2026:09:15:03 +0000`.
    public static func combined(nanoseconds: UInt64) -> String {
        let date = Calendar(secondsSinceEpoch: nanoseconds / 1_000_000_000)
        return "\(padded(date.day, 2))/\(months[date.month - 1])/\(padded(date.year, 4)):\(date.clock) +0000"
    }

    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    static func padded(_ value: Int, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }

    private static func read(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        unsafe clock_gettime(clock, &time)
        return UInt64(max(0, time.tv_sec)) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }

    private struct Calendar {
        var daysSinceEpoch: Int
        var year: Int
        var month: Int
        var day: Int
        var clock: String

        init(secondsSinceEpoch: UInt64) {
            daysSinceEpoch = Int(secondsSinceEpoch / 86400)
            let second = Int(secondsSinceEpoch % 86400)
            clock = "\(padded(second / 3600, 2)):\(padded(second / 60 % 60, 2)):\(padded(second % 60, 2))"
            // Years that begin in March, in eras of 400: the leap day is then the last of its year.
            let shifted = daysSinceEpoch + 719_468
            let era = shifted / 146_097
            let dayOfEra = shifted % 146_097
            let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
            let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
            let monthFromMarch = (5 * dayOfYear + 2) / 153
            day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
            month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
            year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        }
    }
}
