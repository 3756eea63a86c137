import Detector
import Facts
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

    /// Records a request that was refused before a route could be found for it. `requestBlock` holds what has been read of it.
    /// Returns the incident's id, nil when there is none.
    mutating func recordClientFault(_ slot: ClientSlot, _ fault: RequestFault, status: Int, id: String) -> String? {
        guard let flaw = RequestFlaw(fault, requestBlock.facts) else { return nil }
        let protocolName = clients[slot].pointee.isStream ? HTTPVersion.http2.name : HTTPVersion.http11.name
        let what: String
        if case .malformed(let malformation) = fault { what = malformation.text } else { what = fault.text }
        let finding = ClientFinding.refused(flaw, what, status: status, protocolName: protocolName)
        return record(finding, slot, request: flaw == .malformed ? nil : namedRequest(id))
    }

    /// Records a request that was reset because of what its header block says. `requestBlock` holds what has been read of it.
    mutating func recordRefusedStream(_ slot: ClientSlot, _ step: HTTP2Step) {
        let flaw = RequestFlaw.ofFrames(repeated: requestBlock.repeatedPseudo, requestBlock.facts)
        let detail = requestBlock.fault.map {
            "with a field that HTTP/2 does not allow (\(requestBlock.faultName): \($0.text))"
        }
        let finding = ClientFinding.reset(
            flaw, detail: detail, stream: step.stream, offset: step.offset, protocolName: HTTPVersion.http2.name)
        record(finding, slot, request: flaw == .malformed ? nil : namedRequest(newRequestID()))
    }

    /// Records a connection that could not be gone on with. What is only too much is counted.
    mutating func recordClientFramesFailed(_ slot: ClientSlot, _ step: HTTP2Step, _ failure: HTTP2Failure) {
        guard RejectReason(failure) == .malformedFrames else { return }
        if let cause = step.cause { return recordClientStreamFault(slot, step, cause) }
        let finding = ClientFinding.brokenConnection(
            "\(failure.name)", reason: "HTTP/2 \(failure.name)",
            cuts: multiplexing[clients[slot].pointee.sharedIndex].streamCount > 0, protocolName: HTTPVersion.http2.name)
        record(finding, slot, request: nil)
    }

    // MARK: Of an exchange

    /// Records a request's body that is not framed as its header block had announced.
    mutating func recordClientBodyFault(_ client: ClientSlot) {
        let exchange = clients[client].pointee.exchange
        guard exchange.exists else { return }
        let e = exchanges[exchange]
        let finding = ClientFinding.brokenBody(
            bytes: e.pointee.requestBytes, cuts: e.pointee.state.answered, protocolName: e.pointee.request.clientVersion.name)
        record(finding, client, of: exchange)
    }

    /// Records a frame that the client's own earlier frames forbid. Its stream has been reset for it, or was over already.
    /// Its surplus, as far as it has come, stands at `bytes`.
    mutating func clientStreamBroken(
        _ slot: ClientSlot, _ step: HTTP2Step, _ what: HTTP2Violation, _ bytes: UnsafePointer<UInt8>
    ) {
        counters.countRejected(what == .windowMisused ? .malformedFrames : .malformedRequest)
        recordClientStreamFault(slot, step, what, bytes)
    }

    private mutating func recordClientStreamFault(
        _ slot: ClientSlot, _ step: HTTP2Step, _ what: HTTP2Violation, _ bytes: UnsafePointer<UInt8>? = nil
    ) {
        let frame = ClientFinding.Frame(what, requestBlock.facts)
        var finding = ClientFinding.frame(
            frame, offset: step.offset, surplusBytes: UInt64(step.surplusBytes),
            fields: step.hasBlock ? requestFieldNames() : nil, protocolName: HTTPVersion.http2.name)
        var surplus: ClientIncident.Collected?
        if frame.kind == .bodyAfterEnd {
            var facts = SurplusFacts(total: UInt64(step.surplusBytes))
            if step.hasBlock { facts.blockBytes = facts.total }
            surplus = (step.stream, Surplus(.afterEnd, connectionOffset: step.offset, startedAt: now, frames: facts))
            if let bytes { surplus?.collection.keep(bytes, step.bodyCount) }
        }
        let exchange = step.clientSlot.exists ? clients[step.clientSlot].pointee.exchange : .none
        if exchange.exists {
            // The client has reset nothing, and gets no more of its answer.
            finding.clientImpact = .aborted
            record(finding, slot, of: exchange, surplus)
        } else if let recent = multiplexing[clients[slot].pointee.sharedIndex].recent.find(step.stream) {
            record(
                finding, slot, recent.exchange, server: recent.server, connection: recent.connection, id: newIncidentID(),
                surplus)
        } else {
            record(finding, slot, request: nil, surplus)
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
    private mutating func record(
        _ finding: ClientFinding, _ slot: ClientSlot, request: Incident.Request?,
        _ surplus: ClientIncident.Collected? = nil
    ) -> String {
        let client = Incident.Client(address: clients[slot].pointee.address.text, protocolName: finding.protocolName)
        let id = newIncidentID()
        conclude(
            ClientIncident(
                finding, by: client, id: id, timeNanoseconds: kernel.wallClock(), request: request, surplus: surplus), slot)
        return id
    }

    /// Of a client whose exchange is in progress.
    private mutating func record(
        _ finding: ClientFinding, _ slot: ClientSlot, of exchange: ExchangeSlot, _ surplus: ClientIncident.Collected? = nil
    ) {
        let e = exchanges[exchange]
        let isSent = e.pointee.upstream.exists
        let ordinal = isSent ? upstreams[e.pointee.upstream].pointee.ordinal : e.pointee.ordinal
        let finished = FinishedExchange(request: e.pointee.request, answer: e.pointee.answer, ordinal: ordinal)
        let id = newIncidentID()
        note(id, of: exchange)
        record(finding, slot, finished, server: e.pointee.server, connection: e.pointee.connection, id: id, surplus)
    }

    /// Of a client whose request is known; also its route and server, when it had been sent to one.
    private mutating func record(
        _ finding: ClientFinding, _ slot: ClientSlot, _ exchange: FinishedExchange, server: ServerIndex, connection: UInt64,
        id: String,
        _ surplus: ClientIncident.Collected?
    ) {
        let party = party(exchange)
        let client =
            party?.client ?? Incident.Client(address: clients[slot].pointee.address.text, protocolName: finding.protocolName)
        var place: IncidentPlace?
        if server.exists {
            place = self.place(server: server, connection: connection, seenAt: now, id: id)
        }
        let timeNanoseconds = kernel.wallClock()
        conclude(
            ClientIncident(
                finding, by: client, id: id, timeNanoseconds: timeNanoseconds, place: place, party: party, surplus: surplus),
            slot)
    }

    // MARK: Surplus on streams

    /// More has come after a request whose stream has been reset for it.
    mutating func clientSurplusGoesOn(_ slot: ClientSlot, _ step: HTTP2Step, _ bytes: UnsafePointer<UInt8>) {
        multiplexing[clients[slot].pointee.sharedIndex].surplus?.add(
            step.surplusBytes, on: step.stream, payload: bytes, step.bodyCount)
    }
}
