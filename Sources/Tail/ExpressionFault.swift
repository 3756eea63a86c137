import Configuration
import Records

/// What is wrong with a condition, and which of its letters are meant.
public struct ExpressionFault: Error, CustomStringConvertible {
    public let reason: String
    public let text: String
    /// Characters before the fault, and how many it has.
    public let offset: Int
    public let length: Int

    /// The reason, the condition, and carets under the fault.
    public var description: String {
        // A tab or a line end would push the carets out of place.
        let shown = String(text.map { $0.isNewline || $0 == "\t" ? " " : $0 })
        let carets = String(repeating: " ", count: offset) + "^" + String(repeating: "~", count: max(0, length - 1))
        return "\(reason)\n  \(Printable.text(shown))\n  \(carets)"
    }
}
