import EventLoop
import Facts
import HTTP1
import Report
import Wire

/// A request as it is read: judged, routed, rewritten, and its body passed on.
extension Worker {
    /// Begins the exchange of the request in `requestBlock`.
    mutating func startExchange(_ slot: ClientSlot) {
        let c = clients[slot]
        let isExtendedConnect = requestBlock.facts.contains(.extendedConnect)
        guard let body = requestBody(slot), mayBeServed(slot) else { return }
        guard var target = RequestTarget(requestBlock, scratch.head) else {
            return refuse(slot, requestFault: .malformed(.target))
        }
        guard let route = findRoute(slot, &target) else { return }
        guard let aim = aim(slot, route, target) else {
            return refuse(slot, status: 414, "the target is too long once it is rewritten", route: route)
        }
        if body.framing == .length, body.remaining > plan.limits.bodyBytes {
            return refuse(slot, status: 413, "the request's body is larger than allowed", route: route)
        }
        var exchange = makeExchange(slot, route, body, aim)
        writeRequestHead(&exchange, aim)
        let exchangeSlot = exchanges.take(exchange)
        guard exchangeSlot.exists else {
            transport.buffers.give(&exchange.request.head)
            return refuse(slot, status: 503, "too many exchanges in progress", route: route)
        }
        c.pointee.exchange = exchangeSlot
        // What an extended CONNECT opens has no end until the client says so.
        c.pointee.stopsRequest = isExtendedConnect
        c.pointee.body = body
        c.pointee.phase = body.isEmpty ? .waiting : .body
        timers.set(Worker.clientTimer(slot), body.isEmpty ? 0 : now + plan.timeouts.clientBody)
        retries.noteRequest(Int(exchange.upstreamIndex), now)
        if c.pointee.awaitsRoom {
            timers.set(Worker.clientTimer(slot), now + plan.timeouts.clientBody)
        } else {
            findUpstream(exchangeSlot)
        }
    }

    /// How the request's body ends; nil when it cannot be known, and the request has been refused.
    @inline(__always)
    private mutating func requestBody(_ slot: ClientSlot) -> BodyDecoder? {
        guard !clients[slot].pointee.hop.framesBodies else {
            return requestBlock.facts.contains(.extendedConnect) ? BodyDecoder(.none) : streamBody(slot)
        }
        switch RequestFraming.decide(requestBlock) {
        case .success(let body): return body
        case .failure(let fault):
            refuse(slot, requestFault: fault)
            return nil
        }
    }

    /// Whether the connection goes on after this request, and whether we serve its method; false when it has been refused.
    @inline(__always)
    private mutating func mayBeServed(_ slot: ClientSlot) -> Bool {
        let c = clients[slot]
        if requestBlock.version == .http10 {
            c.pointee.mustClose = !requestBlock.facts.contains(.keepAlive)
        } else if requestBlock.facts.contains(.close) {
            c.pointee.mustClose = true
        }
        if requestBlock.facts.contains(.extendedConnect) {
            guard UpgradeProtocol.isOffered(by: requestBlock) else {
                refuse(slot, status: 501, "no tunnel for this protocol")
                return false
            }
            // Over HTTP/1 the same is asked with GET.
            requestBlock.method = .get
        } else if requestBlock.method == .connect {
            // Whatever follows was meant for a tunnel.
            c.pointee.mustClose = true
            refuse(
                slot, status: 405, "CONNECT is not served",
                fields: "Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS, TRACE, PATCH\r\n")
            return false
        }
        return true
    }

    /// All that is known of the exchange before it is written.
    @inline(__always)
    private func makeExchange(_ slot: ClientSlot, _ route: Int, _ body: BodyDecoder, _ aim: RequestHead.Aim) -> Exchange {
        let c = clients[slot]
        var exchange = Exchange(client: slot, startedAt: now)
        exchange.upstreamIndex = UInt16(plan.routes[route].upstream)
        exchange.requestIsChunked = body.framing == .chunked
        if body.isEmpty { exchange.state.receive(.requestEnded) }
        exchange.asksUpgrade =
            requestBlock.facts.contains(.extendedConnect)
            || (requestBlock.facts.contains(.upgrade) && body.isEmpty && requestBlock.version == .http11
                && UpgradeProtocol.isOffered(by: requestBlock) && mayUpgrade(to: exchange.upstreamIndex))
        exchange.request.client =
            c.pointee.isTrusted
            ? ForwardedClient.find(requestBlock, peer: c.pointee.address, trusted: plan.trusted) : c.pointee.address
        exchange.request.clientVersion = requestBlock.version
        exchange.request.method = requestBlock.method
        exchange.request.route = UInt16(route)
        if routeActions[route].isSticky, let sticky = plan.upstreams[Int(exchange.upstreamIndex)].sticky {
            exchange.stickyServer = Int16(sticky.server(namedIn: requestBlock))
            exchange.clientIsSecure = aim.isTLS
        }
        return exchange
    }

    /// An upgrade that the upstream's protocol has no tunnel for is left out, as its server may ignore it.
    private func mayUpgrade(to upstream: UInt16) -> Bool {
        plan.upstreams[Int(upstream)].protocol.takesEveryUpgrade || WebSocketKey.isAsked(by: requestBlock)
    }

    /// Passes on a piece of a request's body.
    mutating func forwardRequestBody(
        _ client: ClientSlot, _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int, ended: Bool, hasTrailers: Bool
    ) {
        let exchange = clients[client].pointee.exchange
        let e = exchanges[exchange]
        e.pointee.requestBytes += UInt64(count)
        e.pointee.toUpstream.note(count, least: plan.limits.movedBytes)
        if e.pointee.requestBytes > plan.limits.bodyBytes { return requestBodyTooLarge(client) }
        let framesBodies = upstreams[e.pointee.upstream].pointee.hop.framesBodies
        let inChunks = e.pointee.requestIsChunked && !framesBodies
        let takesTrailers = ended && hasTrailers && (inChunks || framesBodies)
        // A field that a route sets is the route's word, wherever the client puts its own.
        if takesTrailers { routeActions[Int(e.pointee.request.route)].requestFields.drop(&requestBlock) }
        outbox.addBody(
            bytes, count, inChunks: inChunks, ended: ended,
            trailers: takesTrailers ? Trailers.write(requestBlock, to: scratch.trailers) : nil)
        // The end of a chunked body is a part of it, also when nothing stands before it.
        if count > 0 || e.pointee.requestIsChunked { e.pointee.state.receive(.bodySent) }
        if e.pointee.keepsBody { keepBody(exchange) }
        if ended {
            outbox.endsMessage = true
            e.pointee.state.receive(.requestEnded)
            requestHasEnded(e)
        }
        sendToUpstream(exchange)
    }

    private mutating func requestBodyTooLarge(_ client: ClientSlot) {
        let exchange = clients[client].pointee.exchange
        outbox.clear()
        failExchange(exchange, status: 413, "the request's body is larger than allowed")
    }

    /// The client's body is not framed as it said: nothing after it can be believed.
    mutating func requestBodyMalformed(_ client: ClientSlot, _ fault: Malformation) {
        let exchange = clients[client].pointee.exchange
        outbox.clear()
        clients[client].pointee.mustClose = true
        // What is only too much breaks no rule.
        if !fault.isOurLimit { recordClientBodyFault(client) }
        if exchange.exists {
            switch fault {
            case .headerTooLarge, .tooManyFields:
                failExchange(exchange, status: 431, "the request's trailer section is larger than allowed")
            case .chunkExtensionTooLarge: failExchange(exchange, status: 413, fault.text)
            default: failExchange(exchange, status: 400, "the request's body is not framed as announced")
            }
        } else {
            closeClient(client)
        }
    }
}
