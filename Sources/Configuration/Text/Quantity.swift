/// Durations and sizes as people write them: a whole number and a unit.
public enum Quantity {
    /// A year: longer is a slip, and every sum of a few stays far from overflow.
    public static let millisecondsMax = 365 * 24 * 3_600_000
    static let bytesMax = 1 << 40

    /// `250ms`, `5s`, `2m`, `1h`, or a bare `0`. Nil when it is none of them or more than a year.
    public static func milliseconds(_ text: String) -> Int? {
        guard let (number, unit) = split(text) else { return nil }
        let factor: Int? =
            switch unit {
            case "ms": 1
            case "s": 1000
            case "m": 60_000
            case "h": 3_600_000
            case "" where number == 0: 1
            default: nil
            }
        return factor.flatMap { product(number, $0, max: millisecondsMax) }
    }

    /// `512`, `16KiB`, `10MiB`, `1GiB`, in bytes. Nil when it is none of them or more than `bytesMax`.
    public static func bytes(_ text: String) -> Int? {
        guard let (number, unit) = split(text) else { return nil }
        let factor: Int? =
            switch unit {
            case "", "B": 1
            case "KiB": 1 << 10
            case "MiB": 1 << 20
            case "GiB": 1 << 30
            default: nil
            }
        return factor.flatMap { product(number, $0, max: bytesMax) }
    }

    /// In the largest unit that loses nothing; a minute stays `60s`.
    static func duration(milliseconds: Int) -> String {
        switch milliseconds {
        case let value where value % 3_600_000 == 0 && value > 0: "\(value / 3_600_000)h"
        case let value where value % 60_000 == 0 && value >= 120_000: "\(value / 60_000)m"
        case let value where value % 1000 == 0 && value > 0: "\(value / 1000)s"
        default: "\(milliseconds)ms"
        }
    }

    /// In the largest unit that loses nothing; a plain number below one KiB.
    static func size(bytes: Int) -> String {
        for (unit, factor) in [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)]
        where bytes > 0 && bytes % factor == 0 {
            return "\(bytes / factor)\(unit)"
        }
        return "\(bytes)"
    }

    private static func split(_ text: String) -> (Int, Substring)? {
        let digits = text.utf8.prefix { (0x30...0x39).contains($0) }
        guard let number = Int(Substring(digits)) else { return nil }
        return (number, text[digits.endIndex...])
    }

    private static func product(_ number: Int, _ factor: Int, max: Int) -> Int? {
        let (result, overflow) = number.multipliedReportingOverflow(by: factor)
        return overflow || result > max ? nil : result
    }
}
