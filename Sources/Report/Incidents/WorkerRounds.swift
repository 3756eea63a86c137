/// Rounds in which every worker has had a turn, for the reports that wait for what the wire shows.
///
/// Time alone does not say that a worker has seen what is on its connections: it may be waiting for a processor. In the first round after a
/// report each worker gets at what the report's exchange had written by then, in the second at the latest it has read it. The
/// third may be too early for the end of what is collected of a surplus, which takes as long as two rounds are apart; the fourth is not.
struct WorkerRounds {
    /// Nanoseconds between the beginnings of two rounds: no less than a surplus is collected for.
    static let interval: UInt64 = 100_000_000
    /// What a report waits for.
    static let needed: UInt64 = 4

    /// Rounds begun so far: the number of the last.
    private(set) var begun: UInt64 = 0
    private var begunAt: UInt64 = 0
    /// Workers that have not passed yet; below nothing while more have passed than we know to be asked.
    private var missing = 0
    private var isAsked = true

    /// Rounds that are over.
    var over: UInt64 { isOver ? begun : begun - 1 }

    private var isOver: Bool { isAsked && missing <= 0 }

    func mayBegin(now: UInt64) -> Bool {
        guard begun > 0 else { return true }
        return isOver ? now >= begunAt + Self.interval : now >= begunAt + ApplicationDesk.patience
    }

    /// Returns the number of the round that the workers are to be asked to pass.
    mutating func begin(now: UInt64) -> UInt64 {
        begun += 1
        begunAt = now
        missing = 0
        isAsked = false
        return begun
    }

    /// So many workers have been asked. Where nobody serves, nothing is to be waited for.
    mutating func asked(_ count: Int) {
        isAsked = true
        missing += count
        if count == 0 { begun += Self.needed }
    }

    /// A worker has had its turn.
    mutating func passed(_ round: UInt64) {
        if round == begun { missing -= 1 }
    }
}
