/// How many requests may be sent again, so that a service in trouble is not pushed deeper: a share of the requests of the last
/// 5 to 10 seconds, and a few besides for services that get few requests. One a worker and upstream.
struct RetryBudget: BitwiseCopyable {
    /// One retry for so many requests.
    static let requestsPerRetry = 5
    /// Retries within the window that are always allowed.
    static let floor = 10
    static let halfWindowNanoseconds: UInt64 = 5_000_000_000

    private var halfEndsAt: UInt64 = 0
    private var requests = 0
    private var retries = 0
    private var earlierRequests = 0
    private var earlierRetries = 0

    @inline(__always)
    mutating func noteRequest(_ now: UInt64) {
        if now >= halfEndsAt { turn(now) }
        requests += 1
    }

    /// Takes one retry out of the budget; false when there is none left.
    mutating func take(_ now: UInt64) -> Bool {
        if now >= halfEndsAt { turn(now) }
        let allowed = Self.floor + (requests + earlierRequests) / Self.requestsPerRetry
        guard retries + earlierRetries < allowed else { return false }
        retries += 1
        return true
    }

    private mutating func turn(_ now: UInt64) {
        // Nothing at all happened in the half before this one: it is too long ago.
        let isRecent = now < halfEndsAt + Self.halfWindowNanoseconds
        earlierRequests = isRecent ? requests : 0
        earlierRetries = isRecent ? retries : 0
        requests = 0
        retries = 0
        halfEndsAt = now + Self.halfWindowNanoseconds
    }
}
