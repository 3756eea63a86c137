import Configuration

/// A moment in microseconds since the Unix epoch, as records and people write it. Proleptic Gregorian.
public struct Instant: Sendable, Comparable, Hashable {
    public var microseconds: Int64

    public init(microseconds: Int64) { self.microseconds = microseconds }

    public static func < (left: Instant, right: Instant) -> Bool { left.microseconds < right.microseconds }

    /// RFC 3339, and what people leave out of it: `2026-11-22`, `2026-11-22T09:15`, a space for the `T`, no zone (UTC).
    public init?(_ text: String) {
        var reader = DigitReader(text)
        guard let year = reader.number(4), reader.take("-"), let month = reader.number(2), (1...12).contains(month),
            reader.take("-"), let day = reader.number(2), (1...Self.days(in: month, of: year)).contains(day)
        else { return nil }
        microseconds = Int64(Self.daysSinceEpoch(year, month, day)) * 86_400_000_000
        guard !reader.isAtEnd else { return }
        guard reader.take("T") || reader.take("t") || reader.take(" "), let clock = Self.clock(&reader),
            let zone = Self.zone(&reader),
            reader.isAtEnd
        else { return nil }
        microseconds += clock - zone
    }

    /// What `--since` and `--until` take: an instant, how long ago (`2h`, `-90m`, `7d`), a time of today (`09:15`), `now`.
    public init?(_ text: String, now: Instant) {
        if text == "now" {
            self = now
        } else if let instant = Instant(text) {
            self = instant
        } else if let ago = Self.milliseconds(text.hasPrefix("-") ? String(text.dropFirst()) : text) {
            self.init(microseconds: now.microseconds - Int64(ago) * 1000)
        } else {
            var reader = DigitReader(text)
            guard let clock = Self.clock(&reader), let zone = Self.zone(&reader), reader.isAtEnd else { return nil }
            let day: Int64 = 86_400_000_000
            self.init(microseconds: now.microseconds / day * day + clock - zone)
        }
    }

    /// `2026-11-22 09:15:03`, UTC.
    public var text: String { "\(date) \(clock)" }

    /// `2026-11-22`
    public var date: String {
        // Years that begin in March, in eras of 400: the leap day is then the last of its year.
        let shifted = Int(microseconds.flooredQuotient(86_400_000_000)) + 719_468
        let era = shifted.flooredQuotient(146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return "\(Self.padded(year, 4))-\(Self.padded(month, 2))-\(Self.padded(day, 2))"
    }

    /// `09:15:03`
    public var clock: String {
        let second = Int((microseconds - microseconds.flooredQuotient(86_400_000_000) * 86_400_000_000) / 1_000_000)
        return "\(Self.padded(second / 3600, 2)):\(Self.padded(second / 60 % 60, 2)):\(Self.padded(second % 60, 2))"
    }

    /// A duration as the configuration has it, and days.
    public static func milliseconds(_ text: String) -> Int? {
        guard text.hasSuffix("d") else { return Quantity.milliseconds(text) }
        return Quantity.milliseconds(text.dropLast() + "h").flatMap { $0 <= Quantity.millisecondsMax / 24 ? $0 * 24 : nil }
    }

    /// `09:15`, `09:15:03`, `09:15:03.25`, in microseconds.
    private static func clock(_ reader: inout DigitReader) -> Int64? {
        guard let hour = reader.number(2), hour < 24, reader.take(":"), let minute = reader.number(2), minute < 60 else {
            return nil
        }
        var clock = Int64(hour * 3600 + minute * 60) * 1_000_000
        guard reader.take(":") else { return clock }
        // 60: a leap second.
        guard let second = reader.number(2), second <= 60 else { return nil }
        clock += Int64(second) * 1_000_000
        guard reader.take(".") else { return clock }
        return reader.millionths().map { clock + Int64($0) }
    }

    /// Nothing (UTC), `Z` or `+02:00`, in microseconds.
    private static func zone(_ reader: inout DigitReader) -> Int64? {
        guard !reader.isAtEnd, !reader.take("Z"), !reader.take("z") else { return 0 }
        let isEast = reader.take("+")
        guard isEast || reader.take("-"), let hour = reader.number(2), hour < 24, reader.take(":"),
            let minute = reader.number(2),
            minute < 60
        else { return nil }
        return Int64(hour * 3600 + minute * 60) * (isEast ? 1_000_000 : -1_000_000)
    }

    private static func days(in month: Int, of year: Int) -> Int {
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        return [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
    }

    private static func daysSinceEpoch(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let year = month <= 2 ? year - 1 : year
        let era = year.flooredQuotient(400)
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func padded(_ value: Int, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
}

extension BinaryInteger {
    fileprivate func flooredQuotient(_ divisor: Self) -> Self {
        self >= 0 ? self / divisor : (self - divisor + 1) / divisor
    }
}
