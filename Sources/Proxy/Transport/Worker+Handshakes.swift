import EventLoop
import Logging
import Report
import TLS

/// TLS handshakes with clients and with upstreams, and what is logged of those that fail.
extension Worker {
    /// The connection's bytes, after a PROXY header if one is due, are a TLS handshake. False without memory.
    mutating func beginTLS(_ slot: ClientSlot, _ acceptor: TLSAcceptor) -> Bool {
        guard let session = acceptor.makeSession(transport.port) else { return false }
        let c = clients[slot]
        c.pointee.socket.session = session
        c.pointee.socket.security = .awaited
        return true
    }

    /// Whether a client's bytes come by TLS; those of a stream do when its connection's do.
    @inline(__always)
    func isTLS(_ slot: ClientSlot) -> Bool {
        let c = clients[slot]
        guard c.pointee.isStream else { return c.pointee.socket.security != .none }
        return clients[c.pointee.parent].pointee.socket.security != .none
    }

    /// A client's connection is being closed in the middle of its handshake, or has flooded it afterwards.
    ///
    /// Who connects and says nothing has not failed: load balancers do it to see whether we are there.
    mutating func handshakeFailed(_ slot: ClientSlot) {
        let c = clients[slot]
        counters.countRejected(.tls)
        if c.pointee.socket.security == .refused, transport.tlsFailure?.reason == .plainHTTP { answerInCleartext(slot) }
        guard let heldBack = logLimits.handshakes.take(now) else { return }
        var reason = "timeout"
        var error = "the handshake took too long"
        if c.pointee.socket.security != .handshaking, let failure = transport.tlsFailure {
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
        fleetState.log.notice("TLS handshake failed", metadata: metadata)
    }

    /// Who speaks HTTP where TLS is due can be answered in HTTP.
    private func answerInCleartext(_ slot: ClientSlot) {
        let text = "400 Bad Request\nThis port speaks HTTPS, not plain HTTP.\n"
        var response =
            "HTTP/1.1 400 Bad Request\r\nDate: \(httpDate())\r\nContent-Type: text/plain; charset=utf-8\r\n"
            + "Content-Length: \(text.utf8.count)\r\nConnection: close\r\n\r\n\(text)"
        let fd = clients[slot].pointee.socket.fd
        response.withUTF8 { _ = kernel.send(fd, $0.baseAddress!, $0.count) }
    }

    // MARK: Upstreams

    /// A connection is being closed on which an upstream had TLS work for nothing.
    mutating func countUpstreamFlood(_ slot: UpstreamSlot) {
        counters.countUpstreamRejected(upstream: servers.upstream(upstreams[slot].pointee.server), .tlsFlood)
        logUpstreamTLS(slot)
    }

    /// An upstream's session has failed after its handshake.
    mutating func logUpstreamTLS(_ slot: UpstreamSlot) {
        guard let failure = transport.tlsFailure, let heldBack = logLimits.failures.take(now) else { return }
        let place = servers[upstreams[slot].pointee.server]
        let upstream = plan.upstreams[Int(place.upstream)]
        var metadata: Logger.Metadata = [
            "upstream": "\(upstream.name)", "server": "\(upstream.servers[Int(place.index)].name)",
            "reason": "\(failure.reason.rawValue)", "error": "\(failure)",
        ]
        if heldBack > 0 { metadata["held_back"] = "\(heldBack)" }
        fleetState.log.warning("TLS failed", metadata: metadata)
    }
}
