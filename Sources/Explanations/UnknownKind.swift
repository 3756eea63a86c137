import Detector

/// A name given to `sendonce explain` that is no kind.
public struct UnknownKind: Error, CustomStringConvertible {
    public let name: String
    /// What was probably meant.
    public let suggestion: Kind?

    public var description: String {
        if let suggestion { return "unknown kind '\(name)': did you mean '\(suggestion.rawValue)'?" }
        return "unknown kind '\(name)'; `sendonce explain` lists them"
    }
}
