/// Whether a peer that sets the pace moves at all: how far it had come when it was last seen to.
struct Pace: BitwiseCopyable {
    /// Whoever takes less than that stands still.
    static let bytesPerSecondMin: UInt64 = 1 << 10
    /// A pace at which nobody has looked for so long says nothing of what was meanwhile.
    static let unwatchedTimeMax: UInt64 = 10_000_000_000

    private var since: UInt64 = 0
    private var progress: UInt64 = 0
    private var lookedAt: UInt64 = 0

    /// It has been looked at at this very moment.
    func isKnown(_ now: UInt64) -> Bool { lookedAt == now }

    /// How long it had stood still when it was last looked at.
    var stillTime: UInt64 { lookedAt - since }

    /// From now on it is the peer that others wait for.
    mutating func begin(at progress: UInt64, _ now: UInt64) {
        since = now
        self.progress = progress
        lookedAt = now
    }

    /// The peer sets the pace of another exchange as well: goes on, where it has been watched.
    mutating func join(at progress: UInt64, _ now: UInt64) {
        if lookedAt == 0 || now - min(lookedAt, now) > Self.unwatchedTimeMax {
            begin(at: progress, now)
        } else {
            _ = look(at: progress, now)
        }
    }

    /// The peer has come so far. How long it has stood still, in nanoseconds.
    mutating func look(at progress: UInt64, _ now: UInt64) -> UInt64 {
        lookedAt = now
        let elapsed = now - min(since, now)
        // What it would have to have taken; from a second on, so that nothing overflows.
        let due = elapsed / 1_000_000 * Self.bytesPerSecondMin / 1000
        let moved = progress &- self.progress
        guard moved < max(due, 1) else {
            begin(at: progress, now)
            return 0
        }
        return elapsed
    }
}
