import Detector

/// What one kind of incident means and how to mend its cause: the single source of `sendonce explain` and docs/kinds.md.
///
/// Text is ASCII prose with Markdown's backticks for code; nothing is wrapped here, the renderers do that.
public struct Explanation: Sendable {
    /// A program that shows the fault, and the same program mended.
    public struct Example: Sendable {
        /// What the client reads when `before` runs, and on which Node versions.
        public let outcome: String
        public let before: String
        public let after: String
    }

    /// What SendOnce does under each `on_violation`.
    public struct Policies: Sendable {
        public let observe: String
        public let contain: String
        public let fail: String
    }

    public let kind: Kind
    /// Follows the kind's name in a heading: lower case, no full stop.
    public let title: String
    /// One sentence for the overview.
    public let summary: String
    /// What stands on the wire, in paragraphs.
    public let wire: [String]
    /// Which code in Node or Express writes it.
    public let causes: [String]
    public let example: Example
    /// What it did to the client.
    public let client: String
    /// What to do about it.
    public let practices: [String]
    public let policies: Policies
    /// What looks like it and is never recorded.
    public let benign: [String]
    public let related: [Kind]

    /// The explanation of a kind; total, so that a new kind does not compile without one.
    public static func of(_ kind: Kind) -> Explanation {
        switch kind {
        case .secondResponse: secondResponse
        case .headerBlockInBody: headerBlockInBody
        case .lateInterim: lateInterim
        case .bodyAfterEnd: bodyAfterEnd
        case .misdeliveredResponse: misdeliveredResponse
        case .duplicateField: duplicateField
        case .conflictingFraming: conflictingFraming
        case .truncatedResponse: truncatedResponse
        case .stalledResponse: stalledResponse
        case .hangupAfterEnd: hangupAfterEnd
        case .malformedMessage: malformedMessage
        case .applicationDoubleSend: applicationDoubleSend
        }
    }
}
