import Wire

/// What is wrong with a request's header block, beyond being larger, newer or other than is served.
public enum RequestFlaw: Equatable, Sendable {
    /// It is not HTTP.
    case malformed
    /// These fields may stand once, and stand more often.
    case repeated([String])
    /// Content-Length is not one number; `isRepeated`: it is the same one each time.
    case length(isRepeated: Bool)
    /// These fields leave doubt about where the body ends.
    case framing([String])

    /// Of Content-Lengths that are not one number.
    public static func length(_ facts: HeaderFacts) -> RequestFlaw {
        .length(isRepeated: facts.isDisjoint(with: [.contentLengthDiffers, .contentLengthInvalid]))
    }

    /// Of a request that comes in frames, and was not understood.
    public static func ofFrames(repeated: PseudoFields, _ facts: HeaderFacts) -> RequestFlaw {
        if !repeated.isEmpty { return .repeated(repeated.names) }
        let isLengthUnusable = !facts.isDisjoint(
            with: [.contentLengthDiffers, .contentLengthInvalid, .contentLengthRepeated])
        return isLengthUnusable ? length(facts) : .malformed
    }

    public var kind: Kind {
        switch self {
        case .malformed: .malformedMessage
        case .repeated, .length(isRepeated: true): .duplicateField
        case .length(isRepeated: false), .framing: .conflictingFraming
        }
    }

    /// What it is about.
    public var fields: [String]? {
        switch self {
        case .malformed: nil
        case .repeated(let names), .framing(let names): names
        case .length: ["content-length"]
        }
    }
}
