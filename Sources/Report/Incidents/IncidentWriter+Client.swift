import Detector

extension IncidentWriter {
    /// A client's incident.
    ///
    /// - Parameters:
    ///   - place: the upstream that its request had been sent to, if any.
    ///   - party: its exchange, when a route had been found for it.
    ///   - request: the request, where only that is known.
    public static func incident(
        _ finding: ClientFinding, by client: Incident.Client, id: String, timeNanoseconds: UInt64, place: IncidentPlace? = nil,
        party: IncidentParty? = nil, request: Incident.Request? = nil
    ) -> Incident {
        var evidence = Incident.Evidence(phase: finding.phase)
        evidence.fields = finding.fields
        evidence.secondFields = finding.secondFields
        evidence.connectionOffset = finding.connectionOffset
        evidence.surplusBytes = finding.surplusBytes
        evidence.reason = finding.reason
        var incident = Incident(
            timeNanoseconds: timeNanoseconds, id: id, severity: finding.severity ?? finding.kind.severity, kind: finding.kind,
            certainty: .proven, origin: .client, action: .contain, clientImpact: finding.clientImpact, message: "",
            route: place == nil ? MetricsSchema.none : party?.route ?? MetricsSchema.none, protocolName: finding.protocolName,
            evidence: evidence)
        incident.client = client
        incident.request = party?.request ?? request
        if let place {
            incident.upstream = Incident.Upstream(
                name: place.upstream, address: place.address, connection: place.connection, exchange: party?.ordinal ?? 0)
            incident.response = party.flatMap { response($0.answer) }
        }
        let name = party?.name ?? "a request"
        incident.message = "client \(client.address) \(sentence(finding, name, party?.route))"
        return incident
    }

    private static func sentence(_ finding: ClientFinding, _ name: String, _ route: String?) -> String {
        switch finding.deed {
        case .refusedRequest(let what, let status): "sent a request with a fault (\(what)), and was answered with \(status)"
        case .resetRequest(let what, let stream): "sent a request \(what), on stream \(stream), which was reset"
        case .brokenBody(let bytes):
            "sent a body that is not framed as announced, \(bytes) bytes into its request \(name) of route \(route ?? "")"
        case .brokenConnection(let what): "sent bytes that are not HTTP/2 (\(what)): its connection was ended"
        case .frame(let frame): sentence(frame, finding.surplusBytes ?? 0) + " \(name)"
        }
    }

    private static func sentence(_ frame: ClientFinding.Frame, _ surplus: UInt64) -> String {
        let bytes = "\(surplus) \(surplus == 1 ? "byte" : "bytes")"
        return switch frame {
        case .dataAfterEnd: "sent DATA of \(bytes) after the end of"
        case .lengthExceeded: "sent \(bytes) past the Content-Length of"
        case .lengthShort: "ended the body before the Content-Length of"
        case .secondHead: "sent a second header block in the body of"
        case .brokenTrailers, .pseudoInTrailers: "sent trailers that are none in"
        case .windowMisused: "broke the rules of flow control in"
        case .headAfterEnd, .outOfPlace: "sent a header block after the end of"
        }
    }
}
