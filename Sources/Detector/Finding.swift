import Facts

/// What has been found on one connection to an upstream, in full: a verdict and the facts behind it. A record is made of it.
public struct Finding: Sendable {
    /// What the verdict is about.
    public enum Matter: Sendable {
        /// Bytes that no answer accounts for, or that are none.
        case surplus(SurplusFacts)
        /// A header block that began so many bytes into a Content-Length body, and what stuck out after the body's end.
        case embedded(SurplusFacts, bodyOffset: UInt64)
        /// Fields of one header block.
        case fields([String])
        /// Lines that end in a line feed alone, which does no harm.
        case bareLineFeeds
        /// An answer that did not come to its end: what became of it, in words.
        case unfinished(String)
        /// A connection that was ended right after an answer; with how many others, when its whole server has gone.
        case hangup(connectionsEnded: Int)
    }

    public var verdict: Verdict
    public var matter: Matter
    /// Bytes from the first that the connection received to the first offending one.
    public var connectionOffset: UInt64
    public var surplusBytes: UInt64?
    /// From the end, or the head, of the guilty exchange's answer; in nanoseconds.
    public var delay: UInt64?
    public var proof: Proof?
    public var clientImpact: ClientImpact = .none
    /// Which rule was broken, in which field, where.
    public var reason: String?
    /// The first bytes of what is not HTTP: shown with the reason, escaped and masked.
    public var shown: [UInt8] = []
    /// The offending bytes' beginning.
    public var sample: [UInt8] = []
    public var attribution: Attribution?

    public init(_ verdict: Verdict, _ matter: Matter, connectionOffset: UInt64) {
        self.verdict = verdict
        self.matter = matter
        self.connectionOffset = connectionOffset
    }

    /// Narrows the finding down to one of the answers of which its surplus is made.
    public mutating func become(part facts: SurplusFacts, at offset: Int) {
        matter = .surplus(facts)
        connectionOffset += UInt64(offset)
        sample = Array(sample.dropFirst(offset))
    }
}
