import Records

/// A line of one's own making, as `--format` takes it: `{time} {kind} {path}`.
public struct Template: Sendable {
    private enum Piece: Sendable {
        case text(String)
        case field(Field)
        case line
    }

    private var pieces: [Piece] = []

    /// `{{` and `}}` are braces, `\n`, `\t` and `\\` what they are in most places, `{line}` is the record as it came.
    public init(_ text: String) throws(UsageFault) {
        var rest = text[...]
        var literal = ""
        while let character = rest.popFirst() {
            switch character {
            case "{" where rest.first == "{", "}" where rest.first == "}": literal.append(rest.removeFirst())
            case "\\": literal.append(Self.escaped(&rest))
            case "{":
                guard let end = rest.firstIndex(of: "}") else { throw UsageFault("--format: '{' without its '}'") }
                if !literal.isEmpty { pieces.append(.text(literal)) }
                literal = ""
                pieces.append(try Self.piece(String(rest[..<end])))
                rest = rest[rest.index(after: end)...]
            case "}": throw UsageFault("--format: '}' without its '{'; a brace is written as '}}'")
            default: literal.append(character)
            }
        }
        if !literal.isEmpty { pieces.append(.text(literal)) }
    }

    func line(for record: Record) -> String {
        pieces.map { piece in
            switch piece {
            case .text(let text): text
            case .field(let field): record.text(of: field).map(Printable.text) ?? "-"
            case .line: Printable.text(String(decoding: record.line, as: UTF8.self))
            }
        }.joined()
    }

    private static func piece(_ name: String) throws(UsageFault) -> Piece {
        if name == "line" { return .line }
        guard let field = Field.named(name) else {
            throw UsageFault("--format: unknown field '\(Printable.text(name))'\(Field.hint(for: name))")
        }
        return .field(field)
    }

    private static func escaped(_ rest: inout Substring) -> Character {
        switch rest.first {
        case "n": rest.removeFirst(); return "\n"
        case "t": rest.removeFirst(); return "\t"
        case "\\": rest.removeFirst(); return "\\"
        default: return "\\"
        }
    }
}
