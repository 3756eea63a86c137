import Configuration
import Detector

/// A field of the record: where it stands, what may stand there, and the short name that it goes by.
public struct Field: Sendable {
    public enum Form: Sendable {
        case text, number, milliseconds, bytes, instant
        /// A closed set.
        case word([String])
    }

    /// The keys that lead to it.
    let path: [String]
    public let form: Form
    let short: String?

    /// Dotted, as the documents have it.
    public var name: String { path.joined(separator: ".") }

    init(_ name: String, _ form: Form = .text, short: String? = nil) {
        path = name.split(separator: ".").map(String.init)
        self.form = form
        self.short = short
    }

    /// The field of this name or short name.
    public static func named(_ name: String) -> Field? { index[name] }

    /// What was probably meant by a name that there is not, as ` (did you mean 'kind'?)`.
    public static func hint(for name: String) -> String { Spelling.hint(for: name, among: names) }

    static let names = all.flatMap { [$0.short, $0.name].compactMap(\.self) }

    private static let index: [String: Field] = all.reduce(into: [:]) { index, field in
        index[field.name] = field
        if let short = field.short { index[short] = field }
    }

    /// Every field that a record can have.
    static let all: [Field] =
        [
            Field("time", .instant), Field("id"), Field("schema", .number),
            Field("severity", .word(["error", "warning", "info"])),
            Field("kind", .word(Kind.allCases.map(\.rawValue))), Field("certainty", .word(Certainty.allCases.map(\.rawValue))),
            Field("attribution", .word(["certain", "likely", "open"])),
            Field("origin", .word(["client", "upstream", "application"])),
            Field("action", .word(ViolationPolicy.allCases.map(\.rawValue))),
            Field("client_impact", .word(Impact.allCases.map(\.rawValue)), short: "impact"), Field("message"), Field("route"),
            Field("protocol"), Field("group"), Field("capture"), Field("suppressed", .number),
            Field("upstream.name", short: "upstream"), Field("upstream.address", short: "server"),
            Field("upstream.connection", .number, short: "connection"), Field("upstream.exchange", .number, short: "exchange"),
            Field("client.address", short: "client"), Field("client.protocol"),
        ] + requests + answers + [
            Field("candidates"), Field("application"), Field("victim.request_id"), Field("victim.method"),
            Field("victim.path", short: "victim"),
            Field("candidates.request_id"), Field("candidates.method"), Field("candidates.path"), Field("candidates.route"),
            Field("candidates.status", .number), Field("candidates.answered_ms_before", .milliseconds),
            Field("candidates.reason"),
            Field("application.code", short: "code"),
            Field("application.outcome", .word(["thrown", "emitted", "swallowed", "crashed", "sent"]), short: "outcome"),
            Field("application.operation", short: "operation"), Field("application.status", .number),
            Field("application.field"),
            Field("application.bytes", .bytes), Field("application.first_of"), Field("application.route"),
            Field("application.framework", short: "framework"),
            Field("application.between_ms", .milliseconds, short: "between_ms"), Field("application.first"),
            Field("application.second"),
            Field("application.node"), Field("application.pid", .number, short: "pid"),
        ]

    private static let requests: [Field] = [
        Field("request.id"), Field("request.method", short: "method"), Field("request.path", short: "path"),
        Field("request.template", short: "template"), Field("request.host", short: "host"),
        Field("request.trace_id", short: "trace_id"), Field("request.span_id", short: "span_id"),
    ]

    private static let answers: [Field] = [
        Field("response.status", .number, short: "status"), Field("response.framing", short: "framing"),
        Field("response.declared_bytes", .bytes, short: "declared_bytes"),
        Field("response.body_bytes", .bytes, short: "body_bytes"),
        Field("evidence.phase", .word(["in_head", "in_body", "after_end", "idle", "next_exchange"]), short: "phase"),
        Field("evidence.offset", .bytes, short: "offset"),
        Field("evidence.connection_offset", .bytes, short: "connection_offset"),
        Field("evidence.surplus_bytes", .bytes, short: "surplus_bytes"),
        Field("evidence.delay_ms", .milliseconds, short: "delay_ms"),
        Field("evidence.proof", .word(["unacknowledged_request", "request_id", "accounting"]), short: "proof"),
        Field("evidence.reason", short: "reason"), Field("evidence.second_status", .number, short: "second_status"),
        Field("evidence.second_fields", short: "second_fields"), Field("evidence.start_line", short: "start_line"),
        Field("evidence.sample", short: "sample"),
    ]
}
