import Detector

/// The pages of the guide as blocks; the renderers show them on a terminal or as Markdown.
enum Page {
    static func blocks(of explanation: Explanation, level: Int) -> [Block] {
        let below = level + 1
        return [.heading(level, "`\(explanation.kind.rawValue)`: \(explanation.title)")]
            + [.heading(below, "What stands on the wire")] + explanation.wire.map(Block.paragraph)
            + [.heading(below, "Which code in Node or Express writes it"), .bullets(explanation.causes)]
            + [.heading(below, "Before"), .paragraph(explanation.example.outcome), .code(explanation.example.before)]
            + [.heading(below, "After"), .code(explanation.example.after)]
            + [.heading(below, "What it did to the client"), .paragraph(explanation.client)]
            + [.heading(below, "What to do"), .bullets(explanation.practices)]
            + [.heading(below, "What SendOnce does (`on_violation`)"), .terms(terms(explanation.policies))]
            + [.heading(below, "Looks like it and is never recorded"), .bullets(explanation.benign)]
            + [.heading(below, "Related kinds")]
            + [.terms(explanation.related.map { ($0.rawValue, Explanation.of($0).title) })]
    }

    static let overview: [Block] =
        [
            .heading(1, "Kinds of incident"),
            .paragraph(
                """
                SendOnce records when an upstream sends more, less or other than the one answer that a request is owed. \
                `proven` means that the bytes leave no other reading; `suspected` ones never change traffic.
                """),
            .terms(Kind.allCases.map { ($0.rawValue, Explanation.of($0).summary) }),
            .paragraph("`sendonce explain KIND` explains one with a program that shows it and the same program mended."),
            .heading(2, HeadersSent.title),
        ] + HeadersSent.blocks

    static let document: [Block] =
        overview + Kind.allCases.flatMap { blocks(of: Explanation.of($0), level: 2) }

    private static func terms(_ policies: Explanation.Policies) -> [(String, String)] {
        [("observe", policies.observe), ("contain", policies.contain), ("fail", policies.fail)]
    }
}
