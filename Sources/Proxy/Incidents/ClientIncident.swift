import Report

/// A client's incident before it is told: by bytes behind a request on a stream more may come with the same read, and count.
final class ClientIncident {
    var finding: ClientFinding
    private let client: Incident.Client
    private let id: String
    private let timeNanoseconds: UInt64
    /// The upstream that its request had been sent to, if any.
    private let place: IncidentPlace?
    /// Its exchange, when a route had been found for it.
    private let party: IncidentParty?
    /// The request, where only that is known.
    private let request: Incident.Request?

    init(
        _ finding: ClientFinding, by client: Incident.Client, id: String, timeNanoseconds: UInt64, place: IncidentPlace? = nil,
        party: IncidentParty? = nil, request: Incident.Request? = nil
    ) {
        self.finding = finding
        self.client = client
        self.id = id
        self.timeNanoseconds = timeNanoseconds
        self.place = place
        self.party = party
        self.request = request
    }

    var record: Incident {
        IncidentWriter.incident(
            finding, by: client, id: id, timeNanoseconds: timeNanoseconds, place: place, party: party, request: request)
    }
}
