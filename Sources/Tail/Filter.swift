import Configuration
import Detector
import Records

/// Which records are shown: what the flags ask for, all of it together.
public struct Filter: Sendable {
    public var kinds: Set<String> = []
    public var certainty: String?
    public var routes: Set<String> = []
    public var upstreams: Set<String> = []
    public var impact: String?
    public var since: Instant?
    public var until: Instant?
    public var expression: Expression?

    public init() {}

    /// Whether any record may be left out for what it says; its time aside.
    var selects: Bool {
        !kinds.isEmpty || certainty != nil || !routes.isEmpty || !upstreams.isEmpty || impact != nil || expression != nil
    }

    public func admits(_ record: Record) -> Bool {
        if let since, record.instant < since { return false }
        if let until, record.instant > until { return false }
        return (kinds.isEmpty || kinds.contains(record.kind))
            && (certainty == nil || record.text("certainty") == certainty)
            && (routes.isEmpty || record.text("route").map(routes.contains) ?? false)
            && (upstreams.isEmpty || record.text("upstream.name").map(upstreams.contains) ?? false)
            && (impact == nil || record.text("client_impact") == impact)
            && expression?.admits(record) ?? true
    }

    /// A word of a closed set, as a flag takes it: dashes and capitals do not matter. Throws what is wrong with it.
    public static func word(_ text: String, of field: String, flag: String) throws(UsageFault) -> String {
        guard case .word(let words)? = Field.named(field)?.form else { return text }
        let normal = String(text.lowercased().map { $0 == "-" ? "_" : $0 })
        if words.contains(normal) { return normal }
        let hint = Spelling.hint(for: text, among: words)
        throw UsageFault(
            "\(flag): '\(Printable.text(text))' is no \(field)\(hint.isEmpty ? ": one of \(words.joined(separator: ", "))" : hint)"
        )
    }
}
