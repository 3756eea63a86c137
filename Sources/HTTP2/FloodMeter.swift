/// How many more frames of one sort a peer may send: a bucket that is looked into only when it seems empty.
struct FloodMeter {
    private var left: Int
    /// When it was filled last; 0: never.
    private var filledAt: UInt64 = 0

    init(_ rate: HTTP2Limits.Rate) { left = rate.burst }

    /// One more. False: too many.
    mutating func take(_ rate: HTTP2Limits.Rate, now: UInt64) -> Bool {
        if filledAt == 0 { filledAt = now }
        if left <= 0 {
            let nanoseconds = now > filledAt ? min(now &- filledAt, 3_600_000_000_000) : 0
            let earned = Int(nanoseconds / 1_000_000) * rate.perSecond / 1000
            guard earned > 0 else { return false }
            left = min(earned, rate.burst)
            filledAt = now
        }
        left -= 1
        return true
    }

    /// What was done meanwhile calls for some.
    mutating func give(_ n: Int, _ rate: HTTP2Limits.Rate) { give(n, upTo: rate.burst) }

    /// The same where many may be on their way at once.
    mutating func give(_ n: Int, upTo most: Int) { left = min(left + n, max(left, most)) }
}
