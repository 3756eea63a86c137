import Records

/// What an expression asks of a record.
indirect enum Condition: Sendable {
    enum Comparison: Sendable { case equal, less, lessOrEqual, greater, greaterOrEqual }

    case both(Condition, Condition)
    case either(Condition, Condition)
    case not(Condition)
    /// The record has the field.
    case has(Field)
    case compares(Field, Comparison, Operand)
    case isOneOf(Field, [Operand])
    case contains(Field, String)
    case matches(Field, SearchPattern)

    /// A field that the record does not have fulfils nothing; `!=` is the opposite of `=`.
    func admits(_ record: Record) -> Bool {
        switch self {
        case .both(let left, let right): left.admits(record) && right.admits(record)
        case .either(let left, let right): left.admits(record) || right.admits(record)
        case .not(let condition): !condition.admits(record)
        case .has(let field): !record.values(of: field).isEmpty
        case .compares(let field, let comparison, let operand):
            record.values(of: field).contains { operand.compares($0, comparison) }
        case .isOneOf(let field, let operands):
            record.values(of: field).contains { value in operands.contains { $0.compares(value, .equal) } }
        case .contains(let field, let text): record.values(of: field).contains { Record.text($0).contains(text) }
        case .matches(let field, let pattern): record.values(of: field).contains { pattern.matches(Record.text($0)) }
        }
    }
}
