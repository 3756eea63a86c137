import Detector

/// One series of `sendonce_incidents_total`.
struct IncidentSeries: Hashable {
    var kind: Kind
    var certainty: Certainty
    var route: String
    var upstream: String

    var labels: [String] { [kind.rawValue, certainty.rawValue, route, upstream] }
}
