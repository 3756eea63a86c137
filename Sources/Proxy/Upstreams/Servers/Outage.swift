import CShim

/// When a server that cannot be reached is tried again. Part of what workers share.
///
/// A refused connection costs a request nothing, for it goes to another server; and a server that is only being restarted is back
/// within moments. So it is passed over for a moment, then one request tries it, after waits that double up to a second. One
/// that was ejected for hanging up may be the same server, killed: it is tried once, with a request that may be repeated.
///
///     reachable ──refused──▶ refusing ──trial's connection is there──▶ reachable
///         │                    ▲    └──wait is over: one trial──┘ (refused: twice the wait)
///         └──ejected for hanging up──▶ doubtful ──one trial──▶ reachable, refusing, or ejected as before
struct Outage {
    static let waitFirst: UInt64 = 100_000_000
    static let waitMost: UInt64 = 1_000_000_000

    /// 0: reachable; 1: doubtful; else refusing, and how long it is passed over between two trials.
    private var wait: UInt64 = 0
    private var nextTrialAt: UInt64 = 0
    /// When it refused first.
    private var since: UInt64 = 0

    @inline(__always)
    static func isRefusing(_ place: UnsafeMutablePointer<Outage>) -> Bool { so_load(&place.pointee.wait) > 1 }

    /// Whether one request may try it now.
    static func trialIsDue(_ place: UnsafeMutablePointer<Outage>, _ now: UInt64) -> Bool {
        so_load(&place.pointee.wait) != 0 && so_load(&place.pointee.nextTrialAt) <= now
    }

    /// A connection was refused, or could not be made for another reason that shows at once.
    static func refused(_ place: UnsafeMutablePointer<Outage>, _ now: UInt64) {
        guard !isRefusing(place) else { return }
        so_store(&place.pointee.since, now)
        so_store(&place.pointee.nextTrialAt, now + waitFirst)
        so_store(&place.pointee.wait, waitFirst)
    }

    /// It has hung up on so many requests that it is passed over.
    static func doubted(_ place: UnsafeMutablePointer<Outage>, _ now: UInt64) {
        guard !isRefusing(place) else { return }
        so_store(&place.pointee.nextTrialAt, now + waitFirst)
        so_store(&place.pointee.wait, 1)
    }

    /// A request goes to the server: a trial when one is due, and then the only one for the time being.
    @inline(__always)
    static func requestGoes(_ place: UnsafeMutablePointer<Outage>, _ now: UInt64) {
        let wait = so_load(&place.pointee.wait)
        guard wait != 0, so_load(&place.pointee.nextTrialAt) <= now else { return }
        if wait == 1 { return so_store(&place.pointee.wait, 0) }
        so_store(&place.pointee.nextTrialAt, now + min(2 * wait, waitMost))
        so_store(&place.pointee.wait, min(2 * wait, waitMost))
    }

    /// The server can be reached: how long it could not, nil when that was not so.
    @inline(__always)
    static func ended(_ place: UnsafeMutablePointer<Outage>, _ now: UInt64) -> UInt64? {
        guard isRefusing(place) else { return nil }
        so_store(&place.pointee.wait, 0)
        let since = so_load(&place.pointee.since)
        return now > since ? now - since : 0
    }
}
