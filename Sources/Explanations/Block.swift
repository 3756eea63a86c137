/// A piece of a page, before it is known how it will be shown.
public enum Block: Sendable {
    case heading(Int, String)
    case paragraph(String)
    case bullets([String])
    /// JavaScript.
    case code(String)
    /// A short term and what it means.
    case terms([(String, String)])
}
