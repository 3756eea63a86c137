import CShim
import Detector
import EventLoop
import Exchanges
import Glibc
import HTTP1
import HTTP2
import Report
import Wire

/// Upstreams that speak HTTP/2: a connection shared by many exchanges, each a stream with an upstream slot of its own.
extension Worker {
    /// Streams put on a connection before its server has said how many it allows (RFC 9113 section 6.5.2 recommends 100).
    static var streamsBeforeSettings: Int32 { 100 }

    /// Finds a stream for an exchange: on a connection with room, on a new one, or a place in the queue.
    mutating func findStream(_ number: Int32, on server: Int) {
        var slot = servers[server].multiplexed.first
        while slot >= 0 {
            if hasStream(slot) { return attachStream(number, to: slot) }
            slot = upstreams[slot].pointee.next
        }
        if connectionPool.mayOpen(server) {
            let error = connectMultiplex(server)
            guard error < 0 else { return attachStream(number, to: servers[server].multiplexed.first) }
            if Self.meansExhausted(error) { return waitForDescriptor(number, server) }
            if error == -EBUSY { return enqueue(number) }
            exchanges[number].pointee.attempts += 1
            exchanges[number].pointee.avoidedServer = Int16(server)
            serverFailed(server, .refused, String(cString: strerror(-error)))
            retryOrFail(number, .unreachable)
            return
        }
        enqueue(number)
    }

    @inline(__always)
    func hasStream(_ slot: Int32) -> Bool {
        let u = upstreams[slot]
        guard !u.pointee.mustClose else { return false }
        let multiplex = multiplexing[u.pointee.multiplex]
        guard multiplex.streamCount < multiplex.streamsMax else { return false }
        return u.pointee.phase == .connecting
            ? multiplex.streamCount < Self.streamsBeforeSettings : multiplex.session.canOpenStream
    }

    /// Begins a connection that many exchanges will share; it is the first of its server's. -errno when that fails.
    private mutating func connectMultiplex(_ server: Int) -> Int32 {
        guard let session = HTTP2Session(.client, plan.upstreamFrameLimits, spare: multiplexing.spare) else { return -ENOMEM }
        let slot = openConnection(server)
        guard slot >= 0 else { return slot }
        let u = upstreams[slot]
        let multiplex = Multiplex(session, .upstream, slot)
        multiplex.finished = History(capacityMax: FinishedStream.capacity)
        u.pointee.multiplex = multiplexing.add(multiplex)
        servers.addMultiplexed(slot, to: server, upstreams)
        return slot
    }

    private mutating func attachStream(_ number: Int32, to slot: Int32) {
        let u = upstreams[slot]
        let multiplex = multiplexing[u.pointee.multiplex]
        let holds = exchanges[number].pointee.asksUpgrade && !multiplex.session.hasPeerSettings
        if exchanges[number].pointee.asksUpgrade, !holds, !multiplex.session.allowsExtendedConnect {
            return refuseTunnel(number)
        }
        var made = UpstreamConnection(fd: -1, server: u.pointee.server, number: u.pointee.number, idleTimeout: 0)
        made.parent = slot
        made.phase = u.pointee.phase == .connecting || holds ? .connecting : .active
        made.ordinal = u.pointee.ordinal
        let stream = upstreams.take(made)
        guard stream >= 0 else { return failExchange(number, status: 503, "too many streams to upstreams") }
        multiplex.begin(stream, upstreams)
        u.pointee.ordinal += 1
        servers.exchangeBegins(Int(u.pointee.server))
        timers.open(upstreamTimer(stream))
        if u.pointee.phase == .multiplexed { timers.set(upstreamTimer(slot), 0) }
        attach(number, to: stream)
        if holds, u.pointee.phase == .multiplexed { holdTunnel(stream) }
    }

    /// Puts the outbox into a stream's session. False when the stream is gone, or cannot be opened.
    mutating func deliverToUpstreamStream(_ stream: Int32) -> Bool {
        defer { outbox.clear() }
        let s = upstreams[stream]
        let parent = s.pointee.parent
        let session = multiplexing[upstreams[parent].pointee.multiplex].session
        frameUpstream(parent)
        var first = 0
        if outbox.beginsWithHead {
            first = 1
            let head = outbox.runs[0]
            let ends = outbox.endsMessage && outbox.count == 1
            let place = servers[Int(s.pointee.server)]
            let isTLS = plan.upstreams[Int(place.upstream)].servers[Int(place.index)].tls != nil
            s.pointee.stream = session.sendRequest(
                head.iov_base.assumingMemoryBound(to: UInt8.self), head.iov_len, isTLS: isTLS,
                asksTunnel: exchanges[s.pointee.exchange].pointee.asksUpgrade, ended: ends, tag: stream)
            guard s.pointee.stream >= 0 else { return false }
            if ends { return true }
        }
        guard putBody(session, s.pointee.stream, from: first) else { return false }
        if session.pending(s.pointee.stream) >= Self.streamPendingMax { s.pointee.socket.isHeldBack = true }
        return true
    }

    mutating func upstreamStreamDrained(_ stream: Int32) {
        upstreams[stream].pointee.socket.isHeldBack = false
        let number = upstreams[stream].pointee.exchange
        if number >= 0 { queueClient(exchanges[number].pointee.client) }
    }

    // MARK: Reading

    /// A stream has its turn: its client takes bytes again, or its request could not be sent.
    mutating func upstreamStreamReady(_ stream: Int32) {
        let s = upstreams[stream]
        let number = s.pointee.exchange
        guard number >= 0 else { return openUpstreamWindow(stream) }
        if s.pointee.phase == .active, s.pointee.stream < 0 {
            detach(stream, .error)
            retryOrFail(number, .unsent)
            return
        }
        guard !clients[exchanges[number].pointee.client].pointee.socket.isBlocked else { return }
        openUpstreamWindow(stream)
        if s.pointee.phase == .active { resumeDeadline(stream) }
    }

    private mutating func openUpstreamWindow(_ stream: Int32) {
        let s = upstreams[stream]
        guard s.pointee.unconsumed > 0 else { return }
        multiplexing[upstreams[s.pointee.parent].pointee.multiplex].session.consumed(
            s.pointee.stream, Int(s.pointee.unconsumed))
        s.pointee.unconsumed = 0
        frameUpstream(s.pointee.parent)
    }

    /// A shared connection has something to read, or room to write, or its turn again.
    mutating func upstreamMultiplexReady(_ slot: Int32) {
        let u = upstreams[slot]
        if u.pointee.phase == .connecting {
            let generation = upstreams.generation(slot)
            if u.pointee.socket.security == .none {
                guard u.pointee.socket.isWritable || u.pointee.socket.peerEnded else { return }
                connectDecided(slot)
            } else {
                upstreamShakesHands(slot)
            }
            guard upstreams.generation(slot) == generation, u.pointee.phase == .multiplexed else { return }
        }
        if u.pointee.socket.isBlocked, u.pointee.socket.isWritable {
            if !transport.flush(&u.pointee.socket, .upstream) { upstreamRefusesFrames(slot) }
            if !u.pointee.socket.isBlocked { frameUpstream(slot) }
        }
        readFrames(.upstream, slot)
    }

    /// The shared connection is there: everything that has waited for it is sent.
    mutating func upstreamMultiplexConnected(_ slot: Int32) {
        let u = upstreams[slot]
        u.pointee.phase = .multiplexed
        // Who it was made for may have left meanwhile.
        let isIdle = multiplexing[u.pointee.multiplex].streamCount == 0
        timers.set(upstreamTimer(slot), isIdle ? now + u.pointee.idleTimeout : 0)
        frameUpstream(slot)
        // The newest stands first, and who has waited the longest is served first.
        var stream = multiplexing[u.pointee.multiplex].streams.last
        while stream >= 0 {
            let next = upstreams[stream].pointee.previous
            let number = upstreams[stream].pointee.exchange
            guard !exchanges[number].pointee.asksUpgrade else {
                holdTunnel(stream)
                stream = next
                continue
            }
            requestStarts(number)
            sendToUpstream(number)
            // Body bytes that came meanwhile wait in the client's connection or stream.
            queueClient(exchanges[number].pointee.client)
            stream = next
        }
    }

    /// All that has come has been acted on, for now.
    mutating func upstreamFramesRead(_ slot: Int32, _ step: HTTP2Step) {
        upstreams[slot].pointee.received += UInt64(step.consumed)
        let multiplex = multiplexing[upstreams[slot].pointee.multiplex]
        if multiplex.holdsTunnels, multiplex.session.hasPeerSettings { askForTunnels(slot) }
    }

    /// Acts on one fact of an upstream's frames; its bytes stand at `bytes`. False when the rest is not to be read.
    mutating func upstreamFrame(_ slot: Int32, _ step: HTTP2Step, _ bytes: UnsafeMutablePointer<UInt8>) -> Bool {
        let body = bytes + step.bodyStart
        upstreams[slot].pointee.received += UInt64(step.consumed)
        switch step.event {
        case .failed(let failure):
            upstreamFramesFailed(slot, failure)
            return false
        case .goAway: upstreams[slot].pointee.mustClose = true
        case .violation(let violation): frameViolation(slot, step, violation)
        case .surplus: keepStreamSurplus(slot, step, body)
        case .needMore, .pause, .refused: break
        default: if step.tag >= 0, upstreams[step.tag].pointee.exchange >= 0 { upstreamStreamStep(slot, step, body) }
        }
        return true
    }

    /// One fact about a stream in progress.
    private mutating func upstreamStreamStep(_ slot: Int32, _ step: HTTP2Step, _ bytes: UnsafeMutablePointer<UInt8>) {
        let stream = step.tag
        let s = upstreams[stream]
        let number = s.pointee.exchange
        let generation = upstreams.generation(stream)
        s.pointee.received = upstreams[slot].pointee.received - UInt64(step.consumed)
        switch step.event {
        case .interim:
            forgetBody(number)
            forwardInterim(number)
        case .head where exchanges[number].pointee.asksUpgrade && responseBlock.status < 300:
            streamTunnelOpens(stream, ended: step.ended)
        case .body where exchanges[number].pointee.state.isTunnel: streamTunnelBytes(stream, bytes, step)
        case .trailers where exchanges[number].pointee.state.isTunnel: tunnelEnded(fromUpstream: stream)
        case .head:
            guard isOwnStreamAnswer(slot, step) else { return }
            forgetBody(number)
            guard answerHead(stream, ended: step.ended) else { return }
            if step.ended { answerEnded(stream, surplusAt: 0, 0) } else { sendToClient(exchanges[number].pointee.client) }
        case .body:
            answerBody(stream, bytes, step.bodyCount, ended: step.ended, hasTrailers: false)
            s.pointee.unconsumed += UInt32(step.bodyCount)
            if step.ended { return answerEnded(stream, surplusAt: 0, 0) }
            let client = exchanges[number].pointee.client
            sendToClient(client)
            guard upstreams.generation(stream) == generation, s.pointee.exchange == number else { return }
            paceUpstreamStream(stream)
        case .trailers:
            answerBody(stream, bytes, 0, ended: true, hasTrailers: true)
            answerEnded(stream, surplusAt: 0, 0)
        case .reset(let code): upstreamStreamReset(stream, code)
        default: break
        }
    }

    /// What came has been handed to the client: the server may send as much again, unless the client is slower.
    mutating func paceUpstreamStream(_ stream: Int32) {
        let number = upstreams[stream].pointee.exchange
        let client = exchanges[number].pointee.client
        guard clients[client].pointee.socket.isBlocked else { return openUpstreamWindow(stream) }
        // The client sets the pace: what its upstream owes is not due meanwhile.
        answerIsHeld(stream)
        timers.set(Worker.clientTimer(client), now + plan.timeouts.clientBody)
    }
}
