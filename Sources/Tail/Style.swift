/// How text may look where it is shown: colours, signs beyond ASCII, and how wide a line may be.
public struct Style: Sendable {
    enum Colour: String { case red = "31", yellow = "33", cyan = "36", faint = "2", bold = "1" }

    public var hasColour: Bool
    public var hasUnicode: Bool
    /// Cells of a line; nil where nothing is cut.
    public var width: Int?

    public init(hasColour: Bool, hasUnicode: Bool, width: Int?) {
        self.hasColour = hasColour
        self.hasUnicode = hasUnicode
        self.width = width
    }

    var gap: String { hasUnicode ? "…" : "..." }
    var dot: String { hasUnicode ? " · " : ", " }

    /// Says the severity to those who see no colour.
    func sign(_ severity: String) -> String {
        switch severity {
        case "error": hasUnicode ? "✖" : "E"
        case "warning": hasUnicode ? "▲" : "W"
        default: hasUnicode ? "•" : "i"
        }
    }

    func painted(_ text: String, _ colour: Colour?) -> String {
        guard hasColour, let colour, !text.isEmpty else { return text }
        return "\u{1B}[\(colour.rawValue)m\(text)\u{1B}[0m"
    }

    func colour(_ severity: String) -> Colour {
        switch severity {
        case "error": .red
        case "warning": .yellow
        default: .cyan
        }
    }

    func cut(_ text: String, taken: Int = 0) -> String {
        guard let width else { return text }
        return TextWidth.cutInMiddle(text, to: max(0, width - taken), gap: gap)
    }

    /// Eighths of a cell's height for numbers against the greatest of them.
    func sparkline(_ counts: [Int]) -> String {
        let steps = Array(hasUnicode ? "▁▂▃▄▅▆▇█" : ".:-=+*%#")
        let greatest = max(1, counts.max() ?? 1)
        return String(
            counts.map { count in
                count == 0 ? " " : steps[max(0, (count * steps.count + greatest - 1) / greatest - 1)]
            })
    }
}
