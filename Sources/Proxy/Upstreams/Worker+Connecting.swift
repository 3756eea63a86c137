import Detector
import EventLoop
import Glibc
import HTTP1
import HTTP2
import Logging
import Report
import TLS
import Wire

/// What becomes of an attempt to connect: handshakes, the request that has waited for it, the next address.
extension Worker {
    /// Something has happened on a connection that is on its way. False when it is gone.
    mutating func connectGoesOn(_ slot: UpstreamSlot) -> Bool {
        let u = upstreams[slot]
        let generation = upstreams.generation(slot)
        if u.pointee.socket.security != .none {
            upstreamShakesHands(slot)
        } else if u.pointee.socket.isWritable || u.pointee.socket.peerEnded {
            connectDecided(slot)
        }
        return upstreams.generation(slot) == generation
    }

    /// A connect has been decided: the request goes out, or elsewhere.
    private mutating func connectDecided(_ slot: UpstreamSlot) {
        let u = upstreams[slot]
        let error = kernel.takeError(u.pointee.socket.fd)
        guard error == 0 else {
            return connectGaveUp(slot, String(cString: strerror(error)), error == ETIMEDOUT ? .unreachable : .refused)
        }
        let place = servers[u.pointee.server]
        if let destination = plan.upstreams[Int(place.upstream)].servers[Int(place.index)].tls {
            return shakeHands(slot, destination)
        }
        connected(slot)
    }

    /// The connection to a server is open: TLS begins.
    private mutating func shakeHands(_ slot: UpstreamSlot, _ destination: TLSDestination) {
        let u = upstreams[slot]
        guard let session = destination.makeSession(transport.port) else { return connectGaveUp(slot, "no memory for TLS") }
        u.pointee.socket.session = session
        u.pointee.socket.security = .handshaking
        guard session.start() else {
            let reason = "\(transport.port.failure)"
            transport.port.clear()
            return connectGaveUp(slot, reason)
        }
        guard transport.sendRecords(&u.pointee.socket) else { return connectGaveUp(slot, "closed in the TLS handshake") }
        if u.pointee.socket.isReadable { queueUpstream(slot) }
    }

    /// A server's part of the handshake has come, or there is room for the rest of ours.
    private mutating func upstreamShakesHands(_ slot: UpstreamSlot) {
        let u = upstreams[slot]
        if u.pointee.socket.isBlocked, u.pointee.socket.isWritable, !transport.flush(&u.pointee.socket, .upstream) {
            return connectGaveUp(slot, "closed in the TLS handshake")
        }
        var rounds = 0
        while u.pointee.socket.security == .handshaking, u.pointee.socket.isReadable {
            guard rounds < Self.readsPerTurn else { return queueUpstream(slot) }
            rounds += 1
            let count = transport.load(&u.pointee.socket, .upstream)
            transport.keep(&u.pointee.socket, from: 0, to: count)
            if u.pointee.socket.security == .refused || u.pointee.socket.security == .flooded {
                return connectGaveUp(slot, transport.tlsFailure?.description ?? "the TLS handshake has failed")
            }
            if u.pointee.socket.isBroken || u.pointee.socket.sawEnd {
                return connectGaveUp(slot, "closed in the TLS handshake")
            }
        }
        guard u.pointee.socket.security != .handshaking else { return }
        // Frames sent to a server that takes them for HTTP/1 would only come back as nonsense (RFC 9113 section 3.2).
        if u.pointee.sharedIndex >= 0, !u.pointee.socket.agreedHTTP2 {
            return connectGaveUp(slot, "the server has not agreed to HTTP/2 (ALPN)")
        }
        connected(slot)
    }

    /// A connection is there, with all that belongs to it: the request goes out.
    mutating func connected(_ slot: UpstreamSlot) {
        let u = upstreams[slot]
        serverConnected(u.pointee.server)
        if u.pointee.sharedIndex >= 0 { return sharedUpstreamConnected(slot) }
        let exchange = u.pointee.exchange
        guard exchange.exists else { return closeUpstream(slot, .clientGone) }
        let e = exchanges[exchange]
        e.pointee.state.receive(.placed)
        e.pointee.connectTime = max(1, now - e.pointee.connectTime)
        u.pointee.roundTrip = e.pointee.connectTime
        requestStarts(exchange)
        sendToUpstream(exchange)
        // Body bytes that came meanwhile wait in the client's connection.
        restartBodyDeadline(exchanges[exchange].pointee.client)
        queueClient(exchanges[exchange].pointee.client)
    }

    /// The shared connection is there: everything that has waited for it is sent.
    private mutating func sharedUpstreamConnected(_ slot: UpstreamSlot) {
        let u = upstreams[slot]
        u.pointee.phase = .shared
        // Who it was made for may have left meanwhile.
        let isIdle = multiplexing[u.pointee.sharedIndex].streamCount == 0
        timers.set(upstreamTimer(slot), isIdle ? now + u.pointee.idleTimeout : 0)
        countShared(slot, isIdle: isIdle)
        frameUpstream(slot)
        // The newest stands first, and who has waited the longest is served first.
        var stream = multiplexing[u.pointee.sharedIndex].upstreamStreams.last
        while stream.exists {
            let next = upstreams[stream].pointee.previous
            let exchange = upstreams[stream].pointee.exchange
            guard !exchanges[exchange].pointee.asksUpgrade else {
                holdTunnel(stream)
                stream = next
                continue
            }
            requestStarts(exchange)
            sendToUpstream(exchange)
            // Body bytes that came meanwhile wait in the client's connection or stream.
            restartBodyDeadline(exchanges[exchange].pointee.client)
            queueClient(exchanges[exchange].pointee.client)
            stream = next
        }
    }

    /// A connect failed, or took too long.
    mutating func connectGaveUp(_ slot: UpstreamSlot, _ reason: String, _ failure: ServerFailure = .unreachable) {
        let exchange = upstreams[slot].pointee.exchange
        let server = upstreams[slot].pointee.server
        if isAnotherAddress(server, Int(upstreams[slot].pointee.addressPlace), upstreams[slot].pointee.addressGeneration) {
            if upstreams[slot].pointee.sharedIndex >= 0 { return sharedUpstreamUnreachable(slot, isAnother: true) }
            detach(slot, .error)
            return tryAgain(exchange)
        }
        serverFailed(server, failure, reason)
        if upstreams[slot].pointee.sharedIndex >= 0 { return sharedUpstreamUnreachable(slot, avoiding: server) }
        if exchange.exists { avoid(server, exchange) }
        detach(slot, .error)
        if exchange.exists { retryOrFail(exchange, .unreachable) }
    }

    /// An exchange that has lost its connection before anything was sent looks for another.
    mutating func tryAgain(_ exchange: ExchangeSlot) {
        guard exchange.exists else { return }
        let e = exchanges[exchange]
        e.pointee.attempts -= 1
        outbox.clear()
        findUpstream(exchange)
        guard exchanges.isTaken(exchange) else { return }
        if outbox.byteCount > 0 { sendToUpstream(exchange) }
        if !exchanges[exchange].pointee.state.requestEnded { queueClient(exchanges[exchange].pointee.client) }
    }
}
