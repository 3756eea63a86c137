import Configuration
import JSON
import Records

/// What a field is compared with: read once, as the field's form asks.
enum Operand: Sendable {
    case text(String)
    case number(Double)
    case instant(Instant)

    /// Nil when the text is nothing that the field could hold.
    init?(_ text: String, for form: Field.Form) {
        switch form {
        case .text: self = .text(text)
        case .word(let words):
            guard words.contains(text) else { return nil }
            self = .text(text)
        case .number, .milliseconds, .bytes:
            if let number = Double(text), number.isFinite {
                self = .number(number)
            } else if case .milliseconds = form, let milliseconds = Quantity.milliseconds(text) {
                self = .number(Double(milliseconds))
            } else if case .bytes = form, let bytes = Quantity.bytes(text) {
                self = .number(Double(bytes))
            } else {
                return nil
            }
        case .instant:
            guard let instant = Instant(text) else { return nil }
            self = .instant(instant)
        }
    }

    func compares(_ value: JSON, _ comparison: Condition.Comparison) -> Bool {
        switch self {
        case .text(let text): holds(comparison, Record.text(value), text)
        case .number(let number): value.number.map { holds(comparison, $0, number) } ?? false
        case .instant(let instant): value.string.flatMap { Instant($0) }.map { holds(comparison, $0, instant) } ?? false
        }
    }

    private func holds<Value: Comparable>(_ comparison: Condition.Comparison, _ left: Value, _ right: Value) -> Bool {
        switch comparison {
        case .equal: left == right
        case .less: left < right
        case .lessOrEqual: left <= right
        case .greater: left > right
        case .greaterOrEqual: left >= right
        }
    }
}
