/// What one route has done since the start: the sums of its series.
public struct RouteFigures: Sendable {
    public var name: String
    /// `_none` where no upstream is asked.
    public var upstream: String
    public var requests: UInt64 = 0
    /// By the first digit of the status, from 1 to 5.
    public var statuses = [UInt64](repeating: 0, count: 5)
    /// Requests by duration, each bucket by itself; bounds are those of `RouteFigures.durationBounds`, the last bucket has none.
    public var durations = [UInt64](repeating: 0, count: DurationHistogram.bucketCount)
    public var incidents: UInt64 = 0

    init(name: String, upstream: String) {
        self.name = name
        self.upstream = upstream
    }

    /// Seconds, as numbers of JSON.
    static let durationBounds = DurationHistogram.bounds.dropLast()
}
