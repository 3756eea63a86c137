/// Connections that servers end by themselves, and which of those ends are suspicious.
///
/// Right after an answer that had promised to keep its connection, an end is what Express does after a second send that Node has
/// swallowed. A deploy or a crash looks like it from one connection; what becomes of the server's others distinguishes them:
///
///     ended ──▶ waits ──the server lives, and nothing else ended with it──▶ recorded as a hang-up
///                 ├──everything ended with it, within a moment of the answer──▶ recorded as the death of its server
///                 └──idle or busy ones ended with it, or no other can be had──▶ forgotten
///
/// Pure: what is known of a server's other connections is the caller's to say.
public struct Hangups<Exchange> {
    /// A hang-up later than this after the end is nobody's suspicion.
    public static var latest: UInt64 { 50_000_000 }
    /// So long it is waited for what ends with it, and for a sign of life at most.
    static var waitTime: UInt64 { 20_000_000 }
    public static var signTime: UInt64 { 250_000_000 }
    /// Ends within this time of each other may be one end of a process, while the server goes on.
    static var togetherTime: UInt64 { 3_000_000 }
    /// The same of ends that are hang-ups themselves: a busy route has many.
    static var atOnceTime: UInt64 { 1_000_000 }
    /// A process that its own answer kills has gone so soon: it first writes what it died of.
    public static var deathTime: UInt64 { 100_000_000 }
    /// So soon after an answer hardly anything ends by chance.
    static var momentTime: UInt64 { 3_000_000 }
    /// Hang-ups that wait, and ends that are remembered.
    static var waitingMax: Int { 256 }
    static var endsMax: Int { 512 }

    public struct Hangup {
        public var exchange: Exchange
        public var server: Int
        public var endedAt: UInt64
        /// From the end of the answer to the end of its connection.
        public var gap: UInt64
        /// Connections of the server that had ended by themselves, over all workers, this one among them.
        var endings: UInt64
        /// Another has ended within the time that is waited; known when that is over.
        var hasCompany: Bool
        /// The first that was seen of the server afterwards.
        var sign = Sign.none
        /// Of those that ended with it, how many: known with `hasCompany`.
        var endedTogether = 1
        var isSettled = false
    }

    enum Sign { case none, lives, gone }

    private struct End {
        var server: Int
        var at: UInt64
        /// It was an answer's, which may be a hang-up; else the connection was idle, or in the middle of an exchange.
        var isRecent: Bool
        /// Answers on that connection within the last moments.
        var answers: Int
    }

    /// What is known of a server while a hang-up of its is judged.
    public struct Life {
        /// Connections that were idle before the hang-up are open still.
        public var hasSurvivors: Bool
        /// When a connection was made last, and when one could not be.
        public var connectedAt: UInt64
        public var refusedAt: UInt64
        /// When an idle or busy connection ended last, over all workers, and how many have ended in all.
        public var idleEndedAt: UInt64
        public var endings: UInt64
        /// Connections to it, in whatever state.
        public var connections: Int
        /// Hardly ever has an answer of this sort been seen without the server's end after it.
        public var isRare: Bool
        public init(
            hasSurvivors: Bool, connectedAt: UInt64, refusedAt: UInt64, idleEndedAt: UInt64, endings: UInt64,
            connections: Int, isRare: Bool
        ) {
            self.hasSurvivors = hasSurvivors
            self.connectedAt = connectedAt
            self.refusedAt = refusedAt
            self.idleEndedAt = idleEndedAt
            self.endings = endings
            self.connections = connections
            self.isRare = isRare
        }
    }

    public enum Decision: Equatable, Sendable {
        case forget, wait, hangup
        /// So many connections ended with it.
        case death(connections: Int)
    }

    public private(set) var waiting: [Hangup] = []
    private var ends: [End] = []
    /// When the death of a server was recorded last, so that it is recorded once.
    private var recordedDeaths: [(server: Int, at: UInt64)] = []

    public init() {}

    public var isEmpty: Bool { waiting.isEmpty }
    public var count: Int { waiting.count }

    /// When the first that waits is to be judged; nil when none does.
    public var due: UInt64? { waiting.map(\.endedAt).min().map { $0 + Self.waitTime } }

    /// A server has ended a connection that was idle, or in the middle of an exchange.
    public mutating func ended(server: Int, answers: Int, at now: UInt64) {
        remember(End(server: server, at: now, isRecent: false, answers: answers))
    }

    /// A server has ended a connection `gap` after an answer that had promised to keep it. False when too many wait.
    ///
    /// - Parameters:
    ///   - endings: how many of its connections have ended, over all workers, this one among them.
    ///   - before: when the one before it ended.
    public mutating func ended(
        server: Int, answers: Int, at now: UInt64, gap: UInt64, endings: UInt64, before: UInt64, exchange: Exchange
    ) -> Bool {
        remember(End(server: server, at: now, isRecent: gap <= Self.latest, answers: answers))
        guard waiting.count < Self.waitingMax else { return false }
        waiting.append(
            Hangup(
                exchange: exchange, server: server, endedAt: now, gap: gap, endings: endings,
                hasCompany: before > 0 && near(before, now, Self.waitTime)))
        return true
    }

    /// Takes out the first hang-up that has waited long enough and can be decided.
    ///
    /// - Parameter isEnding: nothing more will be seen, so that none waits any longer.
    public mutating func next(at now: UInt64, isEnding: Bool, _ life: (Hangup) -> Life) -> (Hangup, Decision)? {
        for i in waiting.indices {
            let life = life(waiting[i])
            if waiting[i].sign == .none { waiting[i].sign = sign(waiting[i], life) }
            if !waiting[i].isSettled, isEnding || waiting[i].endedAt + Self.waitTime <= now { settle(i, life) }
            let hangup = waiting[i]
            guard isEnding || hangup.endedAt + Self.waitTime <= now else { continue }
            var decision = decide(hangup, life)
            if decision == .wait {
                // Nobody has asked for the server again: nothing speaks against what it looks like.
                guard isEnding || hangup.endedAt + Self.signTime <= now else { continue }
                decision = hangup.hasCompany || isInnocent(hangup, life) ? .forget : .hangup
            }
            if case .death = decision {
                if recordedDeaths.contains(where: { $0.server == hangup.server && $0.at + Self.signTime >= hangup.endedAt }) {
                    decision = .forget
                } else {
                    recordedDeaths.removeAll { $0.server == hangup.server }
                    recordedDeaths.append((hangup.server, hangup.endedAt))
                }
            }
            waiting.remove(at: i)
            return (hangup, decision)
        }
        return nil
    }

    /// Whether all have waited for what may have ended with them.
    public func mayEnd(at now: UInt64) -> Bool { waiting.allSatisfy { $0.endedAt + Self.waitTime <= now } }

    /// Whether any still waits for a sign of life: then it is to be asked again soon.
    public func waits(at now: UInt64) -> Bool { waiting.contains { $0.endedAt + Self.waitTime <= now } }

    /// What has ended with it is known.
    private mutating func settle(_ i: Int, _ life: Life) {
        let hangup = waiting[i]
        let since = Int(clamping: life.endings - min(life.endings, hangup.endings))
        let before = ends.count {
            $0.server == hangup.server && $0.at < hangup.endedAt && near($0.at, hangup.endedAt, Self.waitTime)
        }
        waiting[i].isSettled = true
        waiting[i].hasCompany = hangup.hasCompany || since + before > 0
        waiting[i].endedTogether = 1 + since + before
    }

    private func sign(_ hangup: Hangup, _ life: Life) -> Sign {
        let connected = life.connectedAt > hangup.endedAt
        let refused = life.refusedAt > hangup.endedAt
        if connected, refused { return life.connectedAt < life.refusedAt ? .lives : .gone }
        return refused ? .gone : connected || life.hasSurvivors ? .lives : .none
    }

    private func decide(_ hangup: Hangup, _ life: Life) -> Decision {
        switch hangup.sign {
        case .lives: return isInnocent(hangup, life) ? .forget : .hangup
        case .gone: return death(hangup, life)
        case .none:
            // Every connection has ended, and nobody has asked for another: a process closes them at once, idle limits one after the other.
            guard life.connections == 0, hangup.hasCompany, !isSpread(hangup) else { return .wait }
            return death(hangup, life)
        }
    }

    /// Whether one of the connections that ended about then ended apart from it.
    private func isSpread(_ hangup: Hangup) -> Bool {
        ends.contains {
            $0.server == hangup.server && near($0.at, hangup.endedAt, Self.waitTime)
                && !near($0.at, hangup.endedAt, Self.togetherTime)
        }
    }

    /// Something else has ended with it, which no answer explains.
    private func isInnocent(_ hangup: Hangup, _ life: Life) -> Bool {
        hangup.gap > Self.latest || hasCompany(hangup, life) || isOneOfMany(hangup)
    }

    /// An idle or busy connection ended at the same moment: that was no answer's doing.
    private func hasCompany(_ hangup: Hangup, _ life: Life) -> Bool {
        if life.idleEndedAt > 0, near(life.idleEndedAt, hangup.endedAt, Self.togetherTime) { return true }
        return ends.contains {
            $0.server == hangup.server && !$0.isRecent && near($0.at, hangup.endedAt, Self.togetherTime)
        }
    }

    /// More hang-ups at once than a busy route explains.
    private func isOneOfMany(_ hangup: Hangup) -> Bool {
        var atOnce = -1
        var within = 0
        for end in ends where end.server == hangup.server && end.isRecent {
            if near(end.at, hangup.endedAt, Self.atOnceTime) { atOnce += 1 } else if end.at < hangup.endedAt { within += 1 }
        }
        guard atOnce > 0 else { return false }
        // `ends` reaches back a second at most.
        let expected = Double(within) * Double(2 * Self.atOnceTime) / 1e9
        return Double(atOnce) > 4 * expected
    }

    /// All has ended: was it the answer's doing? Only the last answer's, when hardly another had come before, or none of its sort
    /// without such an end.
    private func death(_ hangup: Hangup, _ life: Life) -> Decision {
        let ended = ends.filter { $0.server == hangup.server && near($0.at, hangup.endedAt, Self.waitTime) }
        guard hangup.gap <= Self.deathTime else { return .forget }
        let isLast = !waiting.contains {
            $0.server == hangup.server && near($0.endedAt, hangup.endedAt, Self.waitTime)
                && $0.endedAt - min($0.endedAt, $0.gap) > hangup.endedAt - min(hangup.endedAt, hangup.gap)
        }
        let otherAnswers = ended.reduce(-1) { $0 + $1.answers }
        guard isLast, life.isRare || otherAnswers <= 0 && hangup.gap <= Self.momentTime else { return .forget }
        return .death(connections: hangup.endedTogether)
    }

    private func near(_ one: UInt64, _ other: UInt64, _ time: UInt64) -> Bool {
        one <= other ? other - one <= time : one - other <= time
    }

    private mutating func remember(_ end: End) {
        if ends.count >= Self.endsMax || ends.first.map({ $0.at + 1_000_000_000 < end.at }) ?? false {
            ends.removeAll { $0.at + 1_000_000_000 < end.at }
        }
        if ends.count >= Self.endsMax { ends.removeFirst(Self.endsMax / 4) }
        ends.append(end)
    }
}
