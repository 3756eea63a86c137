import Detector
import HTTP1
import Report
import Wire

/// Requests that break HTTP's own rules: refused as ever, and recorded with the client as their origin.
///
/// What is only larger, newer or other than we serve is no violation: it is counted among the rejected.
extension Worker {
    /// Tells of a request that was refused before a route could be found for it. `requestBlock` holds what has been read of it.
    /// Returns the incident's id, nil when there is none.
    mutating func tellClientFault(_ slot: Int32, _ fault: RequestFault, status: Int, id: String) -> String? {
        guard let (kind, fields) = violation(fault) else { return nil }
        let c = clients[slot]
        var incident = clientIncident(kind, in: .inHead)
        incident.protocolName = c.pointee.isStream ? HTTPVersion.http2.name : HTTPVersion.http11.name
        incident.client = Incident.Client(address: c.pointee.address.text, protocolName: incident.protocolName)
        incident.evidence.fields = fields
        if kind != .malformedMessage {
            let target = requestBlock.bytes(requestBlock.target)
            incident.request = Incident.Request(
                id: id, method: String(decoding: requestBlock.bytes(requestBlock.methodText), as: UTF8.self),
                path: String(decoding: target, as: UTF8.self))
        }
        let what: String
        if case .malformed(let malformation) = fault { what = malformation.text } else { what = fault.text }
        incident.message =
            "client \(c.pointee.address.text) sent a request with a fault (\(what)), and was answered with \(status)"
        record(incident)
        return incident.id
    }

    /// Tells of a request's body that is not framed as its header block had announced.
    mutating func tellClientBodyFault(_ client: Int32) {
        let number = clients[client].pointee.exchange
        guard number >= 0 else { return }
        let e = exchanges[number]
        let route = plan.routes[Int(e.pointee.request.route)]
        var incident = clientIncident(.malformedMessage, in: .inBody)
        if e.pointee.upstream >= 0 {
            let u = upstreams[e.pointee.upstream]
            let guilty = FinishedExchange(request: e.pointee.request, answer: e.pointee.answer, ordinal: u.pointee.ordinal)
            let verdict = Verdict(.malformedMessage, in: .inBody)
            incident = incidentSkeleton(verdict, server: Int(u.pointee.server), connection: u.pointee.number, guilty)
            incident.origin = .client
            incident.action = .contain
        }
        incident.protocolName = e.pointee.request.clientVersion.name
        incident.client = Incident.Client(
            address: e.pointee.request.client.text, protocolName: e.pointee.request.clientVersion.name)
        incident.request = incidentRequest(e.pointee.request)
        incident.clientImpact = e.pointee.answered ? .aborted : .none
        note(incident.id, of: number)
        incident.message =
            "client \(e.pointee.request.client.text) sent a body that is not framed as announced, "
            + "\(e.pointee.requestBytes) bytes into its request \(naming(e.pointee.request)) of route \(route.name)"
        record(incident)
    }

    /// What a fault violates, and the fields that it is about; nil when the request is merely not served.
    private func violation(_ fault: RequestFault) -> (Kind, [String]?)? {
        switch fault {
        case .malformed(.headerTooLarge), .malformed(.tooManyFields), .malformed(.version), .missingHost: return nil
        case .malformed: return (.malformedMessage, nil)
        case .repeatedHost: return (.duplicateField, ["host"])
        case .lengthAndChunked: return (.conflictingFraming, ["content-length", "transfer-encoding"])
        case .lengthUnusable: return (unusableLength, ["content-length"])
        case .transferEncodingUnusable:
            let facts = requestBlock.facts
            // A coding that we do not know is no fault, as long as it leaves no doubt where the body ends.
            let isAmbiguous = !facts.contains(.chunked) || facts.contains(.chunkedRepeated)
            return isAmbiguous ? (.conflictingFraming, ["transfer-encoding"]) : nil
        case .transferEncodingInHTTP10: return (.conflictingFraming, ["transfer-encoding"])
        }
    }

    /// What Content-Lengths violate that are not one number, said once.
    var unusableLength: Kind {
        let isRepeated = requestBlock.facts.isDisjoint(with: [.contentLengthDiffers, .contentLengthInvalid])
        return isRepeated ? .duplicateField : .conflictingFraming
    }

    func clientIncident(_ kind: Kind, in phase: Phase) -> Incident {
        let time = kernel.wallClock()
        return Incident(
            timeNanoseconds: time, id: IncidentID.shared.next(timeNanoseconds: time), severity: kind.severity, kind: kind,
            certainty: .proven, origin: .client, action: .contain, clientImpact: .none, message: "", route: MetricsSchema.none,
            protocolName: HTTPVersion.http11.name, evidence: Incident.Evidence(phase: phase))
    }
}
