import EventLoop
import Facts
import HTTP1
import Report
import Wire

/// Answers of the proxy itself, and answers that are cut.
extension Worker {
    /// A request that is not HTTP as it should be: an error, and the end of the connection, for where the next request begins is unknown.
    mutating func refuse(_ slot: ClientSlot, requestFault fault: RequestFault) {
        var status = fault.status
        var detail = "bad request"
        if case .malformed(let malformation) = fault {
            detail = malformation.text
            if malformation == .headerTooLarge, requestBlock.target.isEmpty { status = 414 }
        } else {
            detail = "\(fault.text)"
        }
        clients[slot].pointee.mustClose = true
        let id = newRequestID()
        let incident = recordClientFault(slot, fault, status: status, id: id)
        refuse(slot, status: status, detail, hasWholeHead: false, requestID: id, incident: incident)
    }

    /// A request that no upstream will see.
    mutating func refuse(
        _ slot: ClientSlot, status: Int, _ detail: String, route: Int? = nil, fields: String = "", changes: FieldChanges? = nil,
        hasWholeHead: Bool = true, requestID: String? = nil, incident: String? = nil
    ) {
        let c = clients[slot]
        let isHTTP10 = hasWholeHead && requestBlock.version == .http10
        // Its body is still to come, and nobody reads it.
        if !hasWholeHead || !requestBlock.facts.isDisjoint(with: [.contentLength, .transferEncoding]) {
            c.pointee.mustClose = true
        }
        if isHTTP10, !requestBlock.facts.contains(.keepAlive) { c.pointee.mustClose = true }
        let head = UnsafeBufferPointer(start: requestBlock.base, count: hasWholeHead ? requestBlock.byteCount : 0)
        let id = requestID ?? (hasWholeHead ? keptRequestID(slot) : nil) ?? newRequestID()
        let response = ErrorResponse(
            status: status, detail: detail, requestID: id, form: ErrorResponse.form(head), closes: c.pointee.mustClose,
            isHTTP10: isHTTP10, omitsBody: hasWholeHead && requestBlock.method == .head, date: httpDate(),
            fields: status == 503 ? "Retry-After: 1\r\n" : fields, page: plan.errorPages[status], changes: changes
        ).bytes
        let method = hasWholeHead ? requestBlock.method : .other
        let label = route ?? plan.routes.count
        counters.countRequest(route: label, method: method, status: status)
        counters.observeRequestDuration(route: label, nanoseconds: 0)
        if status >= 400 { countRejected(status) }
        logRefusal(
            slot, status: status, route: route, id: id, ownBytes: response.count - ErrorResponse.headCount(response),
            hasWholeHead: hasWholeHead, incident: incident)
        outbox.clear()
        guard sendOwn(response, to: slot) else { return closeClient(slot) }
        if c.pointee.hop.marksEnds { return clientStreamAnswered(slot) }
        c.pointee.exchange = .none
        if c.pointee.mustClose { return linger(slot) }
        c.pointee.phase = .head
        timers.set(Worker.clientTimer(slot), now + idleTime)
    }

    /// The id that a request has come with, where its client is believed.
    private func keptRequestID(_ slot: ClientSlot) -> String? {
        guard clients[slot].pointee.isTrusted, let field = requestBlock.first(.xRequestID), RequestHead.isID(field) else {
            return nil
        }
        return String(decoding: requestBlock.value(field), as: UTF8.self)
    }

    func countRejected(_ status: Int) {
        switch status {
        case 404: counters.countRejected(.noRoute)
        case 405, 501, 505: counters.countRejected(.unsupported)
        case 413: counters.countRejected(.bodyTooLarge)
        case 414, 431: counters.countRejected(.headerTooLarge)
        case 503: counters.countRejected(.noServer)
        case 408: counters.countRejected(.headerTimeout)
        default: counters.countRejected(.malformedRequest)
        }
    }

    /// An exchange that ends because of its client, or for want of a connection.
    private func countGivenUp(_ status: Int) {
        switch status {
        case 400: counters.countRejected(.malformedRequest)
        case 408: counters.countRejected(.bodyTimeout)
        case 413: counters.countRejected(.bodyTooLarge)
        case 431: counters.countRejected(.headerTooLarge)
        case 501: counters.countRejected(.unsupported)
        case 503: counters.countRejected(.noServer)
        default: break
        }
    }

    /// An exchange that gets no answer of its upstream's: an error, or a cut when the answer has begun.
    mutating func failExchange(_ exchange: ExchangeSlot, status: Int, _ detail: String) {
        let e = exchanges[exchange]
        if e.pointee.state.isWaiting { leaveQueue(exchange) }
        if e.pointee.upstream.exists { detach(e.pointee.upstream, .error) }
        var record = e.pointee.request
        e.pointee.request.head = Buffer()
        endBroken(exchange, record: record, status: status, detail)
        transport.buffers.give(&record.head)
    }

    /// Whether an answer that ends now is cut, because its header block is with the client or goes there; otherwise the client is
    /// answered with a 502.
    func cutsAnswer(_ exchange: ExchangeSlot) -> Bool {
        let e = exchanges[exchange]
        if e.pointee.state.answered { return true }
        let policy = plan.routes[Int(e.pointee.request.route)].onViolation
        return e.pointee.state.headWritten && policy != .fail && outbox.byteCount > 0
    }

    /// Ends an exchange that has left its upstream connection: the client gets an error, or sees its answer cut.
    ///
    /// Good bytes of the answer wait in the outbox. `record` is the exchange's request, owned by the caller. True when the
    /// answer was cut, false when the client got an error in its place.
    @discardableResult
    mutating func endBroken(
        _ exchange: ExchangeSlot, record: RequestRecord, status: Int = 502, _ detail: String = "the upstream's answer is broken"
    ) -> Bool {
        let e = exchanges[exchange]
        let client = e.pointee.client
        let c = clients[client]
        let policy = plan.routes[Int(record.route)].onViolation
        let cuts = cutsAnswer(exchange)
        countAnswer(exchange, status: cuts ? Int(e.pointee.answer.status) : status, route: Int(record.route))
        let resets = policy == .fail || e.pointee.clientFraming == .untilClose
        let requestEnded = e.pointee.state.requestEnded
        c.pointee.exchange = .none
        rememberRequest(exchange, record)
        countGivenUp(status)
        guard !cuts else {
            logAccess(exchange, record, status: Int(e.pointee.answer.status), .cut)
            releaseExchange(exchange)
            let alive = deliverToClient(client)
            // The rest is sent first; then the end comes where more was promised. Closing at once could reset the
            // connection, for pipelined requests may be there, and take the answers before this one along.
            if alive, c.pointee.hop.marksEnds {
                cutClientStream(client)
            } else if alive, !resets {
                linger(client)
            } else {
                closeClient(client, reset: resets)
            }
            return true
        }
        outbox.clear()
        if !requestEnded { endAfterAnswer(client) }
        let head = UnsafeBufferPointer(start: record.head.base, count: record.head.base == nil ? 0 : record.head.count)
        let response = ErrorResponse(
            status: status, detail: detail, requestID: record.text(record.id), form: ErrorResponse.form(head),
            closes: c.pointee.mustClose, isHTTP10: record.clientVersion == .http10, omitsBody: record.method == .head,
            date: httpDate(), fields: status == 503 ? "Retry-After: 1\r\n" : "", page: plan.errorPages[status]
        ).bytes
        logAccess(exchange, record, status: status, .own, ownBytes: response.count - ErrorResponse.headCount(response))
        releaseExchange(exchange)
        if sendOwn(response, to: client) { answerDone(client) } else { closeClient(client) }
        return false
    }

    /// Sends bytes of the proxy's own. False when the client is gone.
    private mutating func sendOwn(_ response: [UInt8], to slot: ClientSlot) -> Bool {
        response.withUnsafeBufferPointer { bytes in
            let head = ErrorResponse.headCount(response)
            outbox.add(bytes.baseAddress!, head)
            outbox.add(bytes.baseAddress! + head, bytes.count - head)
            outbox.beginsWithHead = true
            outbox.endsMessage = true
            return deliverToClient(slot)
        }
    }
}
