import Records

/// A condition on records, as `-q` takes it: `kind = second_response and delay_ms > 10`.
public struct Expression: Sendable {
    private let condition: Condition

    /// Throws what is wrong with the text, and where.
    public init(_ text: String) throws(ExpressionFault) {
        var parser = ExpressionParser(text)
        condition = try parser.expression()
    }

    public func admits(_ record: Record) -> Bool { condition.admits(record) }
}
