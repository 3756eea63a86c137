import Detector
import Report
import Traces

extension Expectation {
    /// An incident as a trace writes it (Tests/Traces/README.md).
    init(_ incident: Incident) {
        var facts: [Fact] = []
        func add(_ name: String, _ value: String?) {
            if let value { facts.append(Fact(name: name, value: value)) }
        }
        let isMisdelivery = incident.kind == .misdeliveredResponse
        // Requests have their numbers as their ids.
        add("exchange", incident.request?.id)
        add("surplus_bytes", incident.evidence.surplusBytes.map { "\($0)" })
        add("fields", incident.evidence.fields?.joined(separator: ","))
        if incident.severity != incident.kind.severity { add("severity", incident.severity.rawValue) }
        if isMisdelivery || incident.kind == .secondResponse { add("victim", incident.victim?.id) }
        if isMisdelivery {
            add("proof", incident.evidence.proof?.rawValue)
        }
        self.init(kind: incident.kind.rawValue, certainty: incident.certainty.rawValue, facts: facts)
    }
}
