import Facts

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
        /// From the end of its answer to what was one too many, in nanoseconds; nil while its answer is in progress, or due.
        public var delay: UInt64?
        /// Its own answer was still due when it came: an answer before that one was.
        public var isWaiting = false
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
    /// Which of the surplus's answers it is about, from 0.
    public var part = 0

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
