/// What the workers share about a server. Plain memory, read and written with relaxed atomics.
struct SharedServer {
    /// Connections over all workers.
    var connections: UInt64 = 0
    /// Of those, pooled.
    var idle: UInt64 = 0
    /// End of its quarantine on the loop's clock, 0 for none.
    var quarantinedUntil: UInt64 = 0
    /// 0 while health checks find it down.
    var isUp: UInt64 = 1
    /// Health checks failed in a row.
    var failedChecks: UInt64 = 0
    /// Look-ups of its name that failed, in all.
    var failedLookUps: UInt64 = 0
    /// Requests in a row that it failed: see `serverFailed`.
    var failures: UInt64 = 0
    /// Passed over before this time, unless every server is.
    var ejectedUntil: UInt64 = 0
    var outage = Outage()
    /// When it takes requests again, 0 when it was never away, and how long from then on its share grows to the whole.
    var returnsAt: UInt64 = 0
    var returnTime: UInt64 = 0
    /// Connections that the server ended by itself: how many, when the last, and when the last that was idle or busy.
    var endings: UInt64 = 0
    var endedAt: UInt64 = 0
    var idleEndedAt: UInt64 = 0
    /// Those that ended right after an answer, and when the last did.
    var recentEndings: UInt64 = 0
    var recentEndedAt: UInt64 = 0
    /// When the connections ended whose end was recorded as its death last, so that each death is recorded once.
    var deathEndedAt: UInt64 = 0
    /// When a connection to it was made last, and when one could not be.
    var connectedAt: UInt64 = 0
    var refusedAt: UInt64 = 0
    var idleLimit = IdleLimit()
    /// Connections taken before they had rested, because the limit was reached.
    var unrested: UInt64 = 0
    /// Connections that were watched for a shorter time, because the limit was reached.
    var listeningCut: UInt64 = 0
}
