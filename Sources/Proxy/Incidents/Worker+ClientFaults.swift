import Detector
import Exchanges
import HTTP1
import HTTP2
import Report
import Wire

/// Requests that break HTTP's own rules, as bytes or as frames: refused as ever, and recorded with the client as their origin.
///
/// What is only larger, newer or other than we serve is no violation: it is counted among the rejected. Nor is what a client sends
/// before it can know that its stream was reset, or its request refused; nor a reset of its own.
extension Worker {
    // MARK: Before a route is known

    /// Tells of a request that was refused before a route could be found for it. `requestBlock` holds what has been read of it.
    /// Returns the incident's id, nil when there is none.
    mutating func tellClientFault(_ slot: Int32, _ fault: RequestFault, status: Int, id: String) -> String? {
        guard let (kind, fields) = violation(fault) else { return nil }
        let protocolName = clients[slot].pointee.isStream ? HTTPVersion.http2.name : HTTPVersion.http11.name
        let what: String
        if case .malformed(let malformation) = fault { what = malformation.text } else { what = fault.text }
        var finding = ClientFinding(kind, in: .inHead, .refusedRequest(what, status: status), protocolName: protocolName)
        finding.fields = fields
        finding.reason = what
        return tell(finding, slot, request: kind == .malformedMessage ? nil : namedRequest(id))
    }

    /// Tells of a request that was reset because of what its header block says. `requestBlock` holds what has been read of it.
    mutating func tellRefusedStream(_ slot: Int32, _ step: HTTP2Step) {
        let repeated = requestBlock.repeatedPseudo.names
        let isUnusable = !requestBlock.facts.isDisjoint(
            with: [.contentLengthDiffers, .contentLengthInvalid, .contentLengthRepeated])
        let kind: Kind = !repeated.isEmpty ? .duplicateField : isUnusable ? unusableLength : .malformedMessage
        var what = "that is not HTTP"
        var fields: [String]?
        if kind != .malformedMessage {
            fields = !repeated.isEmpty ? repeated : ["content-length"]
            what = "whose \(fields!.joined(separator: ", ")) "
            what += kind == .duplicateField ? "stands more than once" : "is not one number"
        } else if let fault = requestBlock.fault {
            what = "with a field that HTTP/2 does not allow (\(requestBlock.faultName): \(fault.text))"
        }
        var finding = ClientFinding(
            kind, in: .inHead, .resetRequest(what, stream: step.stream), protocolName: HTTPVersion.http2.name)
        finding.fields = fields
        finding.connectionOffset = step.offset
        finding.clientImpact = .aborted
        finding.reason = "a request \(what)"
        tell(finding, slot, request: kind == .malformedMessage ? nil : namedRequest(newRequestID()))
    }

    /// Tells of a connection that could not be gone on with. What is only too much is counted.
    mutating func tellClientFramesFailed(_ slot: Int32, _ step: HTTP2Step, _ failure: HTTP2Failure) {
        guard RejectReason(failure) == .malformedFrames else { return }
        if let cause = step.cause { return tellClientStreamFault(slot, step, cause) }
        var finding = ClientFinding(
            .malformedMessage, in: .inHead, .brokenConnection("\(failure.name)"), protocolName: HTTPVersion.http2.name)
        finding.clientImpact = multiplexing[clients[slot].pointee.multiplex].streamCount > 0 ? .aborted : .none
        finding.reason = "HTTP/2 \(failure.name)"
        tell(finding, slot, request: nil)
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
    private var unusableLength: Kind {
        let isRepeated = requestBlock.facts.isDisjoint(with: [.contentLengthDiffers, .contentLengthInvalid])
        return isRepeated ? .duplicateField : .conflictingFraming
    }

    // MARK: Of an exchange

    /// An exchange of a client's stream is over: frames that still come on it have a name.
    mutating func rememberRequest(_ number: Int32, _ record: RequestRecord) {
        let c = clients[exchanges[number].pointee.client]
        guard c.pointee.isStream, !record.isEmpty else { return }
        let multiplex = multiplexing[clients[c.pointee.parent].pointee.multiplex]
        multiplex.recent.add(stream: c.pointee.stream, record, exchanges[number].pointee)
    }

    /// Tells of a request's body that is not framed as its header block had announced.
    mutating func tellClientBodyFault(_ client: Int32) {
        let number = clients[client].pointee.exchange
        guard number >= 0 else { return }
        let e = exchanges[number]
        var finding = ClientFinding(
            .malformedMessage, in: .inBody, .brokenBody(bytes: e.pointee.requestBytes),
            protocolName: e.pointee.request.clientVersion.name)
        finding.clientImpact = e.pointee.state.answered ? .aborted : .none
        finding.reason = "a body that is not framed as announced"
        tell(finding, client, of: number)
    }

    /// Tells of a frame that the client's own earlier frames forbid. Its stream has been reset for it, or was over already.
    /// Its surplus, as far as it has come, stands at `bytes`.
    mutating func clientStreamBroken(
        _ slot: Int32, _ step: HTTP2Step, _ what: HTTP2Violation, _ bytes: UnsafePointer<UInt8>
    ) {
        counters.countRejected(what == .windowMisused ? .malformedFrames : .malformedRequest)
        tellClientStreamFault(slot, step, what, bytes)
    }

    private mutating func tellClientStreamFault(
        _ slot: Int32, _ step: HTTP2Step, _ what: HTTP2Violation, _ bytes: UnsafePointer<UInt8>? = nil
    ) {
        let (kind, phase, frame) = violation(what)
        var finding = ClientFinding(kind, in: phase, .frame(frame), protocolName: HTTPVersion.http2.name)
        finding.connectionOffset = step.offset
        if kind != .malformedMessage { finding.surplusBytes = UInt64(step.surplusBytes) }
        // An empty line behind a request is a habit of old clients (RFC 9112 section 2.2), and does no harm.
        if let bytes, kind == .bodyAfterEnd, step.bodyCount > 0, step.bodyCount == step.surplusBytes {
            if isOnlyLineEnds(bytes, step.bodyCount) { finding.severity = .info }
        }
        if kind == .bodyAfterEnd { finding.stream = step.stream }
        if step.hasBlock, kind != .malformedMessage { finding.secondFields = requestFieldNames() }
        let number = step.tag >= 0 ? clients[step.tag].pointee.exchange : -1
        if number >= 0 {
            // The client has reset nothing, and gets no more of its answer.
            finding.clientImpact = .aborted
            tell(finding, slot, of: number)
        } else if let recent = multiplexing[clients[slot].pointee.multiplex].recent.find(step.stream) {
            tell(finding, slot, recent.exchange, server: recent.server, connection: recent.connection, id: newIncidentID())
        } else {
            tell(finding, slot, request: nil)
        }
    }

    /// What a violation by a client's frames is, and where it stood.
    private func violation(_ what: HTTP2Violation) -> (Kind, Phase, ClientFinding.Frame) {
        switch what {
        case .dataAfterEnd: (.bodyAfterEnd, .afterEnd, .dataAfterEnd)
        case .headAfterEnd, .trailersAfterEnd, .interimAfterEnd: (.bodyAfterEnd, .afterEnd, .headAfterEnd)
        case .lengthExceeded: (.bodyAfterEnd, .afterEnd, .lengthExceeded)
        case .trailersWithoutEnd: (.headerBlockInBody, .inBody, .secondHead)
        case .malformedTrailers where requestBlock.facts.contains(.pseudoInTrailers):
            (.headerBlockInBody, .inBody, .brokenTrailers)
        case .malformedTrailers: (.malformedMessage, .inBody, .brokenTrailers)
        case .lengthShort: (.malformedMessage, .inBody, .lengthShort)
        case .windowMisused: (.malformedMessage, .inBody, .windowMisused)
        default: (.malformedMessage, .inBody, .headAfterEnd)
        }
    }

    private func requestFieldNames() -> [String] {
        (0..<requestBlock.count).map {
            String(decoding: requestBlock.nameBytes(requestBlock.fields[$0]), as: UTF8.self)
        }
    }

    // MARK: Records

    /// A request that stands in `requestBlock`.
    private func namedRequest(_ id: String) -> Incident.Request {
        Incident.Request(
            id: id, method: String(decoding: requestBlock.bytes(requestBlock.methodText), as: UTF8.self),
            path: String(decoding: requestBlock.bytes(requestBlock.target), as: UTF8.self))
    }

    /// Of a client of whose request no more is known than `request`.
    @discardableResult
    private mutating func tell(_ finding: ClientFinding, _ slot: Int32, request: Incident.Request?) -> String {
        let client = Incident.Client(address: clients[slot].pointee.address.text, protocolName: finding.protocolName)
        let id = newIncidentID()
        conclude(ClientIncident(finding, by: client, id: id, timeNanoseconds: kernel.wallClock(), request: request), slot)
        return id
    }

    /// Of a client whose exchange is in progress.
    private mutating func tell(_ finding: ClientFinding, _ slot: Int32, of number: Int32) {
        let e = exchanges[number]
        let isSent = e.pointee.upstream >= 0
        let ordinal = isSent ? upstreams[e.pointee.upstream].pointee.ordinal : e.pointee.ordinal
        let exchange = FinishedExchange(request: e.pointee.request, answer: e.pointee.answer, ordinal: ordinal)
        let id = newIncidentID()
        note(id, of: number)
        tell(finding, slot, exchange, server: e.pointee.server, connection: e.pointee.connection, id: id)
    }

    /// Of a client whose request is known; also its route and server, when it had been sent to one.
    private mutating func tell(
        _ finding: ClientFinding, _ slot: Int32, _ exchange: FinishedExchange, server: Int32, connection: UInt64, id: String
    ) {
        let party = party(exchange)
        let client =
            party?.client ?? Incident.Client(address: clients[slot].pointee.address.text, protocolName: finding.protocolName)
        var place: IncidentPlace?
        if server >= 0 {
            place = self.place(server: Int(server), connection: connection, isHTTP2: false, seenAt: now, id: id)
        }
        let timeNanoseconds = kernel.wallClock()
        conclude(
            ClientIncident(finding, by: client, id: id, timeNanoseconds: timeNanoseconds, place: place, party: party), slot)
    }

    // MARK: Surplus on streams

    /// An incident is told at once, unless more of it may come with the frames that have been read.
    private mutating func conclude(_ incident: ClientIncident, _ slot: Int32) {
        guard incident.finding.stream != nil else { return record(incident.record) }
        tellClientSurplus(slot)
        multiplexing[clients[slot].pointee.multiplex].surplus = incident
        frameClient(slot)
    }

    /// More has come behind a request whose stream has been reset for it.
    mutating func clientSurplusGoesOn(_ slot: Int32, _ step: HTTP2Step, _ bytes: UnsafePointer<UInt8>) {
        guard let surplus = multiplexing[clients[slot].pointee.multiplex].surplus, surplus.finding.stream == step.stream else {
            return
        }
        surplus.finding.surplusBytes = (surplus.finding.surplusBytes ?? 0) + UInt64(step.surplusBytes)
        if step.bodyCount < step.surplusBytes || !isOnlyLineEnds(bytes, step.bodyCount) { surplus.finding.severity = nil }
    }

    /// The turn is over, or the connection: what there is of it is told.
    mutating func tellClientSurplus(_ slot: Int32) {
        let multiplex = multiplexing[clients[slot].pointee.multiplex]
        guard let surplus = multiplex.surplus else { return }
        multiplex.surplus = nil
        record(surplus.record)
    }
}
