import Detector
import HTTP1
import Report

/// A client's incident before it is recorded: what comes after a request on its stream, with the same read, counts.
final class ClientIncident {
    private var finding: ClientFinding
    private let client: Incident.Client
    private let id: String
    private let timeNanoseconds: UInt64
    /// The upstream that its request had been sent to, if any.
    private let place: IncidentPlace?
    /// Its exchange, when a route had been found for it.
    private let party: IncidentParty?
    /// The request, where only that is known.
    private let request: Incident.Request?
    /// What is collected after the request's end, and on which stream.
    typealias Collected = (stream: Int32, collection: Surplus)
    private var surplus: Collected?

    init(
        _ finding: ClientFinding, by client: Incident.Client, id: String, timeNanoseconds: UInt64, place: IncidentPlace? = nil,
        party: IncidentParty? = nil, request: Incident.Request? = nil, surplus: Collected? = nil
    ) {
        self.finding = finding
        self.client = client
        self.id = id
        self.timeNanoseconds = timeNanoseconds
        self.place = place
        self.party = party
        self.request = request
        self.surplus = surplus
    }

    /// More of it may come.
    var isOpen: Bool { surplus != nil }

    /// More has come on a stream: bytes in all, and the payload among them.
    func add(_ total: Int, on stream: Int32, payload: UnsafePointer<UInt8>, _ count: Int) {
        guard surplus?.stream == stream else { return }
        surplus?.collection.count(UInt64(total))
        surplus?.collection.keep(payload, count)
    }

    /// What has come of it by now.
    var record: Incident {
        if let surplus { finding.settle(surplus.collection, by: SurplusReader.self) }
        return IncidentWriter.incident(
            finding, by: client, id: id, timeNanoseconds: timeNanoseconds, place: place, party: party, request: request)
    }
}
