import EventLoop
import Exchanges
import HTTP1
import Report
import Wire

/// From a request's header block to an upstream: judging it, rewriting it, sending it and its body.
extension Worker {
    /// Begins the exchange of the request in `requestBlock`.
    mutating func startExchange(_ slot: Int32) {
        let c = clients[slot]
        let decoder: BodyDecoder
        let isExtendedConnect = requestBlock.facts.contains(.extendedConnect)
        if c.pointee.hop.framesBodies {
            decoder = isExtendedConnect ? BodyDecoder(.none) : streamBody(slot)
        } else {
            switch RequestFraming.decide(requestBlock) {
            case .success(let body): decoder = body
            case .failure(let fault): return refuse(slot, requestFault: fault)
            }
        }
        if requestBlock.version == .http10 {
            c.pointee.mustClose = !requestBlock.facts.contains(.keepAlive)
        } else if requestBlock.facts.contains(.close) {
            c.pointee.mustClose = true
        }
        if isExtendedConnect {
            guard UpgradeProtocol.isOffered(by: requestBlock) else {
                return refuse(slot, status: 501, "no tunnel for this protocol")
            }
            // Over HTTP/1 the same is asked with GET.
            requestBlock.method = .get
        } else if requestBlock.method == .connect {
            // Whatever follows was meant for a tunnel.
            c.pointee.mustClose = true
            return refuse(
                slot, status: 405, "CONNECT is not served",
                fields: "Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS, TRACE, PATCH\r\n")
        }
        guard var target = RequestTarget(requestBlock, scratch.head) else {
            return refuse(slot, requestFault: .malformed(.target))
        }
        guard let route = findRoute(slot, &target) else { return }
        guard let aim = aim(slot, route, target) else {
            return refuse(slot, status: 414, "the target is too long once it is rewritten", route: route)
        }
        if decoder.framing == .length, decoder.remaining > plan.limits.bodyBytes {
            return refuse(slot, status: 413, "the request's body is larger than allowed", route: route)
        }
        var exchange = Exchange(client: slot, startedAt: now)
        exchange.upstreamIndex = UInt16(plan.routes[route].upstream)
        exchange.requestIsChunked = decoder.framing == .chunked
        if decoder.isEmpty { exchange.state.receive(.requestEnded) }
        exchange.asksUpgrade =
            isExtendedConnect
            || (requestBlock.facts.contains(.upgrade) && decoder.isEmpty && requestBlock.version == .http11
                && UpgradeProtocol.isOffered(by: requestBlock) && mayUpgrade(to: exchange.upstreamIndex))
        exchange.request.client =
            c.pointee.isTrusted
            ? ForwardedClient.find(requestBlock, peer: c.pointee.address, trusted: plan.trusted) : c.pointee.address
        exchange.request.clientVersion = requestBlock.version
        exchange.request.method = requestBlock.method
        exchange.request.route = UInt16(route)
        if passages[route].isSticky, let sticky = plan.upstreams[Int(exchange.upstreamIndex)].sticky {
            exchange.stickyServer = Int16(sticky.server(namedIn: requestBlock))
            exchange.clientIsSecure = aim.isTLS
        }
        writeRequestHead(&exchange, aim)
        let number = exchanges.take(exchange)
        guard number >= 0 else {
            transport.buffers.give(&exchange.request.head)
            return refuse(slot, status: 503, "too many exchanges in progress", route: route)
        }
        c.pointee.exchange = number
        // What an extended CONNECT opens has no end until the client says so.
        c.pointee.stopsRequest = isExtendedConnect
        c.pointee.body = decoder
        c.pointee.phase = decoder.isEmpty ? .waiting : .body
        timers.set(Worker.clientTimer(slot), decoder.isEmpty ? 0 : now + plan.timeouts.clientBody)
        retries.noteRequest(Int(exchange.upstreamIndex), now)
        findUpstream(number)
    }

    /// Over HTTP/2 there are tunnels for WebSockets; any other upgrade is left out, as its server may ignore it.
    private func mayUpgrade(to upstream: UInt16) -> Bool {
        !plan.upstreams[Int(upstream)].isHTTP2 || WebSocketKey.isAsked(by: requestBlock)
    }

    private mutating func writeRequestHead(_ exchange: inout Exchange, _ aim: RequestHead.Aim) {
        RequestHead.dropFields(&requestBlock)
        aim.changes.drop(&requestBlock)
        exchange.request.head = transport.buffers.take(requestBlock.byteCount + aim.byteCount + RequestHead.addedBytesMax)
        RequestHead.write(
            requestBlock, aim, isChunked: exchange.requestIsChunked, keepsUpgrade: exchange.asksUpgrade, random: &random,
            into: &exchange.request)
    }

    /// An exchange has its connection: the request's header block goes into the outbox or, behind a connect, out at once.
    mutating func attach(_ number: Int32, to slot: Int32) {
        let e = exchanges[number]
        let u = upstreams[slot]
        e.pointee.upstream = slot
        e.pointee.attempts += 1
        u.pointee.exchange = number
        u.pointee.ordinal += 1
        e.pointee.server = Int32(u.pointee.server)
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
            e.pointee.keepsBody = u.pointee.hop.tellsEnds || e.pointee.wasPooled || e.pointee.request.method.isIdempotent
        }
        if u.pointee.statusLine.isFound { surplus.forgetBlock(in: slot) }
        u.pointee.statusLine = EmbeddedStatusLine()
        if u.pointee.phase != .connecting { requestStarts(number) }
    }

    /// The connection is there: from now on an answer is due.
    mutating func requestStarts(_ number: Int32) {
        let e = exchanges[number]
        let u = upstreams[e.pointee.upstream]
        let head = e.pointee.request.head
        markRequest(number)
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

    /// Sends the header block that waits in the outbox, when no body byte has come to go with it.
    @inline(__always)
    mutating func sendRequestHead(_ client: Int32) {
        guard !outbox.isEmpty else { return }
        sendToUpstream(clients[client].pointee.exchange)
    }

    /// Sends the outbox to an exchange's upstream.
    mutating func sendToUpstream(_ number: Int32) {
        guard number >= 0, exchanges[number].pointee.upstream >= 0 else { return outbox.clear() }
        let e = exchanges[number]
        let slot = e.pointee.upstream
        let u = upstreams[slot]
        let before = u.pointee.sent
        u.pointee.sent += UInt64(outbox.byteCount)
        guard deliverToUpstream(slot) else {
            if before == requestStart(slot) { u.pointee.isUnsent = true }
            return upstreamRefusesBytes(slot)
        }
    }

    /// The upstream takes no more bytes, but its answer may have come: read it, and drop the rest of the request.
    mutating func upstreamRefusesBytes(_ slot: Int32) {
        let u = upstreams[slot]
        u.pointee.mustClose = true
        u.pointee.socket.isBroken = false
        u.pointee.socket.refusesBytes = true
        transport.buffers.give(&u.pointee.socket.output)
        u.pointee.socket.peerEnded = true
        u.pointee.socket.isReadable = true
        if u.pointee.exchange >= 0 {
            let e = exchanges[u.pointee.exchange]
            let c = clients[e.pointee.client]
            // What can be sent again is not given up.
            if c.pointee.phase == .body, e.pointee.state.sentBody, !e.pointee.keepsBody { c.pointee.discardsBody = true }
        }
        queueUpstream(slot)
    }

    /// Passes on a piece of a request's body.
    mutating func forwardRequestBody(
        _ client: Int32, _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int, ended: Bool, hasTrailers: Bool
    ) {
        let number = clients[client].pointee.exchange
        let e = exchanges[number]
        e.pointee.requestBytes += UInt64(count)
        if e.pointee.requestBytes > plan.limits.bodyBytes { return requestBodyTooLarge(client) }
        let hop = upstreams[e.pointee.upstream].pointee.hop
        if e.pointee.requestIsChunked, !hop.framesBodies {
            if count > 0 {
                outbox.addChunkSize(count)
                outbox.add(bytes, count)
                outbox.add("\r\n")
            }
            if ended {
                outbox.add("0\r\n")
                if hasTrailers { outbox.add(scratch.trailers, Trailers.write(requestBlock, to: scratch.trailers)) }
                outbox.add("\r\n")
            }
        } else {
            outbox.add(bytes, count)
            if ended, hasTrailers, hop.framesBodies {
                outbox.add(scratch.trailers, Trailers.write(requestBlock, to: scratch.trailers))
                outbox.endsWithTrailers = true
            }
        }
        // The end of a chunked body is a part of it, also when nothing stands before it.
        if count > 0 || e.pointee.requestIsChunked { e.pointee.state.receive(.bodySent) }
        if e.pointee.keepsBody { keepBody(number) }
        if ended {
            outbox.endsMessage = true
            e.pointee.state.receive(.requestEnded)
            timers.set(upstreamTimer(e.pointee.upstream), now + responseHeaderTimeout(e))
        }
        sendToUpstream(number)
    }

    private mutating func requestBodyTooLarge(_ client: Int32) {
        let number = clients[client].pointee.exchange
        outbox.clear()
        failExchange(number, status: 413, "the request's body is larger than allowed")
    }

    /// The client's body is not framed as it said: nothing behind it can be believed.
    mutating func requestBodyMalformed(_ client: Int32) {
        let number = clients[client].pointee.exchange
        outbox.clear()
        clients[client].pointee.mustClose = true
        tellClientBodyFault(client)
        if number >= 0 {
            failExchange(number, status: 400, "the request's body is not framed as announced")
        } else {
            closeClient(client)
        }
    }
}
