import Detector

/// Holds back floods of one and the same incident: a token bucket for each (kind, route, upstream).
///
/// Not safe for threads by itself; the recorder guards it.
struct IncidentLimiter {
    struct Key: Hashable {
        var kind: Kind
        var route: String
        var upstream: String
    }

    private struct Bucket {
        var tokens: Double
        var refilledNanoseconds: UInt64
        var heldBack: UInt64 = 0
    }

    var limit: IncidentLimit
    private var buckets: [Key: Bucket] = [:]

    init(limit: IncidentLimit) { self.limit = limit }

    /// Nil when the incident is held back, else how many of its key were since the last that passed.
    mutating func admit(_ key: Key, nowNanoseconds now: UInt64) -> UInt64? {
        var key = key
        if buckets[key] == nil, buckets.count >= ReportLimit.limiterKeysMax { key.route = "_other"; key.upstream = "_other" }
        var bucket = buckets[key] ?? Bucket(tokens: Double(limit.burst), refilledNanoseconds: now)
        defer { buckets[key] = bucket }

        let elapsed = Double(now > bucket.refilledNanoseconds ? now - bucket.refilledNanoseconds : 0) / 1e9
        bucket.tokens = min(Double(limit.burst), bucket.tokens + elapsed * limit.perSecond)
        bucket.refilledNanoseconds = max(now, bucket.refilledNanoseconds)
        guard bucket.tokens >= 1 else {
            bucket.heldBack &+= 1
            return nil
        }
        bucket.tokens -= 1
        defer { bucket.heldBack = 0 }
        return bucket.heldBack
    }
}
