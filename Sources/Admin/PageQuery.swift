import Detector
import Report

/// What the page's address asks to see: the same names as its scripts read.
struct PageQuery {
    static let fields = ["kind", "certainty", "impact", "route", "upstream"]

    /// Wanted values of each field; none wants all.
    private(set) var wanted: [String: [String]] = [:]
    private(set) var text: String
    private(set) var group: String?

    init(_ request: AdminRequest) {
        for field in Self.fields { wanted[field] = request.values(of: field).filter { !$0.isEmpty } }
        text = request.values(of: "q").last ?? ""
        group = request.values(of: "group").last.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The address without the group, then with another.
    func pairs(group: String?) -> [(String, String)] {
        var pairs = Self.fields.flatMap { field in (wanted[field] ?? []).map { (field, $0) } }
        if !text.isEmpty { pairs.append(("q", text)) }
        if let group { pairs.append(("group", group)) }
        return pairs
    }

    func admits(_ incident: Incident) -> Bool {
        for field in Self.fields {
            let values = wanted[field] ?? []
            guard values.isEmpty || values.contains(Self.value(of: field, incident)) else { return false }
        }
        guard !text.isEmpty else { return true }
        let haystack = [
            incident.id, incident.kind.rawValue, incident.message, incident.route,
            // What redaction keeps from the reader cannot be searched for either.
            incident.request.map { QueryRedaction.redacted($0.path) }, incident.request?.id,
            incident.request?.host, incident.upstream?.address, incident.client?.address,
        ].compactMap(\.self).joined(separator: "\n").lowercased()
        return text.lowercased().split(separator: " ").allSatisfy { haystack.contains($0) }
    }

    static func value(of field: String, _ incident: Incident) -> String {
        switch field {
        case "kind": incident.kind.rawValue
        case "certainty": incident.certainty.rawValue
        case "impact": incident.clientImpact.rawValue
        case "route": incident.route
        default: incident.upstream?.name ?? MetricsSchema.none
        }
    }
}
