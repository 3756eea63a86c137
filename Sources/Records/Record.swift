import JSON

/// A line of an incident log, read.
public struct Record: Sendable {
    /// The line as it came, without its end.
    public let line: [UInt8]
    public let instant: Instant
    public let json: JSON

    /// Nil for a line that is no incident record: not an object, or without the time and the kind that every record has.
    public init?(line: [UInt8]) {
        guard line.first == UInt8(ascii: "{"), let json = try? JSON.parse(line), json["kind"]?.string != nil,
            let time = json["time"]?.string, let instant = Instant(time)
        else { return nil }
        self.line = line
        self.json = json
        self.instant = instant
    }

    public var kind: String { json["kind"]?.string ?? "" }
    public var severity: String { json["severity"]?.string ?? "" }
    /// Incidents that this record stands for: itself, and those that the log's limit held back before it.
    public var count: Int { 1 + min(max(0, json["suppressed"]?.integer ?? 0), 1 << 40) }

    /// What stands at a field; of a list, or within a list of objects, each of its members.
    public func values(of field: Field) -> [JSON] { Self.values(in: json, field.path[...]) }

    /// The field as text; nil where the record has none.
    public func text(of field: Field) -> String? {
        let values = values(of: field)
        return values.isEmpty ? nil : values.map(Self.text).joined(separator: ",")
    }

    public func text(_ path: String) -> String? { Field.named(path).flatMap { text(of: $0) } }
    public func number(_ path: String) -> Double? { Field.named(path).flatMap { values(of: $0).first?.number } }

    private static func values(in json: JSON, _ path: ArraySlice<String>) -> [JSON] {
        if case .array(let elements) = json { return elements.flatMap { values(in: $0, path) } }
        guard let key = path.first else { return json == .null ? [] : [json] }
        return json[key].map { values(in: $0, path.dropFirst()) } ?? []
    }

    public static func text(_ json: JSON) -> String {
        switch json {
        case .null: "null"
        case .bool(let value): value ? "true" : "false"
        case .number(let text), .string(let text): text
        case .array, .object: "..."
        }
    }
}

extension Record {
    /// Where the application sent first and second, where the probe knows it.
    public var firstSend: SourcePlace? { place("application.first") }
    public var secondSend: SourcePlace? { place("application.second") }

    private func place(_ path: String) -> SourcePlace? {
        guard let field = Field.named(path) else { return nil }
        return SourcePlace.guilty(in: values(of: field).compactMap(\.string))
    }

    /// Records of one group are one bug to mend. Those that older versions wrote have no group: their kind, route, method, path
    /// and second status stand for it.
    public var group: String {
        text("group") ?? ["kind", "route", "method", "path", "second_status"].map { text($0) ?? "" }.joined(separator: " ")
    }

    /// What the group is about, for people: `second_response GET /orders/{id}`.
    public var subject: String {
        ([kind] + ["method", "template"].compactMap { text($0) }
            + (text("template") == nil ? [text("path").map { String($0.prefix { $0 != "?" }) }].compactMap(\.self) : []))
            .joined(separator: " ")
    }
}
