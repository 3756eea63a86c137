import JSON
import Records

/// One incident as OpenTelemetry's LogRecord: made of the record that the incident log has, so that both say the same.
///
/// docs/incident-log.md has the attributes; what has no word in the semantic conventions begins with `sendonce.`.
struct OTLPRecord: Equatable {
    static let eventName = "sendonce.incident"

    /// Nanoseconds since the Unix epoch.
    var time: UInt64 = 0
    var severityText: String
    var severityNumber: Int
    var body: String
    var attributes: [JSON.Member] = []
    /// Lower-case hexadecimal digits, 32 and 16 of them; empty without a trace.
    var traceID = ""
    var spanID = ""

    /// The attribute for a record's key, where the conventions have another word for it than ours.
    private static let names = [
        "id": "log.record.uid", "kind": "error.type", "request.id": "http.request.header.x-request-id",
        "request.method": "http.request.method", "request.host": "http.request.header.host", "request.template": "url.template",
        "response.status": "http.response.status_code", "response.declared_bytes": "http.response.header.content-length",
        "response.body_bytes": "http.response.body.size", "evidence.delay_ms": "sendonce.evidence.delay",
        "application.route": "http.route", "application.code": "exception.type",
    ]
    /// Keys that are fields of the LogRecord itself.
    private static let fields: Set<String> = ["time", "severity", "message", "request.trace_id", "request.span_id"]

    /// nil when the line is no record.
    init?(line: [UInt8]) {
        guard let record = try? JSON.parse(line), let members = record.members, record["kind"]?.string != nil else {
            return nil
        }
        if let instant = record["time"]?.string.flatMap({ Instant($0) }), instant.microseconds > 0 {
            time = UInt64(instant.microseconds) * 1000
        }
        severityText = record["severity"]?.string ?? "warning"
        severityNumber = severityText == "error" ? 17 : severityText == "info" ? 9 : 13
        body = record["message"]?.string ?? ""
        traceID = Self.identifier(record["request"]?["trace_id"], digits: 32)
        spanID = Self.identifier(record["request"]?["span_id"], digits: 16)
        for member in members { add(member.value, key: member.key) }
    }

    private static func identifier(_ value: JSON?, digits: Int) -> String {
        guard let text = value?.string, text.utf8.count == digits, text.utf8.allSatisfy({ Hex.value($0) != nil }) else {
            return ""
        }
        return text
    }

    private mutating func add(_ value: JSON, key: String) {
        guard !Self.fields.contains(key) else { return }
        switch (key, value) {
        case (_, .object(let members)):
            for member in members { add(member.value, key: key + "." + member.key) }
        case ("protocol", .string(let text)):
            let parts = text.split(separator: "/")
            set("network.protocol.name", .string("http"))
            set("network.protocol.version", .string(parts.count == 2 ? String(parts[1]) : "2"))
        case ("upstream.address", .string(let text)): setAddress("server", text)
        case ("client.address", .string(let text)): setAddress("client", text)
        case ("request.path", .string(let text)):
            let parts = text.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
            set("url.path", .string(String(parts[0])))
            if parts.count == 2 { set("url.query", .string(String(parts[1]))) }
        // The second send is where the exception is, or would have been, thrown.
        case ("application.second", .array(let lines)): set("exception.stacktrace", stack(lines))
        case ("application.first", .array(let lines)): set("sendonce.application.first.stacktrace", stack(lines))
        default: set(Self.names[key] ?? "sendonce." + key, value)
        }
    }

    private func stack(_ lines: [JSON]) -> JSON { .string(lines.compactMap(\.string).joined(separator: "\n")) }

    private mutating func set(_ key: String, _ value: JSON) { attributes.append(JSON.Member(key: key, value: value)) }

    /// `host:port`, `[v6]:port` or `unix:/path`.
    private mutating func setAddress(_ side: String, _ text: String) {
        let colon = text.hasPrefix("unix:") ? nil : text.lastIndex(of: ":")
        guard let colon, let port = Int(text[text.index(after: colon)...]) else { return set(side + ".address", .string(text)) }
        let host = text[..<colon]
        let isBracketed = host.first == "[" && host.last == "]"
        set(side + ".address", .string(String(isBracketed ? host.dropFirst().dropLast() : host)))
        set(side + ".port", .number(String(port)))
    }
}

/// Hexadecimal digits.
enum Hex {
    static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        default: nil
        }
    }

    /// The bytes that lower-case digits stand for.
    static func bytes(_ text: String) -> [UInt8] {
        let digits = text.utf8.compactMap(value)
        return stride(from: 0, to: digits.count - digits.count % 2, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
}
