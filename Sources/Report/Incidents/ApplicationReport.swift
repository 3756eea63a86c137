import Detector

/// One line of the probe: a second send as it looked inside the application, or the correction of an earlier line.
public struct ApplicationReport: Sendable {
    /// The report's own id; a correction has the id of what it corrects.
    public var id: String
    /// Nil in a correction.
    public var application: ApplicationSend?
    public var correctedOutcome: String?
    public var timeNanoseconds: UInt64 = 0
    public var certainty = Certainty.proven
    /// Whether it was this request that was answered again: open where others had been answered on its connection.
    public var attribution = Attribution.Confidence.certain
    public var clientImpact = ClientImpact.none
    public var message = ""
    public var protocolName = "http/1.1"
    public var request: Incident.Request?
    public var status: Int?
    public var secondStatus: Int?
    public var isAfterEnd = true
    /// The `SendOnce-Id` of its request.
    public var mark: ExchangeMark?
    /// Whom the proxy was asked by, as soon as it is known: the probe sees the proxy alone.
    var client: Incident.Client?

    public init(id: String) { self.id = id }

    var requestID: String? { request.flatMap { $0.id.isEmpty ? nil : $0.id } }

    /// The incident of a send that never reached the wire.
    func incident(route: String) -> Incident {
        var evidence = Incident.Evidence(phase: isAfterEnd ? .afterEnd : .inBody)
        evidence.delayMilliseconds = application?.betweenMilliseconds
        evidence.secondStatus = secondStatus
        evidence.secondFields = application?.field.map { [$0] }
        var incident = Incident(
            timeNanoseconds: timeNanoseconds, id: IncidentID.shared.next(timeNanoseconds: timeNanoseconds), severity: .warning,
            kind: .applicationDoubleSend, certainty: certainty, origin: .application, action: .observe,
            clientImpact: clientImpact, message: message, route: route, protocolName: protocolName, evidence: evidence)
        incident.client = client
        incident.request = request
        if request != nil { incident.attribution = attribution }
        if let status { incident.response = Incident.Response(status: status) }
        incident.application = application
        return incident
    }
}
