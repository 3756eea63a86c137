import Configuration
import Records

/// Reads a condition by recursive descent.
///
///     expression = all *( ("or" | "||") all )
///     all        = condition *( ("and" | "&&") condition )
///     condition  = ("not" | "!") condition | "(" expression ")" | FIELD [ test ]
///     test       = ("=" | "==" | "!=" | "<" | "<=" | ">" | ">=" | "~" | "!~" | "~=" | "contains") VALUE
///                | ["not"] "in" "(" VALUE *( "," VALUE ) ")"
///
/// A field alone asks whether the record has it.
struct ExpressionParser {
    /// Parentheses and `not` within each other.
    static let depthMax = 64
    private static let operators = ["~=", "==", "!=", "!~", "<=", ">=", "=", "<", ">", "~"]

    private var scanner: ExpressionScanner
    private var depth = 0

    init(_ text: String) { scanner = ExpressionScanner(text) }

    mutating func expression() throws(ExpressionFault) -> Condition {
        let whole = try alternatives()
        if let token = scanner.peek() { throw scanner.fault("expected 'and', 'or' or the end", at: token) }
        return whole
    }

    private mutating func alternatives() throws(ExpressionFault) -> Condition {
        var left = try conjunction()
        while scanner.takeWord("or") || scanner.take("||") { left = .either(left, try conjunction()) }
        return left
    }

    private mutating func conjunction() throws(ExpressionFault) -> Condition {
        var left = try condition()
        while scanner.takeWord("and") || scanner.take("&&") { left = .both(left, try condition()) }
        return left
    }

    private mutating func condition() throws(ExpressionFault) -> Condition {
        depth += 1
        defer { depth -= 1 }
        if depth > Self.depthMax { throw scanner.faultHere("nested too deeply") }
        if scanner.takeWord("not") || scanner.take("!") { return .not(try condition()) }
        guard scanner.take("(") else { return try test() }
        let inner = try alternatives()
        guard scanner.take(")") else { throw scanner.faultHere("expected ')'") }
        return inner
    }

    private mutating func test() throws(ExpressionFault) -> Condition {
        let (field, name) = try field()
        if scanner.takeWord("in") { return .isOneOf(field, try list(for: field)) }
        if scanner.takeWord("contains") { return .contains(field, try scanner.value().text) }
        if let sign = Self.operators.first(where: { scanner.take($0) }) { return try test(field, name, sign) }
        let before = scanner
        if scanner.takeWord("not") {
            if scanner.takeWord("in") { return .not(.isOneOf(field, try list(for: field))) }
            scanner = before
        }
        return .has(field)
    }

    private mutating func test(_ field: Field, _ name: ExpressionScanner.Token, _ sign: String) throws(ExpressionFault)
        -> Condition
    {
        let value = try scanner.value()
        switch sign {
        case "~=": return .contains(field, value.text)
        case "=", "==": return .compares(field, .equal, try operand(value, for: field))
        case "!=": return .not(.compares(field, .equal, try operand(value, for: field)))
        case "~", "!~":
            let pattern: SearchPattern
            do throws(SearchPattern.Invalid) {
                pattern = try SearchPattern(value.text)
            } catch {
                throw scanner.fault("not a regular expression: \(error.reason)", at: value)
            }
            return sign == "~" ? .matches(field, pattern) : .not(.matches(field, pattern))
        default:
            switch field.form {
            case .text, .word: throw scanner.fault("'\(name.text)' is text: '\(sign)' compares numbers and times", at: name)
            default: break
            }
            let comparisons: [String: Condition.Comparison] = [
                "<": .less, "<=": .lessOrEqual, ">": .greater, ">=": .greaterOrEqual,
            ]
            return .compares(field, comparisons[sign] ?? .equal, try operand(value, for: field))
        }
    }

    private mutating func field() throws(ExpressionFault) -> (Field, ExpressionScanner.Token) {
        guard let token = scanner.word() else { throw scanner.faultHere("expected a field") }
        guard let field = Field.named(token.text) else {
            throw scanner.fault("unknown field '\(Printable.text(token.text))'\(Field.hint(for: token.text))", at: token)
        }
        return (field, token)
    }

    private mutating func list(for field: Field) throws(ExpressionFault) -> [Operand] {
        guard scanner.take("(") else { throw scanner.faultHere("expected '(' and values") }
        var operands: [Operand] = []
        repeat { operands.append(try operand(try scanner.value(), for: field)) } while scanner.take(",")
        guard scanner.take(")") else { throw scanner.faultHere("expected ',' or ')'") }
        return operands
    }

    private func operand(_ value: ExpressionScanner.Token, for field: Field) throws(ExpressionFault) -> Operand {
        if let operand = Operand(value.text, for: field.form) { return operand }
        let shown = Printable.text(value.text)
        switch field.form {
        case .word(let words):
            let hint = Spelling.hint(for: value.text, among: words)
            let list = hint.isEmpty ? ": one of \(words.joined(separator: ", "))" : hint
            throw scanner.fault("'\(shown)' is no \(field.name)\(list)", at: value)
        case .instant: throw scanner.fault("'\(shown)' is no time such as 2026-11-22T09:15:03Z", at: value)
        case .milliseconds:
            throw scanner.fault("'\(shown)' is neither a number of milliseconds nor a duration such as 2s", at: value)
        case .bytes: throw scanner.fault("'\(shown)' is neither a number of bytes nor a size such as 16KiB", at: value)
        case .text, .number: throw scanner.fault("'\(shown)' is no number", at: value)
        }
    }
}
