import EventLoop
import Facts
import HTTP1
import HTTP2
import Report
import Wire

/// Bytes to the upstream: the request's header block and body, kept as long as they may have to be sent again.
extension Worker {
    /// Bytes of a request's body that are kept to send them again.
    private static var replayBytesMax: Int { 8 << 10 }

    /// And to a stream: what may be sent before its server has opened the stream's window, and so has begun to read.
    private static var streamReplayBytesMax: Int { 64 << 10 }

    /// An exchange has its connection: the request's header block goes into the outbox or, after a connect, out at once.
    mutating func attach(_ exchange: ExchangeSlot, to slot: UpstreamSlot) {
        let e = exchanges[exchange]
        let u = upstreams[slot]
        e.pointee.upstream = slot
        e.pointee.attempts += 1
        u.pointee.exchange = exchange
        u.pointee.ordinal += 1
        e.pointee.server = u.pointee.server
        e.pointee.connection = u.pointee.number
        e.pointee.ordinal = u.pointee.ordinal
        let isConnecting = u.pointee.phase == .connecting
        e.pointee.state.receive(isConnecting ? .connecting : .placed)
        e.pointee.connectTime = isConnecting ? now : 0
        u.pointee.mustClose = false
        u.pointee.isUnsent = false
        e.pointee.wasPooled = u.pointee.ordinal > 1
        if !e.pointee.state.requestEnded, !e.pointee.state.sentBody {
            // A stream may be refused, whatever its method, and is then to be tried elsewhere (RFC 9113 section 8.7).
            e.pointee.keepsBody = u.pointee.hop.marksEnds || e.pointee.wasPooled || e.pointee.request.method.isIdempotent
        }
        if u.pointee.statusLine.isFound { surplus.forgetBlock(in: slot.index) }
        u.pointee.statusLine = EmbeddedStatusLine()
        if u.pointee.phase != .connecting { requestStarts(exchange) }
    }

    /// The connection is there: from now on an answer is due.
    mutating func requestStarts(_ exchange: ExchangeSlot) {
        let e = exchanges[exchange]
        let u = upstreams[e.pointee.upstream]
        let head = e.pointee.request.head
        markRequest(exchange)
        u.pointee.phase = .active
        u.pointee.decoder.requestSent(method: e.pointee.request.method, asksUpgrade: e.pointee.asksUpgrade)
        u.pointee.requestHeadEnd = u.pointee.sent + UInt64(head.count)
        u.pointee.recordsBefore = u.pointee.socket.recordBytes
        e.pointee.answer = Answer()
        e.pointee.sentAt = now
        outbox.add(head.first, head.count)
        if !e.pointee.body.isEmpty { outbox.add(e.pointee.body.first, e.pointee.body.count) }
        outbox.beginsWithHead = true
        outbox.endsMessage = e.pointee.state.requestEnded && !(e.pointee.asksUpgrade && !u.pointee.hop.switchesWith101)
        timers.set(upstreamTimer(e.pointee.upstream), now + responseHeaderTimeout(e))
    }

    /// The request is about to leave on its connection.
    @inline(__always)
    private func markRequest(_ exchange: ExchangeSlot) {
        guard plan.echo != .off else { return }
        let e = exchanges[exchange]
        let u = upstreams[e.pointee.upstream]
        let head = e.pointee.request.head
        let mark = ExchangeMark(
            salt: plan.salt, server: u.pointee.server.number, route: e.pointee.request.route, connection: u.pointee.number,
            ordinal: u.pointee.ordinal)
        mark.write(to: head.first + head.count - ExchangeMark.distanceFromEnd)
    }

    /// Sends the header block that waits in the outbox, when no body byte has come to go with it.
    @inline(__always)
    mutating func sendRequestHead(_ client: ClientSlot) {
        guard !outbox.isEmpty else { return }
        sendToUpstream(clients[client].pointee.exchange)
    }

    mutating func writeRequestHead(_ exchange: inout Exchange, _ aim: RequestHead.Aim) {
        RequestHead.dropFields(&requestBlock)
        aim.changes.drop(&requestBlock)
        exchange.request.head = transport.buffers.take(requestBlock.byteCount + aim.byteCount + RequestHead.addedBytesMax)
        RequestHead.write(
            requestBlock, aim, isChunked: exchange.requestIsChunked, keepsUpgrade: exchange.asksUpgrade, random: &random,
            into: &exchange.request)
    }

    /// Sends the outbox to an exchange's upstream.
    mutating func sendToUpstream(_ exchange: ExchangeSlot) {
        guard exchange.exists, exchanges[exchange].pointee.upstream.exists else { return outbox.clear() }
        let e = exchanges[exchange]
        let slot = e.pointee.upstream
        let u = upstreams[slot]
        let before = u.pointee.sent
        let isHead = outbox.beginsWithHead
        u.pointee.sent += UInt64(outbox.byteCount)
        guard deliverToUpstream(slot) else {
            if before == requestStart(slot) { u.pointee.isUnsent = true }
            return upstreamRefusesBytes(slot)
        }
        // Of a record a server can read nothing before it is whole.
        if isHead, u.pointee.socket.security != .none { u.pointee.recordsBefore += max(1, transport.firstRecordBytes) - 1 }
    }

    /// Keeps the body bytes in the outbox, in their framing, as long as they may have to be sent again.
    mutating func keepBody(_ exchange: ExchangeSlot) {
        let e = exchanges[exchange]
        let first = outbox.beginsWithHead ? 1 : 0
        // Trailers may be left out by any recipient (RFC 9110 section 6.5.1); a stream's are no bytes of the body.
        let end = max(first, outbox.count - (outbox.endsWithTrailers ? 1 : 0))
        let isStream = e.pointee.upstream.exists && upstreams[e.pointee.upstream].pointee.isStream
        var bytes = e.pointee.body.count
        for i in first..<end { bytes += outbox.runs[i].iov_len }
        guard bytes <= (isStream ? Self.streamReplayBytesMax : Self.replayBytesMax) else { return forgetBody(exchange) }
        for i in first..<end {
            transport.buffers.append(
                &e.pointee.body, outbox.runs[i].iov_base.assumingMemoryBound(to: UInt8.self), outbox.runs[i].iov_len)
        }
    }

    mutating func forwardTunnel(fromClient client: ClientSlot, _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int) {
        let e = exchanges[clients[client].pointee.exchange]
        e.pointee.requestBytes += UInt64(count)
        e.pointee.toUpstream.note(count, least: plan.limits.movedBytes)
        touchTunnel(client, e)
        outbox.add(bytes, count)
        sendToUpstream(clients[client].pointee.exchange)
    }

    mutating func forwardTunnel(fromUpstream slot: UpstreamSlot, _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int) {
        let e = exchanges[upstreams[slot].pointee.exchange]
        e.pointee.answer.bodyBytes += UInt64(count)
        e.pointee.toClient.note(count, least: plan.limits.movedBytes)
        // A client that takes nothing has a deadline of its own, and a stream's frames come all the same.
        if !clients[e.pointee.client].pointee.socket.isBlocked { touchTunnel(e.pointee.client, e) }
        outbox.add(bytes, count)
    }

    /// The upstream takes no more bytes, but its answer may have come: read it, and drop the rest of the request.
    mutating func upstreamRefusesBytes(_ slot: UpstreamSlot) {
        let u = upstreams[slot]
        u.pointee.mustClose = true
        u.pointee.socket.isBroken = false
        u.pointee.socket.refusesBytes = true
        transport.buffers.give(&u.pointee.socket.output)
        u.pointee.socket.peerEnded = true
        u.pointee.socket.isReadable = true
        if u.pointee.exchange.exists {
            dropPipe(toUpstreamOf: u.pointee.exchange)
            let e = exchanges[u.pointee.exchange]
            let c = clients[e.pointee.client]
            // What can be sent again is not given up.
            if c.pointee.phase == .body, e.pointee.state.sentBody, !e.pointee.keepsBody { c.pointee.discardsBody = true }
        }
        queueUpstream(slot)
    }
}
