import Records

/// Incidents of one group: one bug to mend, as often as it has shown itself.
public struct Finding: Sendable {
    /// What the gate makes of it.
    public enum State: String, Sendable {
        /// Closes the gate.
        case new
        /// Its kind is allowed.
        case allowed
        /// It stands in the baseline.
        case known
        /// It may be innocent, and only certain ones close the gate.
        case suspected
    }

    public let group: String
    public let kind: String
    public let certainty: String
    /// What it is about: `second_response GET /orders/{id}`.
    public let subject: String
    /// The first of the incidents.
    public let example: Record
    public internal(set) var count: Int
    public internal(set) var firstSend: SourcePlace?
    public internal(set) var secondSend: SourcePlace?
    public internal(set) var state = State.new

    init(_ record: Record) {
        group = record.group
        kind = record.kind
        certainty = record.text("certainty") ?? "proven"
        subject = record.subject
        example = record
        count = record.count
        firstSend = record.firstSend
        secondSend = record.secondSend
    }

    public var message: String { Printable.text(example.text("message") ?? "") }

    /// What the application called, and what became of it: `setHeader, ERR_HTTP_HEADERS_SENT, thrown`.
    var operation: String? {
        let parts = ["operation", "code", "outcome"].compactMap { example.text($0) }.map(Printable.text)
        return parts.isEmpty ? nil : parts.joined(separator: ", ")
    }
}
