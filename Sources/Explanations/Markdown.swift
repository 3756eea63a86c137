/// Shows blocks as Markdown (CommonMark with tables).
enum Markdown {
    static func render(_ blocks: [Block]) -> String {
        blocks.map(render).joined(separator: "\n\n") + "\n"
    }

    private static func render(_ block: Block) -> String {
        switch block {
        case .heading(let level, let text): String(repeating: "#", count: level) + " " + text
        case .paragraph(let text): text
        case .bullets(let items): items.map { "- " + $0 }.joined(separator: "\n")
        case .code(let text): "```js\n" + text + "\n```"
        case .terms(let terms): terms.map { "- `" + $0.0 + "`: " + $0.1 }.joined(separator: "\n")
        }
    }
}
