/// Shows blocks as plain text of at most 80 columns: no colours, no control characters.
public struct Terminal {
    static let columns = 80

    private var lines: [String] = []

    public static func render(_ blocks: [Block]) -> String {
        var terminal = Terminal()
        for block in blocks { terminal.show(block) }
        return terminal.lines.joined(separator: "\n") + "\n"
    }

    private mutating func show(_ block: Block) {
        if !lines.isEmpty { lines.append("") }
        switch block {
        case .heading(let level, let text):
            let wrapped = wrap(text, first: "", rest: "  ")
            lines += wrapped
            if level <= 2 { lines.append(String(repeating: level == 1 ? "=" : "-", count: longest(wrapped))) }
        case .paragraph(let text): lines += wrap(text, first: "  ", rest: "  ")
        case .bullets(let items): for item in items { lines += wrap(item, first: "  - ", rest: "    ") }
        case .code(let text):
            for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
                lines.append(line.isEmpty ? "" : "    " + line)
            }
        case .terms(let terms):
            let width = terms.reduce(0) { max($0, $1.0.count) } + 2
            let rest = String(repeating: " ", count: width + 2)
            for (term, meaning) in terms {
                let gap = String(repeating: " ", count: width - term.count)
                lines += wrap(meaning, first: "  " + term + gap, rest: rest)
            }
        }
    }

    private func longest(_ lines: [String]) -> Int { lines.reduce(0) { max($0, $1.count) } }

    /// Greedy; a code span in backticks is not broken when it fits on a line of its own.
    private func wrap(_ text: String, first: String, rest: String) -> [String] {
        var wrapped: [String] = []
        var line = first
        var isEmpty = true
        for word in words(of: text, widthMax: Self.columns - rest.count) {
            if !isEmpty, line.count + 1 + word.count > Self.columns {
                wrapped.append(line)
                line = rest
                isEmpty = true
            }
            if !isEmpty { line += " " }
            line += word
            isEmpty = false
        }
        wrapped.append(line)
        return wrapped
    }

    private func words(of text: String, widthMax: Int) -> [String] {
        var words: [String] = []
        var isInCode = false
        for piece in text.split(separator: " ") {
            if isInCode, let last = words.last, last.count + 1 + piece.count <= widthMax {
                words[words.count - 1] = last + " " + piece
            } else {
                words.append(String(piece))
            }
            if piece.count(where: { $0 == "`" }) % 2 == 1 { isInCode.toggle() }
        }
        return words
    }
}
