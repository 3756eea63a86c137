/// A histogram of durations as it lies in a worker's counters: a word for each bucket, then the sum in nanoseconds.
///
/// The buckets are those of OpenTelemetry's HTTP semantic conventions; each word counts its own bucket only.
@frozen
public enum DurationHistogram {
    /// Fourteen bounds and the bucket without one.
    public static let bucketCount = 15
    public static let wordCount = 16

    /// Upper bounds, inclusive, as the label `le` says them.
    static let bounds = [
        "0.005", "0.01", "0.025", "0.05", "0.075", "0.1", "0.25", "0.5", "0.75", "1.0", "2.5", "5.0", "7.5", "10.0", "+Inf",
    ]

    /// The bucket of a duration. Short ones, which are the most, are found first.
    @inlinable
    public static func bucket(nanoseconds: UInt64) -> Int {
        if nanoseconds <= 5_000_000 { return 0 }
        if nanoseconds <= 10_000_000 { return 1 }
        if nanoseconds <= 25_000_000 { return 2 }
        if nanoseconds <= 50_000_000 { return 3 }
        if nanoseconds <= 75_000_000 { return 4 }
        if nanoseconds <= 100_000_000 { return 5 }
        if nanoseconds <= 250_000_000 { return 6 }
        if nanoseconds <= 500_000_000 { return 7 }
        if nanoseconds <= 750_000_000 { return 8 }
        if nanoseconds <= 1_000_000_000 { return 9 }
        if nanoseconds <= 2_500_000_000 { return 10 }
        if nanoseconds <= 5_000_000_000 { return 11 }
        if nanoseconds <= 7_500_000_000 { return 12 }
        if nanoseconds <= 10_000_000_000 { return 13 }
        return 14
    }
}
