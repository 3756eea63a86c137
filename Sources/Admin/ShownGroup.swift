import Detector
import Report

/// Incidents that show the same bug, as the page shows them.
struct ShownGroup {
    var name: String
    /// The path without what varies.
    var template: String
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
    static func groups(of recorded: [RecordedIncident]) -> [ShownGroup] {
        var groups: [ShownGroup] = []
        var places: [String: Int] = [:]
        for one in recorded {
            let place = places[one.group] ?? groups.count
            if place == groups.count {
                places[one.group] = place
                groups.append(ShownGroup(name: one.group, template: one.template))
            }
            groups[place].add(one.incident)
        }
        return groups.sorted { ($0.incidents.last?.id ?? "") > ($1.incidents.last?.id ?? "") }
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
