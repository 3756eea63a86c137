import EventLoop
import HTTP2
import Report
import Wire

/// Tunnels through streams to upstreams: extended CONNECT (RFC 8441), whatever version the client speaks.
extension Worker {
    /// Before the server's SETTINGS nobody knows whether it takes a tunnel, and it may not be asked (RFC 8441 section 3).
    mutating func holdTunnel(_ stream: UpstreamSlot) {
        let s = upstreams[stream]
        multiplexing[upstreams[s.pointee.parent].pointee.sharedIndex].holdsTunnels = true
        timers.set(upstreamTimer(stream), now + responseHeaderTimeout(exchanges[s.pointee.exchange]))
    }

    mutating func tunnelHeldTooLong(_ stream: UpstreamSlot) {
        let exchange = upstreams[stream].pointee.exchange
        guard exchange.exists else { return }
        let name = plan.upstreams[Int(exchanges[exchange].pointee.upstreamIndex)].name
        failExchange(exchange, status: 504, "upstream \(name) did not send its SETTINGS in time")
    }

    /// The server has said what it takes: those who have waited for that ask, or get an error.
    mutating func askForTunnels(_ slot: UpstreamSlot) {
        let shared = multiplexing[upstreams[slot].pointee.sharedIndex]
        shared.holdsTunnels = false
        // The newest stands first, and who has waited the longest is served first.
        var stream = shared.upstreamStreams.last
        while stream.exists {
            let next = upstreams[stream].pointee.previous
            let exchange = upstreams[stream].pointee.exchange
            if upstreams[stream].pointee.phase == .connecting, exchange.exists {
                if !shared.session.allowsExtendedConnect {
                    refuseTunnel(exchange)
                } else if shared.session.canOpenStream || shared.session.openStreams == 0 {
                    // Its place is that in which it asks, not that in which it came.
                    let u = upstreams[slot]
                    u.pointee.ordinal += 1
                    upstreams[stream].pointee.ordinal = u.pointee.ordinal
                    exchanges[exchange].pointee.ordinal = u.pointee.ordinal
                    requestStarts(exchange)
                    sendToUpstream(exchange)
                    queueClient(exchanges[exchange].pointee.client)
                } else {
                    // It takes fewer than have waited for its word: nobody's failure. The next connection is asked for no more.
                    servers.noteStreams(shared.session.openStreams, allowedBy: upstreams[slot].pointee.server)
                    upstreams[stream].pointee.phase = .active
                    queueUpstream(stream)
                }
            }
            stream = next
        }
    }

    mutating func refuseTunnel(_ exchange: ExchangeSlot) {
        let name = plan.upstreams[Int(exchanges[exchange].pointee.upstreamIndex)].name
        failExchange(
            exchange, status: 501,
            "upstream \(name) takes no WebSockets over HTTP/2: its SETTINGS do not enable extended CONNECT (RFC 8441)")
    }

    /// The server takes the tunnel; perhaps it has nothing to say in it.
    mutating func streamTunnelOpens(_ stream: UpstreamSlot, ended: Bool) {
        let exchange = upstreams[stream].pointee.exchange
        let generation = upstreams.generation(stream)
        switchToTunnel(stream)
        sendToClient(exchanges[exchange].pointee.client)
        guard ended, upstreams.generation(stream) == generation else { return }
        tunnelEnded(fromUpstream: stream)
    }

    mutating func streamTunnelBytes(_ stream: UpstreamSlot, _ bytes: UnsafeMutablePointer<UInt8>, _ step: HTTP2Step) {
        let s = upstreams[stream]
        let exchange = s.pointee.exchange
        let generation = upstreams.generation(stream)
        answerBody(stream, bytes, step.bodyCount, ended: false, hasTrailers: false)
        s.pointee.unconsumed += UInt32(step.bodyCount)
        sendToClient(exchanges[exchange].pointee.client)
        guard upstreams.generation(stream) == generation else { return }
        paceUpstreamStream(stream)
        if step.ended { tunnelEnded(fromUpstream: stream) }
    }
}
