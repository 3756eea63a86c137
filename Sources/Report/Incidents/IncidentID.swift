import Glibc
import Synchronization

/// Makes incident ids: ULIDs, 26 characters of Crockford's base 32 that sort by time, strictly rising within the process.
public final class IncidentID: Sendable {
    /// The one that the whole process shares.
    public static let shared = IncidentID()

    private struct Last {
        var milliseconds: UInt64 = 0
        var randomHigh: UInt16 = 0
        var randomLow: UInt64 = 0
    }

    private let last = Mutex(Last())

    public init() {}

    /// The next id for an incident at `milliseconds` since the Unix epoch; a clock that steps back does not disturb the order.
    public func next(milliseconds: UInt64) -> String {
        let id = last.withLock { last in
            if milliseconds > last.milliseconds {
                last.milliseconds = milliseconds
                last.randomHigh = .random(in: 0 ... .max)
                last.randomLow = .random(in: 0 ... .max)
            } else {
                Self.increment(&last)
            }
            return last
        }
        return Self.text(id)
    }

    /// The next id for an incident at `timeNanoseconds` since the Unix epoch.
    public func next(timeNanoseconds: UInt64) -> String {
        next(milliseconds: timeNanoseconds / 1_000_000)
    }

    private static func increment(_ last: inout Last) {
        last.randomLow &+= 1
        guard last.randomLow == 0 else { return }
        last.randomHigh &+= 1
        guard last.randomHigh == 0 else { return }
        last.milliseconds &+= 1
    }

    private static func text(_ id: Last) -> String {
        let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)
        // 128 bits, five at a time from the low end; the 26th digit holds the upper three.
        var high = (id.milliseconds & 0xFFFF_FFFF_FFFF) << 16 | UInt64(id.randomHigh)
        var low = id.randomLow
        var digits = [UInt8](repeating: 0, count: 26)
        for position in stride(from: 25, through: 0, by: -1) {
            digits[position] = alphabet[Int(low & 31)]
            low = low >> 5 | high << 59
            high >>= 5
        }
        return String(decoding: digits, as: UTF8.self)
    }
}
