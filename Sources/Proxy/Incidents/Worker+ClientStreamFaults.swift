import Detector
import Exchanges
import HTTP2
import Report
import Wire

/// Frames of HTTP/2 clients that break the protocol's rules: refused as ever, and recorded with the client as their origin.
///
/// What a client sends before it can know that its stream was reset, or its request refused, is no fault of its. Nor is a reset of its own.
extension Worker {
    /// An exchange of a client's stream is over: frames that still come on it have a name.
    mutating func rememberRequest(_ number: Int32, _ record: RequestRecord) {
        let c = clients[exchanges[number].pointee.client]
        guard c.pointee.isStream, !record.isEmpty else { return }
        let multiplex = multiplexes[clients[c.pointee.parent].pointee.multiplex]
        multiplex.recent.add(stream: c.pointee.stream, record, exchanges[number].pointee)
    }

    /// Tells of a frame that the client's own earlier frames forbid. Its stream has been reset for it, or was over already.
    mutating func clientStreamBroken(_ slot: Int32, _ step: HTTP2Step, _ what: HTTP2Violation) {
        counters.countRejected(what == .windowMisused ? .malformedFrames : .malformedRequest)
        tellClientStreamFault(slot, step, what)
    }

    private mutating func tellClientStreamFault(_ slot: Int32, _ step: HTTP2Step, _ what: HTTP2Violation) {
        let (kind, phase) = violation(what)
        let number = step.tag >= 0 ? clients[step.tag].pointee.exchange : -1
        var incident: Incident
        var subject = "a request"
        if number >= 0 {
            let e = exchanges[number]
            let guilty = FinishedExchange(request: e.pointee.request, answer: e.pointee.answer, ordinal: e.pointee.ordinal)
            incident = clientIncident(kind, in: phase, guilty, server: e.pointee.server, connection: e.pointee.connection)
            // The client has reset nothing, and gets no more of its answer.
            incident.clientImpact = .aborted
            note(incident.id, of: number)
            subject = naming(guilty.request)
        } else if let recent = multiplexes[clients[slot].pointee.multiplex].recent.find(step.stream) {
            incident = clientIncident(
                kind, in: phase, recent.exchange, server: recent.server, connection: recent.connection)
            subject = naming(recent.exchange.request)
        } else {
            incident = clientIncident(kind, in: phase)
            incident.client = Incident.Client(address: clients[slot].pointee.address.text, protocolName: HTTPVersion.http2.name)
        }
        incident.protocolName = HTTPVersion.http2.name
        incident.evidence.connectionOffset = step.offset
        if kind != .malformedMessage { incident.evidence.surplusBytes = UInt64(step.surplusBytes) }
        if step.hasBlock, kind != .malformedMessage { incident.evidence.secondFields = requestFieldNames() }
        let address = incident.client?.address ?? clients[slot].pointee.address.text
        incident.message = "client \(address) \(describe(what, step)) \(subject)"
        record(incident)
    }

    /// Tells of a request that was reset because of what its header block says. `requestBlock` holds what has been read of it.
    mutating func tellRefusedStream(_ slot: Int32, _ step: HTTP2Step) {
        let repeated = requestBlock.repeatedPseudo.names
        let isUnusable = !requestBlock.facts.isDisjoint(
            with: [.contentLengthDiffers, .contentLengthInvalid, .contentLengthRepeated])
        var incident = clientIncident(
            !repeated.isEmpty ? .duplicateField : isUnusable ? unusableLength : .malformedMessage, in: .inHead)
        let address = clients[slot].pointee.address.text
        incident.protocolName = HTTPVersion.http2.name
        incident.client = Incident.Client(address: address, protocolName: HTTPVersion.http2.name)
        incident.clientImpact = .aborted
        incident.evidence.connectionOffset = step.offset
        var what = "that is not HTTP"
        if incident.kind != .malformedMessage {
            incident.evidence.fields = !repeated.isEmpty ? repeated : ["content-length"]
            incident.request = Incident.Request(
                id: newRequestID(), method: String(decoding: requestBlock.bytes(requestBlock.methodText), as: UTF8.self),
                path: String(decoding: requestBlock.bytes(requestBlock.target), as: UTF8.self))
            what = "whose \(incident.evidence.fields!.joined(separator: ", ")) "
            what += incident.kind == .duplicateField ? "stands more than once" : "is not one number"
        }
        incident.message = "client \(address) sent a request \(what), on stream \(step.stream), which was reset"
        record(incident)
    }

    /// Tells of a connection that could not be gone on with. What is only too much is counted.
    mutating func tellClientFramesFailed(_ slot: Int32, _ step: HTTP2Step, _ failure: HTTP2Failure) {
        guard RejectReason(failure) == .malformedFrames else { return }
        if let cause = step.cause { return tellClientStreamFault(slot, step, cause) }
        var incident = clientIncident(.malformedMessage, in: .inHead)
        let address = clients[slot].pointee.address.text
        incident.protocolName = HTTPVersion.http2.name
        incident.client = Incident.Client(address: address, protocolName: HTTPVersion.http2.name)
        incident.clientImpact = multiplexes[clients[slot].pointee.multiplex].streamCount > 0 ? .aborted : .none
        incident.message = "client \(address) sent bytes that are not HTTP/2 (\(failure.name)): its connection was ended"
        record(incident)
    }

    /// What a violation by a client's frames is, and where it stood.
    private func violation(_ what: HTTP2Violation) -> (Kind, Phase) {
        switch what {
        case .dataAfterEnd, .headAfterEnd, .trailersAfterEnd, .interimAfterEnd, .lengthExceeded: (.bodyAfterEnd, .afterEnd)
        case .trailersWithoutEnd: (.headerBlockInBody, .inBody)
        case .malformedTrailers where requestBlock.facts.contains(.pseudoInTrailers): (.headerBlockInBody, .inBody)
        default: (.malformedMessage, .inBody)
        }
    }

    private func describe(_ what: HTTP2Violation, _ step: HTTP2Step) -> String {
        let bytes = "\(step.surplusBytes) \(step.surplusBytes == 1 ? "byte" : "bytes")"
        return switch what {
        case .dataAfterEnd: "sent DATA of \(bytes) behind the end of"
        case .lengthExceeded: "sent \(bytes) past the Content-Length of"
        case .lengthShort: "ended the body before the Content-Length of"
        case .trailersWithoutEnd: "sent a second header block in the body of"
        case .malformedTrailers: "sent trailers that are none in"
        case .windowMisused: "broke the rules of flow control in"
        default: "sent a header block behind the end of"
        }
    }

    private func requestFieldNames() -> [String] {
        (0..<requestBlock.count).map {
            String(decoding: requestBlock.nameBytes(requestBlock.fields[$0]), as: UTF8.self)
        }
    }

    /// An incident of a client's whose request is known; also its route and server, when it had been sent to one.
    private func clientIncident(
        _ kind: Kind, in phase: Phase, _ guilty: FinishedExchange, server: Int32, connection: UInt64
    ) -> Incident {
        var incident: Incident
        if server >= 0 {
            incident = incidentSkeleton(Verdict(kind, in: phase), server: Int(server), connection: connection, guilty)
            incident.origin = .client
            incident.action = .contain
        } else {
            incident = clientIncident(kind, in: phase)
            incident.request = incidentRequest(guilty.request)
            incident.client = Incident.Client(
                address: guilty.request.client.text, protocolName: guilty.request.clientVersion.name)
        }
        return incident
    }
}
