import JSON
import Report

/// An incident with what its record says of it: the group that it belongs to, and its path without what varies.
struct RecordedIncident {
    let incident: Incident
    let group: String
    let template: String

    init(_ incident: Incident, record: [UInt8]) {
        self.incident = incident
        let json = try? JSON.parse(record)
        template = json?["request"]?["template"]?.string ?? Self.template(of: incident)
        group = json?["group"]?.string ?? Self.group(of: incident, template)
    }

    /// Of a record that names none: the page's scripts make the same of it.
    private static func group(of incident: Incident, _ template: String) -> String {
        let status = incident.evidence.secondStatus.map(String.init) ?? ""
        return [incident.kind.rawValue, incident.route, incident.request?.method ?? "", template, status].joined(separator: "~")
    }

    /// The path without its query and without what is a number.
    private static func template(of incident: Incident) -> String {
        guard let request = incident.request else { return "" }
        let path = request.path.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false).first ?? ""
        return path.split(separator: "/", omittingEmptySubsequences: false).map { part in
            let number = part.prefix { $0.isASCII && $0.isNumber }
            let rest = part[number.endIndex...]
            return !number.isEmpty && (rest.isEmpty || rest.first == ".") ? "{id}" + rest : String(part)
        }.joined(separator: "/")
    }
}
