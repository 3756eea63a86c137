import Exchanges

/// Whose a surplus is: the connection's last exchanges, the likeliest first, and how sure that is.
///
/// That an answer was one too many is proven; whose it was the bytes say only where the connection has served one exchange.
public struct Attribution: Equatable, Sendable {
    /// How sure it is that the likeliest is the guilty one.
    public enum Confidence: String, Sendable { case certain, likely, open }

    public struct Suspect: Equatable, Sendable {
        /// How many exchanges before the connection's latest.
        public var age: Int
        /// Its share of all that is possible, from 0 to 1.
        public var share: Double
        /// From the end of its answer to what was one too many, in nanoseconds; nil while its answer is in progress.
        public var delay: UInt64?
        /// That time is one that timers are set to.
        public var isRound: Bool
        /// Its sort of request has been suspected before.
        public var wasSuspected: Bool
        /// The application itself has said so, by the id that its answer carries.
        public var isEchoed = false

        public init(age: Int, share: Double, delay: UInt64?, isRound: Bool, wasSuspected: Bool) {
            self.age = age
            self.share = share
            self.delay = delay
            self.isRound = isRound
            self.wasSuspected = wasSuspected
        }
    }

    /// A reading in which later requests got the answers before theirs.
    public struct Shift: Equatable, Sendable {
        /// The age of the first exchange whose client was given what was one too many.
        public var age: Int
        /// What it was given, and what it is usually given, where that is known.
        public var status: Int
        public var usualStatus: Int?

        public init(age: Int, status: Int, usualStatus: Int?) {
            self.age = age
            self.status = status
            self.usualStatus = usualStatus
        }
    }

    public var confidence: Confidence
    /// The likeliest first.
    public var suspects: [Suspect]
    public var shift: Shift?

    public init(confidence: Confidence, suspects: [Suspect], shift: Shift?) {
        self.confidence = confidence
        self.suspects = suspects
        self.shift = shift
    }

    /// There is no other whose it may be.
    public static let certain = Attribution(confidence: .certain, suspects: [], shift: nil)

    /// The age of the likeliest.
    public var guilty: Int { suspects.first?.age ?? 0 }
}

/// One exchange of a connection, as far as attribution looks at it.
public struct PastExchange: Sendable {
    public var answer: Answer
    /// What sort of request it was: `Habits`.
    public var sort: UInt32
    /// Its answer has not ended.
    public var isInProgress: Bool
    public init(answer: Answer, sort: UInt32, isInProgress: Bool = false) {
        self.answer = answer
        self.sort = sort
        self.isInProgress = isInProgress
    }
}

/// Reads from a connection's last exchanges whose a surplus is.
///
/// Each possible reading is weighed: the surplus is the k-th exchange's, and met nobody; or an answer before it was, and every
/// later request was given the answer before its own. Evidence is what each sort of request is usually answered with, after how
/// long, how long a second send was on its way, and who has been suspected before.
public enum AttributionReader {
    /// Exchanges that are weighed.
    public static let exchangesMax = 4
    /// Above this share the likeliest is told as likely.
    private static let likelyShare = 0.75

    /// - Parameters:
    ///   - past: the connection's last exchanges, the newest first; the newest may be in progress.
    ///   - shape: what the surplus looks like, when it is an answer's whole header block.
    ///   - time: when its first byte was seen.
    ///   - mayShift: the surplus may be the true answer to the latest request.
    public static func read(
        _ past: [PastExchange], shape: UInt64?, time: UInt64, mayShift: Bool, habits: borrowing Habits
    ) -> Attribution {
        guard past.count > 1 else { return .certain }
        let count = min(past.count, exchangesMax)
        let seen = past.prefix(count).filter { !$0.isInProgress }.map(\.answer.shape) + (shape.map { [$0] } ?? [])
        // By the guilty one's age, then by how many exchanges were given the answer before their own.
        var weights = [[Double]](repeating: [Double](repeating: 0, count: count), count: count)
        for first in 0...(mayShift && shape != nil ? count - 1 : 0) {
            // The answer that was one too many: the surplus itself, or what the exchange of age `first - 1` was given.
            let extraShape = first == 0 ? shape : past[first - 1].answer.shape
            let extraTime = first == 0 ? time : past[first - 1].answer.headAt
            let fit = fit(past, count, shape: shape, time: time, first: first, seen, habits)
            for guilty in first..<count {
                weights[guilty][first] =
                    fit * habits.prior(past[guilty].sort) * likelihood(ofExtra: extraShape, of: past[guilty], seen, habits)
                    * likelihood(ofDelay: delay(past[guilty], extraTime))
            }
        }
        let shares = weights.map { $0.reduce(0, +) }
        let sum = shares.reduce(0, +)
        guard sum > 0 else { return .certain }
        var attribution = Attribution(confidence: .open, suspects: [], shift: nil)
        let likeliest = shares.indices.max { shares[$0] < shares[$1] }!
        let shifted = weights[likeliest].indices.max { weights[likeliest][$0] < weights[likeliest][$1] }!
        if shifted > 0 {
            let victim = past[shifted - 1]
            attribution.shift = Attribution.Shift(
                age: shifted - 1, status: Int(victim.answer.status), usualStatus: habits.usualStatus(victim.sort))
        }
        let extraTime = attribution.shift.map { past[$0.age].answer.headAt } ?? time
        attribution.suspects = shares.indices.sorted { shares[$0] > shares[$1] }
            .map { age in
                // Of a victim the answer came no earlier than what it was given: the surplus counts.
                let delay = delay(past[age], age < shifted ? time : extraTime)
                return Attribution.Suspect(
                    age: age, share: shares[age] / sum, delay: delay, isRound: delay.map(isRound) ?? false,
                    wasSuspected: habits.suspicion(past[age].sort) >= 0.5)
            }
        if attribution.suspects[0].share >= likelyShare { attribution.confidence = .likely }
        return attribution
    }

    /// How well the answers fit the requests when those of age below `first` were given the answer before their own.
    private static func fit(
        _ past: [PastExchange], _ count: Int, shape: UInt64?, time: UInt64, first: Int, _ seen: [UInt64],
        _ habits: borrowing Habits
    ) -> Double {
        guard let shape else { return 1 }
        var fit = 1.0
        for age in 0..<count where !past[age].isInProgress {
            let own = past[age].answer
            let isShifted = age < first
            let given = isShifted ? (age == 0 ? shape : past[age - 1].answer.shape) : own.shape
            let cameAt = isShifted ? (age == 0 ? time : past[age - 1].answer.headAt) : own.headAt
            fit *= habits.likelihood(of: given, for: past[age].sort, among: seen)
            if !own.wasHeldBack, own.sentAt > 0, cameAt >= own.sentAt {
                fit *= habits.likelihood(ofDelay: cameAt - own.sentAt, for: past[age].sort)
            }
        }
        return fit
    }

    /// A second answer may be the same again. More often it is unlike the others: what a framework has written reaches the wire once,
    /// so that it was written past it, and says that something went wrong.
    private static func likelihood(
        ofExtra shape: UInt64?, of exchange: PastExchange, _ seen: [UInt64], _ habits: borrowing Habits
    ) -> Double {
        guard let shape else { return 1 }
        let isUnusual = habits.commonness(of: shape, among: seen) < 0.15
        let unlike = !isUnusual ? 0.01 : AnswerShape.status(shape) >= 400 ? 0.3 : 0.1
        return 0.05 * habits.likelihood(of: shape, for: exchange.sort, among: seen) + 0.95 * unlike
    }

    /// Second sends come sooner rather than later, most of them in the same turn as the first, and some when a timer says so.
    private static func likelihood(ofDelay delay: UInt64?) -> Double {
        guard let delay else { return 10 }
        // In one read with the answer's end.
        guard delay > 0 else { return 60 }
        let milliseconds = Double(delay) / 1e6
        return (isRound(delay) ? 3 : 1) / (milliseconds + 0.1)
    }

    private static func delay(_ exchange: PastExchange, _ time: UInt64) -> UInt64? {
        guard !exchange.isInProgress else { return nil }
        return time - min(time, exchange.answer.endedAt)
    }

    /// A little after a multiple of 10 ms, or of 25.
    static func isRound(_ delay: UInt64) -> Bool {
        let microseconds = delay / 1000
        guard microseconds >= 9_700 else { return false }
        return [10_000, 25_000].contains { (microseconds + 300) % $0 < 1_800 }
    }
}
