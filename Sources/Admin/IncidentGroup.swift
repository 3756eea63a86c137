import Detector
import Report

/// Incidents that show the same bug: of one kind, route, method and path, with the same second status.
struct IncidentGroup {
    var name: String
    /// The oldest first.
    var incidents: [Incident] = []
    /// With those that the log's limit held back.
    var count: UInt64 = 0
    var isProven = false
    var worstImpact = ClientImpact.none

    /// As the page's style names it.
    var tone: String {
        if incidents.allSatisfy({ $0.severity == .info }) { return "info" }
        return isProven ? "proven" : "suspected"
    }

    private mutating func add(_ incident: Incident) {
        incidents.append(incident)
        count += 1 + incident.suppressed
        isProven = isProven || incident.certainty == .proven
        if incident.clientImpact.gravity > worstImpact.gravity { worstImpact = incident.clientImpact }
    }

    /// The group that was seen last comes first.
    static func groups(of incidents: [Incident]) -> [IncidentGroup] {
        var groups: [IncidentGroup] = []
        var places: [String: Int] = [:]
        for incident in incidents {
            let name = Self.name(of: incident)
            let place = places[name] ?? groups.count
            if place == groups.count {
                places[name] = place
                groups.append(IncidentGroup(name: name))
            }
            groups[place].add(incident)
        }
        return groups.sorted { ($0.incidents.last?.id ?? "") > ($1.incidents.last?.id ?? "") }
    }

    static func name(of incident: Incident) -> String {
        let status = incident.evidence.secondStatus.map(String.init) ?? ""
        return [incident.kind.rawValue, incident.route, incident.request?.method ?? "", template(of: incident), status]
            .joined(separator: "~")
    }

    /// The request's path without its query and without what is a number.
    static func template(of incident: Incident) -> String {
        guard let request = incident.request else { return "" }
        let path = request.path.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false).first ?? ""
        return path.split(separator: "/", omittingEmptySubsequences: false).map { part in
            let number = part.prefix { $0.isASCII && $0.isNumber }
            let rest = part[number.endIndex...]
            return !number.isEmpty && (rest.isEmpty || rest.first == ".") ? "{id}" + rest : String(part)
        }.joined(separator: "/")
    }
}

extension ClientImpact {
    var gravity: Int {
        switch self {
        case .none: 0
        case .badGateway: 1
        case .aborted: 2
        case .misdelivered: 3
        }
    }

    /// In a few words.
    var words: String {
        switch self {
        case .none: "client unharmed"
        case .badGateway: "client got 502"
        case .aborted: "client cut off"
        case .misdelivered: "wrong client"
        }
    }
}
