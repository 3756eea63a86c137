/// A codec's eye for bytes that no answer accounts for: what the detector asks of it once they have ended.
public protocol SurplusReading {
    /// What the kept bytes look like, of `total` in all.
    static func read(_ kept: [UInt8], total: UInt64) -> SurplusFacts

    /// The answers of which the kept bytes are made, each with where it begins; the last of them has all that is left.
    static func answers(_ kept: [UInt8], total: UInt64, max: Int) -> [(offset: Int, facts: SurplusFacts)]

    /// Where an answer begins in the bytes.
    static func answerStart(in kept: [UInt8]) -> Int?

    /// Whether they are, or with more of them may become, a server's timeout notice.
    static func mayBeTimeoutNotice(_ kept: [UInt8]) -> Bool
}

extension SurplusFacts {
    /// Bytes from the first surplus one that are kept to be looked at; what comes after is only counted.
    public static let keptBytesMax = 8 * 1024
}
