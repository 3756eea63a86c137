import EventLoop
import Facts
import HTTP1
import HTTP2
import Report
import Wire

/// Tunnels: WebSockets and other upgrades, whose bytes pass as they are until a side ends.
///
/// HTTP/1 asks for one with Upgrade and is answered with 101; HTTP/2 asks with an extended CONNECT and is answered with 200 (RFC 8441).
extension Worker {
    /// What was asked for: from here on both sides' bytes pass as they are.
    mutating func switchToTunnel(_ slot: UpstreamSlot) {
        let exchange = upstreams[slot].pointee.exchange
        let e = exchanges[exchange]
        if !upstreams[slot].pointee.hop.switchesWith101 {
            // What 200 says over HTTP/2, 101 says over HTTP/1 (RFC 8441 section 5).
            responseBlock.status = 101
            responseBlock.dropOther(named: WebSocketKey.acceptName)
        }
        noteAnswer(slot, e)
        if responseBlock.facts.contains(.bareLineFeed) { recordLineFeeds(slot) }
        e.pointee.state.receive(.tunnelOpened)
        let client = e.pointee.client
        let switches = clients[client].pointee.hop.switchesWith101
        let hop = ResponseHead.Hop(framing: .none, closes: false, isHTTP10: false, switches: switches)
        ResponseHead.dropFields(&responseBlock, hop)
        // A tunnel has no length (RFC 9110 section 9.3.6), whatever is said.
        responseBlock.drop(.contentLength)
        if !switches {
            responseBlock.status = 200
            responseBlock.dropOther(named: WebSocketKey.acceptName)
        }
        if switches, !upstreams[slot].pointee.hop.switchesWith101 {
            WebSocketKey.accept(e.pointee.request).withUnsafeBufferPointer { putFinalHead(hop, slot, accept: $0) }
        } else {
            putFinalHead(hop, slot)
        }
        e.pointee.state.receive(.headWritten)
        clients[client].pointee.phase = .tunnel
        clients[client].pointee.mustClose = true
        timers.set(upstreamTimer(slot), 0)
        touchTunnel(client, e)
        queueClient(client)
    }

    /// The client ended its side of a tunnel: the upstream sees the end, and may still answer.
    mutating func tunnelEnded(fromClient client: ClientSlot) {
        let e = exchanges[clients[client].pointee.exchange]
        guard !e.pointee.state.clientEnded else { return }
        e.pointee.state.receive(.clientEnded)
        let u = upstreams[e.pointee.upstream]
        if u.pointee.hop.marksEnds {
            endTunnelRequest(e.pointee.upstream)
        } else {
            transport.endWriting(&u.pointee.socket)
        }
        guard e.pointee.state.upstreamEnded else { return }
        u.pointee.streamIsOver = true
        tunnelOver(e.pointee.upstream, .upstreamClosed)
    }

    /// The upstream ended its side of a tunnel: the client sees the end, and may still send. When it has ended as well, or
    /// the upstream takes nothing more, the tunnel is over.
    mutating func tunnelEnded(fromUpstream slot: UpstreamSlot) {
        let u = upstreams[slot]
        let e = exchanges[u.pointee.exchange]
        let c = clients[e.pointee.client]
        // The end of a connection may be an end of both sides; a client's stream is WebSocket's, which says its farewells itself.
        let mayHear = u.pointee.hop.marksEnds || !u.pointee.mustClose && !c.pointee.hop.marksEnds
        guard !e.pointee.state.clientEnded, u.pointee.socket.mayWrite, mayHear else {
            if u.pointee.hop.marksEnds { u.pointee.streamIsOver = e.pointee.state.clientEnded }
            return tunnelOver(slot, .upstreamClosed)
        }
        guard !e.pointee.state.upstreamEnded else { return }
        e.pointee.state.receive(.upstreamEnded)
        guard c.pointee.hop.marksEnds else { return transport.endWriting(&c.pointee.socket) }
        outbox.endsMessage = true
        sendToClient(e.pointee.client)
    }

    /// Nobody has sent anything through a tunnel for too long.
    mutating func tunnelExpired(_ client: ClientSlot) {
        let upstream = exchanges[clients[client].pointee.exchange].pointee.upstream
        guard upstream.exists else { return clientBroke(client) }
        tunnelOver(upstream, .idleTimeout)
    }

    mutating func tunnelOver(_ slot: UpstreamSlot, _ reason: CloseReason) {
        let exchange = upstreams[slot].pointee.exchange
        let client = exchanges[exchange].pointee.client
        if clients[client].pointee.hop.marksEnds, !exchanges[exchange].pointee.state.upstreamEnded {
            let generation = upstreams.generation(slot)
            outbox.endsMessage = true
            sendToClient(client)
            guard upstreams.generation(slot) == generation else { return }
        }
        countAnswer(exchange, status: 101, route: Int(exchanges[exchange].pointee.request.route))
        logAccess(exchange, exchanges[exchange].pointee.request, status: 101, .answered)
        if upstreams[slot].pointee.hop.marksEnds {
            upstreamStreamAnswered(slot)
        } else {
            finish(exchange)
            closeUpstream(slot, reason)
        }
        clients[client].pointee.phase = .head
        answerDone(client)
    }

    /// The server has reset a tunnel's stream, or its connection, or that is gone: the client sees a break and no good end, unless
    /// the server had ended its side before.
    mutating func tunnelBroken(_ slot: UpstreamSlot) {
        let u = upstreams[slot]
        let exchange = u.pointee.exchange
        let e = exchanges[exchange]
        u.pointee.streamIsOver = true
        guard !e.pointee.state.upstreamEnded else { return tunnelOver(slot, .upstreamClosed) }
        let client = e.pointee.client
        countAnswer(exchange, status: 101, route: Int(e.pointee.request.route))
        logAccess(exchange, e.pointee.request, status: 101, .cut)
        if u.pointee.hop.marksEnds {
            upstreamStreamAnswered(slot)
        } else {
            finish(exchange)
            closeUpstream(slot, .upstreamClosed)
        }
        clients[client].pointee.exchange = .none
        let c = clients[client]
        guard c.pointee.isStream else { return closeClient(client, reset: true) }
        let session = multiplexing[clients[c.pointee.parent].pointee.sharedIndex].session
        if session.pending(c.pointee.stream) > 0 { cutClientStream(client) } else { closeClient(client) }
    }
}
