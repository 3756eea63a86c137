import EventLoop
import Glibc
import Logging
import Report
import TLS

/// TLS handshakes with clients and with upstreams, and what is told of those that fail.
extension Worker {
    /// The connection's bytes, behind a PROXY header if one is due, are a TLS handshake. False without memory.
    mutating func beginTLS(_ slot: Int32, _ acceptor: TLSAcceptor) -> Bool {
        guard let session = acceptor.makeSession(transport.port) else { return false }
        let c = clients[slot]
        c.pointee.socket.session = session
        c.pointee.socket.security = .awaited
        return true
    }

    /// Whether a client's bytes come by TLS; those of a stream do when its connection's do.
    @inline(__always)
    func isTLS(_ slot: Int32) -> Bool {
        let c = clients[slot]
        guard c.pointee.isStream else { return c.pointee.socket.security != .none }
        return clients[c.pointee.parent].pointee.socket.security != .none
    }

    /// A client's connection is being closed in the middle of its handshake.
    ///
    /// Who connects and says nothing has not failed: load balancers do it to see whether we are there.
    mutating func handshakeFailed(_ slot: Int32) {
        let c = clients[slot]
        counters.countRejected(.tls)
        if c.pointee.socket.security == .refused, transport.tlsFailure?.reason == .plainHTTP { answerInCleartext(slot) }
        guard let heldBack = logLimits.handshakes.take(now) else { return }
        var reason = "timeout"
        var error = "the handshake took too long"
        if c.pointee.socket.security == .refused, let failure = transport.tlsFailure {
            reason = failure.reason.rawValue
            error = failure.description
        } else if c.pointee.socket.sawEnd || c.pointee.socket.isBroken {
            reason = "gone"
            error = "the client has left in the middle of the handshake"
        }
        var metadata: Logger.Metadata = [
            "client": "\(c.pointee.address.text)", "reason": "\(reason)", "error": "\(error)",
        ]
        if let name = c.pointee.socket.session?.serverName { metadata["server_name"] = "\(name.prefix(255))" }
        if heldBack > 0 { metadata["held_back"] = "\(heldBack)" }
        world.log.notice("TLS handshake failed", metadata: metadata)
    }

    /// Who speaks HTTP where TLS is due can be told so in HTTP.
    private func answerInCleartext(_ slot: Int32) {
        let text = "400 Bad Request\nThis port speaks HTTPS, not plain HTTP.\n"
        var response =
            "HTTP/1.1 400 Bad Request\r\nDate: \(httpDate())\r\nContent-Type: text/plain; charset=utf-8\r\n"
            + "Content-Length: \(text.utf8.count)\r\nConnection: close\r\n\r\n\(text)"
        let fd = clients[slot].pointee.socket.fd
        response.withUTF8 { _ = kernel.send(fd, $0.baseAddress!, $0.count) }
    }

    // MARK: Upstreams

    /// The connection to a server is open: TLS begins.
    mutating func shakeHands(_ slot: Int32, _ destination: TLSDestination) {
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
    mutating func upstreamShakesHands(_ slot: Int32) {
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
            if u.pointee.socket.security == .refused {
                return connectGaveUp(slot, transport.tlsFailure?.description ?? "the TLS handshake has failed")
            }
            if u.pointee.socket.isBroken || u.pointee.socket.sawEnd {
                return connectGaveUp(slot, "closed in the TLS handshake")
            }
        }
        guard u.pointee.socket.security != .handshaking else { return }
        // Frames sent to a server that takes them for HTTP/1 would only come back as nonsense (RFC 9113 section 3.2).
        if u.pointee.multiplex >= 0, !u.pointee.socket.agreedHTTP2 {
            return connectGaveUp(slot, "the server has not agreed to HTTP/2 (ALPN)")
        }
        connected(slot)
    }

    /// An upstream's session has failed after its handshake.
    mutating func logUpstreamTLS(_ slot: Int32) {
        guard let failure = transport.tlsFailure, let heldBack = logLimits.failures.take(now) else { return }
        let place = servers[Int(upstreams[slot].pointee.server)]
        let upstream = plan.upstreams[Int(place.upstream)]
        var metadata: Logger.Metadata = [
            "upstream": "\(upstream.name)", "server": "\(upstream.servers[Int(place.index)].name)",
            "reason": "\(failure.reason.rawValue)", "error": "\(failure)",
        ]
        if heldBack > 0 { metadata["held_back"] = "\(heldBack)" }
        world.log.warning("TLS failed", metadata: metadata)
    }
}
