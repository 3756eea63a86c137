import CShim

/// After how long a server closes idle connections, learned from those that it has closed by itself. Part of what workers share.
///
/// An idle timeout ends every connection that has been idle for so long. So three ends after about the same idle time are a
/// limit, and a connection that is seen alive after a longer one says that there is none: what was learned is forgotten, and for
/// a minute nothing as short is learned again. Ends right after an answer are hang-ups (of a double send, say), and teach
/// nothing; those of a server that restarts are soon belied by the connections that follow.
struct IdleLimit {
    static let confirmations: UInt64 = 3
    /// What ends sooner hangs up: no server is set to so short a time.
    static let leastNanoseconds: UInt64 = 40_000_000
    static let validNanoseconds: UInt64 = 60_000_000_000
    static let marginLeast: UInt64 = 10_000_000
    static let marginMost: UInt64 = 1_000_000_000

    private var limit: UInt64 = 0
    private var validUntil: UInt64 = 0
    private var candidate: UInt64 = 0
    private var hits: UInt64 = 0
    /// The limit that turned out to be none, and until when none as short is believed.
    private var refuted: UInt64 = 0
    private var refutedUntil: UInt64 = 0

    /// The longest time for which a connection should be idle, with a margin; nil while nothing is known.
    ///
    /// The margin is for the way there and for timers: the server's clock begins when it has answered, and ends before our
    /// next request is there.
    @inline(__always)
    static func safeTime(_ place: UnsafeMutablePointer<IdleLimit>, _ now: UInt64) -> UInt64? {
        let limit = so_load(&place.pointee.limit)
        guard limit != 0, so_load(&place.pointee.validUntil) > now else { return nil }
        let margin = min(max(limit / 4, marginLeast), marginMost)
        return limit > margin ? limit - margin : 0
    }

    /// Whether a close after so long is what the server is known for.
    static func explains(_ place: UnsafeMutablePointer<IdleLimit>, idle: UInt64, _ now: UInt64) -> Bool {
        let limit = so_load(&place.pointee.limit)
        return limit != 0 && so_load(&place.pointee.validUntil) > now && idle >= limit / 4 * 3 && idle <= longest(limit)
    }

    /// The server has closed a connection that was idle for so long.
    static func noteEnd(_ place: UnsafeMutablePointer<IdleLimit>, idle: UInt64, _ now: UInt64) {
        guard idle >= leastNanoseconds else { return }
        noteAlive(place, idle: idle, now)
        let candidate = so_load(&place.pointee.candidate)
        guard candidate != 0, idle >= candidate / 4 * 3 else {
            so_store(&place.pointee.candidate, idle)
            return so_store(&place.pointee.hits, 1)
        }
        if idle < candidate { so_store(&place.pointee.candidate, idle) }
        guard so_fetch_add(&place.pointee.hits, 1) + 1 >= confirmations else { return }
        let found = min(idle, candidate)
        if so_load(&place.pointee.refutedUntil) > now, found <= longest(so_load(&place.pointee.refuted)) { return }
        so_store(&place.pointee.limit, found)
        so_store(&place.pointee.validUntil, now + validNanoseconds)
    }

    /// A connection has been idle for so long and is not closed.
    @inline(__always)
    static func noteAlive(_ place: UnsafeMutablePointer<IdleLimit>, idle: UInt64, _ now: UInt64) {
        let candidate = so_load(&place.pointee.candidate)
        if candidate != 0, idle > longest(candidate) { refute(place, idle: idle, now) }
    }

    /// Whether a connection that has been idle for so long, if it still is one, would say that there is no such limit.
    static func wouldBelie(_ place: UnsafeMutablePointer<IdleLimit>, idle: UInt64) -> Bool {
        idle > longest(so_load(&place.pointee.candidate))
    }

    private static func refute(_ place: UnsafeMutablePointer<IdleLimit>, idle: UInt64, _ now: UInt64) {
        so_store(&place.pointee.hits, 0)
        let limit = so_load(&place.pointee.validUntil) > now ? so_load(&place.pointee.limit) : 0
        if limit != 0, idle <= longest(limit) { return so_store(&place.pointee.candidate, limit) }
        so_store(&place.pointee.candidate, 0)
        guard limit != 0 else { return }
        so_store(&place.pointee.limit, 0)
        so_store(&place.pointee.refuted, limit)
        so_store(&place.pointee.refutedUntil, now + validNanoseconds)
    }

    /// The latest that a close by such a limit is seen.
    @inline(__always)
    private static func longest(_ limit: UInt64) -> UInt64 { limit + max(limit / 2, marginLeast) }
}
