/// An incident that a trace must yield: a line that begins with `!`.
public struct Expectation: Equatable, Sendable, CustomStringConvertible {
    public struct Fact: Equatable, Sendable {
        public var name: String
        public var value: String
        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// The `kind` of the incident record.
    public var kind: String
    /// `proven` or `suspected`.
    public var certainty: String
    /// The rest of the line, in order.
    public var facts: [Fact]

    public init(kind: String, certainty: String, facts: [Fact] = []) {
        self.kind = kind
        self.certainty = certainty
        self.facts = facts
    }

    public func fact(_ name: String) -> String? { facts.first { $0.name == name }?.value }

    /// Number of the guilty exchange on its connection, from 1.
    public var exchange: Int? { fact("exchange").flatMap { Int($0) } }

    /// Bytes that belong to no answer that was due.
    public var surplusBytes: UInt64? { fact("surplus_bytes").flatMap { UInt64($0) } }

    /// The line without its `!`.
    public var description: String {
        ([kind, certainty] + facts.map { $0.name + "=" + $0.value }).joined(separator: " ")
    }
}
