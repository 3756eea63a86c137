import EventLoop
import HTTP1
import HTTP2
import Report
import Wire

/// Clients that speak HTTP/2: frames in, each stream an exchange with a client slot of its own.
extension Worker {
    /// From here on the client's bytes are frames.
    mutating func beginSharedClient(_ slot: ClientSlot) {
        let c = clients[slot]
        guard let session = HTTP2Session(.server, plan.frameLimits, spare: multiplexing.spare) else { return closeClient(slot) }
        c.pointee.sharedIndex = multiplexing.add(SharedConnection(session, .client(slot)))
        c.pointee.phase = .shared
        timers.set(Worker.clientTimer(slot), now + plan.timeouts.clientHeader)
        if isLeaving { leaveSharedClient(slot) }
        frameClient(slot)
    }

    /// Acts on one fact of a client's frames; its bytes stand at `bytes`. False when the rest is not to be read.
    mutating func clientFrame(_ slot: ClientSlot, _ step: HTTP2Step, _ bytes: UnsafeMutablePointer<UInt8>) -> Bool {
        switch step.event {
        case .head: clientStreamHead(slot, step)
        case .body: clientStreamBody(slot, step, bytes + step.bodyStart)
        case .trailers: clientStreamTrailers(slot, step)
        case .reset:
            if let cause = step.cause {
                clientStreamBroken(slot, step, cause, bytes + step.bodyStart)
            } else if step.overLimit != nil {
                counters.countRejected(.headerTooLarge)
            }
            if step.clientSlot.exists { clientStreamReset(step.clientSlot) }
        case .goAway: endSharedClient(slot)
        case .failed(let failure):
            counters.countRejected(RejectReason(failure))
            recordClientFramesFailed(slot, step, failure)
            clients[slot].pointee.mustClose = true
            clients[slot].pointee.lingers = false
            endClientStreams(slot)
            return false
        case .refused(let refusal):
            counters.countRejected(RejectReason(refusal))
            switch refusal {
            case .malformed: recordRefusedStream(slot, step)
            case .headerTooLarge, .tooManyFields: noteTooLarge(slot)
            case .tooManyStreams: break
            }
        case .violation(let violation): clientStreamBroken(slot, step, violation, bytes + step.bodyStart)
        case .surplus: clientSurplusGoesOn(slot, step, bytes + step.bodyStart)
        case .needMore, .pause, .interim: break
        }
        return true
    }

    // MARK: Requests

    /// The session has answered a request whose header block is larger than it keeps: nothing else is known of it.
    private mutating func noteTooLarge(_ slot: ClientSlot) {
        let (status, nobody) = (431, plan.routes.count)
        counters.countRequest(route: nobody, method: .other, status: status)
        counters.observeRequestDuration(route: nobody, nanoseconds: 0)
        logRefusal(slot, status: status, route: nil, id: newRequestID(), ownBytes: 0, hasWholeHead: false, incident: nil)
    }

    private mutating func clientStreamHead(_ slot: ClientSlot, _ step: HTTP2Step) {
        let c = clients[slot]
        let shared = multiplexing[c.pointee.sharedIndex]
        var made = ClientConnection(fd: -1, listener: c.pointee.listener, address: c.pointee.address)
        made.isTrusted = c.pointee.isTrusted
        made.parent = slot
        made.stream = step.stream
        made.endsWithHead = step.ended
        made.awaitsRoom = step.isNarrow && narrowStreams(shared) >= plan.limits.narrowStreams
        let stream = clients.take(made)
        guard stream.exists else {
            counters.countRejected(.tooManyStreams)
            return shared.session.reset(step.stream, code: ErrorCode.refusedStream)
        }
        shared.begin(stream, clients)
        if made.awaitsRoom { shared.awaitingRoom += 1 }
        shared.session.setTag(step.stream, stream.index)
        timers.open(Worker.clientTimer(stream))
        // While it has streams, their deadlines are the connection's.
        if shared.streamCount == 1 { timers.set(Worker.clientTimer(slot), 0) }
        startExchange(stream)
        sendRequestHead(stream)
    }

    private mutating func clientStreamBody(_ slot: ClientSlot, _ step: HTTP2Step, _ bytes: UnsafeMutablePointer<UInt8>) {
        let session = multiplexing[clients[slot].pointee.sharedIndex].session
        guard step.clientSlot.exists else { return session.consumed(step.stream, step.bodyCount) }
        let s = clients[step.clientSlot]
        // Behind an extended CONNECT bytes may come before the tunnel is there.
        let isEarly =
            s.pointee.phase == .waiting && s.pointee.exchange.exists && exchanges[s.pointee.exchange].pointee.asksUpgrade
        let takes =
            s.pointee.exchange.exists && (s.pointee.phase == .body || s.pointee.phase == .tunnel || isEarly)
            && !s.pointee.discardsBody
        guard takes else {
            session.consumed(step.stream, step.bodyCount)
            if step.ended, s.pointee.phase == .body { s.pointee.phase = .waiting }
            return
        }
        if s.pointee.socket.input.isEmpty, !isEarly, streamIsHeard(step.clientSlot) {
            return passStreamBody(step.clientSlot, bytes, step.bodyCount, ended: step.ended)
        }
        // The stream's window bounds what is held until there is a connection to an upstream.
        if step.bodyCount > 0 { transport.buffers.append(&s.pointee.socket.input, bytes, step.bodyCount) }
        if step.ended { s.pointee.endsWithInput = true }
    }

    private mutating func passStreamBody(_ stream: ClientSlot, _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int, ended: Bool)
    {
        let s = clients[stream]
        let generation = clients.generation(stream)
        let upstream = exchanges[s.pointee.exchange].pointee.upstream
        if s.pointee.phase == .tunnel {
            if count > 0 { forwardTunnel(fromClient: stream, bytes, count) }
            if ended, clients.generation(stream) == generation {
                s.pointee.stopsRequest = false
                tunnelEnded(fromClient: stream)
            }
        } else {
            requestHasCome(stream, ended: ended)
            if ended { s.pointee.phase = .waiting }
            forwardRequestBody(stream, bytes, count, ended: ended, hasTrailers: false)
        }
        guard clients.generation(stream) == generation else { return }
        s.pointee.unconsumed += UInt32(count)
        if s.pointee.exchange.isNone || !upstreams[upstream].pointee.socket.isBlocked { openStreamWindow(stream) }
    }

    private mutating func clientStreamTrailers(_ slot: ClientSlot, _ step: HTTP2Step) {
        guard step.clientSlot.exists else { return }
        let s = clients[step.clientSlot]
        guard s.pointee.exchange.exists, s.pointee.phase == .body, !s.pointee.discardsBody else {
            if s.pointee.phase == .body { s.pointee.phase = .waiting }
            return
        }
        guard s.pointee.socket.input.isEmpty, streamIsHeard(step.clientSlot) else {
            // Trailers may be left out by any recipient (RFC 9110 section 6.5.1); the body must not.
            s.pointee.endsWithInput = true
            return
        }
        requestHasCome(step.clientSlot, ended: true)
        s.pointee.phase = .waiting
        forwardRequestBody(step.clientSlot, transport.readBuffer, 0, ended: true, hasTrailers: true)
    }

    /// A stream has its turn: its exchange looks for a connection, or its connection takes bytes again.
    mutating func clientStreamReady(_ stream: ClientSlot) {
        let s = clients[stream]
        let generation = clients.generation(stream)
        if s.pointee.needsUpstream {
            s.pointee.needsUpstream = false
            if s.pointee.exchange.exists { streamLooksForUpstream(stream) }
            guard clients.generation(stream) == generation else { return }
            sendRequestHead(stream)
            guard clients.generation(stream) == generation else { return }
        }
        guard s.pointee.exchange.exists else { return openStreamWindow(stream) }
        guard streamIsHeard(stream) else { return }
        if !upstreams[exchanges[s.pointee.exchange].pointee.upstream].pointee.socket.isBlocked { openStreamWindow(stream) }
        guard s.pointee.phase == .body || s.pointee.phase == .tunnel, !s.pointee.socket.input.isEmpty || s.pointee.endsWithInput
        else { return }
        var held = s.pointee.socket.input
        s.pointee.socket.input = Buffer()
        let ended = s.pointee.endsWithInput
        s.pointee.endsWithInput = false
        if s.pointee.discardsBody {
            s.pointee.unconsumed += UInt32(held.count)
            openStreamWindow(stream)
            if ended { s.pointee.phase = .waiting }
        } else {
            passStreamBody(stream, held.isEmpty ? transport.readBuffer : held.first, held.count, ended: ended)
        }
        transport.buffers.give(&held)
    }

    /// It was called from a queue, or there is room for its answer.
    private mutating func streamLooksForUpstream(_ stream: ClientSlot) {
        let s = clients[stream]
        guard exchanges[s.pointee.exchange].pointee.state.place == .seeking else { return answerCall(s.pointee.exchange) }
        timers.set(Worker.clientTimer(stream), s.pointee.phase == .body ? now + plan.timeouts.clientBody : 0)
        findUpstream(s.pointee.exchange)
    }

    // MARK: Ends

    var sharedIdleTime: UInt64 {
        isLeaving ? min(Self.quietTime, plan.timeouts.clientIdle) : plan.timeouts.clientIdle
    }

    /// Nothing has happened on the connection for as long as a client may be idle, or take to read its answers.
    mutating func sharedClientExpired(_ slot: ClientSlot) {
        if let end = answerTimeEnds(slot) { return timers.set(Worker.clientTimer(slot), end) }
        if clients[slot].pointee.socket.isBlocked { return clientStalled(slot) }
        if let end = idleTimeEnds(slot) { return timers.set(Worker.clientTimer(slot), end) }
        endSharedClient(slot)
        multiplexing[clients[slot].pointee.sharedIndex].session.goAway()
        frameClient(slot)
    }

    /// The connection ends in good order as soon as no stream is in progress.
    private mutating func endSharedClient(_ slot: ClientSlot) {
        clients[slot].pointee.mustClose = true
        clients[slot].pointee.lingers = true
    }
}
