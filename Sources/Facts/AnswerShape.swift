import Wire

/// What an answer's header block looks like from afar, in one word: its status, which known fields it has, and how many in all.
public enum AnswerShape {
    @inlinable
    public static func of(_ block: borrowing HeaderBlock) -> UInt64 {
        UInt64(UInt16(truncatingIfNeeded: block.status)) << 48 | UInt64(min(block.count, 255)) << 40
            | (block.version == .http10 ? 1 << 32 : 0) | UInt64(block.seen)
    }

    public static func status(_ shape: UInt64) -> Int { Int(shape >> 48) }

    /// 1 for the same shape, less for what is alike in part, 0 for another status.
    public static func likeness(_ one: UInt64, _ other: UInt64) -> Double {
        if one == other { return 1 }
        guard status(one) == status(other) else { return 0 }
        return UInt32(truncatingIfNeeded: one) == UInt32(truncatingIfNeeded: other) ? 0.6 : 0.15
    }
}
