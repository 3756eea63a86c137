import CShim

/// After how long a server closes idle connections, learned from those that it has closed by itself. Part of what workers share.
///
/// Ends that come after about the same idle time, three of them, are a limit; ends at random, as of a server that
/// restarts, are not. What is learned holds for a minute and is then learned anew, for the server may have been set otherwise.
struct IdleLimit {
    static let confirmations: UInt64 = 3
    /// Observations that fit the candidate badly, after which another takes its place.
    static let misfitsMax: UInt64 = 3
    static let validNanoseconds: UInt64 = 60_000_000_000
    static let marginLeast: UInt64 = 10_000_000
    static let marginMost: UInt64 = 1_000_000_000

    private var limit: UInt64 = 0
    private var validUntil: UInt64 = 0
    private var candidate: UInt64 = 0
    private var hits: UInt64 = 0
    private var misfits: UInt64 = 0

    /// The longest time for which a connection should be idle, with a margin; nil while nothing is known.
    ///
    /// The margin is for the way there and for timers: the server's clock begins when it has answered, and ends before our
    /// next request is there.
    static func safeTime(_ place: UnsafeMutablePointer<IdleLimit>, _ now: UInt64) -> UInt64? {
        let limit = so_load(&place.pointee.limit)
        guard limit != 0, so_load(&place.pointee.validUntil) > now else { return nil }
        let margin = min(max(limit / 4, marginLeast), marginMost)
        return limit > margin ? limit - margin : 0
    }

    /// The server has closed a connection that was idle for so long.
    static func note(_ place: UnsafeMutablePointer<IdleLimit>, idle: UInt64, _ now: UInt64) {
        let candidate = so_load(&place.pointee.candidate)
        if candidate == 0 || idle < candidate / 4 * 3 || so_load(&place.pointee.misfits) >= misfitsMax {
            so_store(&place.pointee.candidate, max(idle, 1))
            so_store(&place.pointee.hits, 1)
            return so_store(&place.pointee.misfits, 0)
        }
        guard idle <= candidate / 2 * 3 else {
            _ = so_fetch_add(&place.pointee.misfits, 1)
            return
        }
        so_store(&place.pointee.misfits, 0)
        if idle < candidate { so_store(&place.pointee.candidate, idle) }
        guard so_fetch_add(&place.pointee.hits, 1) + 1 >= confirmations else { return }
        so_store(&place.pointee.limit, min(idle, candidate))
        so_store(&place.pointee.validUntil, now + validNanoseconds)
    }
}
