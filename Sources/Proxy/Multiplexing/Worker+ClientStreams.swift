import EventLoop
import Exchanges
import HTTP1
import HTTP2
import Report
import Wire

/// Clients that speak HTTP/2: frames in, each stream an exchange with a client slot of its own.
extension Worker {
    /// From here on the client's bytes are frames.
    mutating func beginClientMultiplex(_ slot: Int32) {
        let c = clients[slot]
        guard let session = HTTP2Session(.server, plan.frameLimits, spare: multiplexing.spare) else { return closeClient(slot) }
        c.pointee.multiplex = multiplexing.add(Multiplex(session, .client, slot))
        c.pointee.phase = .multiplexed
        timers.set(Worker.clientTimer(slot), now + plan.timeouts.clientHeader)
        if isLeaving { leaveClientMultiplex(slot) }
        frameClient(slot)
    }

    /// Acts on one fact of a client's frames; its bytes stand at `bytes`. False when the rest is not to be read.
    mutating func clientFrame(_ slot: Int32, _ step: HTTP2Step, _ bytes: UnsafeMutablePointer<UInt8>) -> Bool {
        switch step.event {
        case .head: clientStreamHead(slot, step)
        case .body: clientStreamBody(slot, step, bytes + step.bodyStart)
        case .trailers: clientStreamTrailers(slot, step)
        case .reset:
            if let cause = step.cause { clientStreamBroken(slot, step, cause, bytes + step.bodyStart) }
            if step.tag >= 0 { clientStreamReset(step.tag) }
        case .goAway: clients[slot].pointee.mustClose = true
        case .failed(let failure):
            counters.countRejected(RejectReason(failure))
            tellClientFramesFailed(slot, step, failure)
            clients[slot].pointee.mustClose = true
            endClientStreams(slot)
            return false
        case .refused(let refusal):
            counters.countRejected(RejectReason(refusal))
            if refusal == .malformed { tellRefusedStream(slot, step) }
        case .violation(let violation): clientStreamBroken(slot, step, violation, bytes + step.bodyStart)
        case .surplus: clientSurplusGoesOn(slot, step, bytes + step.bodyStart)
        case .needMore, .pause, .interim: break
        }
        return true
    }

    // MARK: Requests

    private mutating func clientStreamHead(_ slot: Int32, _ step: HTTP2Step) {
        let c = clients[slot]
        let multiplex = multiplexing[c.pointee.multiplex]
        var made = ClientConnection(fd: -1, listener: c.pointee.listener, address: c.pointee.address)
        made.isTrusted = c.pointee.isTrusted
        made.parent = slot
        made.stream = step.stream
        made.endsWithHead = step.ended
        let stream = clients.take(made)
        guard stream >= 0 else {
            counters.countRejected(.tooManyStreams)
            return multiplex.session.reset(step.stream, code: ErrorCode.refusedStream)
        }
        multiplex.begin(stream, clients)
        multiplex.session.setTag(step.stream, stream)
        timers.open(Worker.clientTimer(stream))
        // While it has streams, their deadlines are the connection's.
        if multiplex.streamCount == 1 { timers.set(Worker.clientTimer(slot), 0) }
        startExchange(stream)
        sendRequestHead(stream)
    }

    /// What a stream's request says of its body: it ends with END_STREAM, whatever its length is said to be.
    func streamBody(_ slot: Int32) -> BodyDecoder {
        if clients[slot].pointee.endsWithHead { return BodyDecoder(.none) }
        guard requestBlock.facts.contains(.contentLength) else { return BodyDecoder(.chunked) }
        return BodyDecoder(.length, length: requestBlock.contentLength)
    }

    private mutating func clientStreamBody(_ slot: Int32, _ step: HTTP2Step, _ bytes: UnsafeMutablePointer<UInt8>) {
        let session = multiplexing[clients[slot].pointee.multiplex].session
        guard step.tag >= 0 else { return session.consumed(step.stream, step.bodyCount) }
        let s = clients[step.tag]
        // Behind an extended CONNECT bytes may come before the tunnel is there.
        let isEarly =
            s.pointee.phase == .waiting && s.pointee.exchange >= 0 && exchanges[s.pointee.exchange].pointee.asksUpgrade
        let takes =
            s.pointee.exchange >= 0 && (s.pointee.phase == .body || s.pointee.phase == .tunnel || isEarly)
            && !s.pointee.discardsBody
        guard takes else {
            session.consumed(step.stream, step.bodyCount)
            if step.ended, s.pointee.phase == .body { s.pointee.phase = .waiting }
            return
        }
        if s.pointee.socket.input.isEmpty, !isEarly, streamIsHeard(step.tag) {
            return passStreamBody(step.tag, bytes, step.bodyCount, ended: step.ended)
        }
        // The stream's window bounds what is held until there is a connection to an upstream.
        if step.bodyCount > 0 { transport.buffers.append(&s.pointee.socket.input, bytes, step.bodyCount) }
        if step.ended { s.pointee.endsWithInput = true }
    }

    /// Whether the stream's exchange has a connection that its body can go to.
    private func streamIsHeard(_ stream: Int32) -> Bool {
        let upstream = exchanges[clients[stream].pointee.exchange].pointee.upstream
        return upstream >= 0 && upstreams[upstream].pointee.phase != .connecting
    }

    private mutating func passStreamBody(_ stream: Int32, _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int, ended: Bool) {
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
            timers.set(Worker.clientTimer(stream), ended ? 0 : now + plan.timeouts.clientBody)
            if ended { s.pointee.phase = .waiting }
            forwardRequestBody(stream, bytes, count, ended: ended, hasTrailers: false)
        }
        guard clients.generation(stream) == generation else { return }
        s.pointee.unconsumed += UInt32(count)
        if s.pointee.exchange < 0 || !upstreams[upstream].pointee.socket.isBlocked { openStreamWindow(stream) }
    }

    /// What the client sent has been passed on: it may send as much again.
    private mutating func openStreamWindow(_ stream: Int32) {
        let s = clients[stream]
        guard s.pointee.unconsumed > 0 else { return }
        let parent = s.pointee.parent
        multiplexing[clients[parent].pointee.multiplex].session.consumed(s.pointee.stream, Int(s.pointee.unconsumed))
        s.pointee.unconsumed = 0
        frameClient(parent)
    }

    private mutating func clientStreamTrailers(_ slot: Int32, _ step: HTTP2Step) {
        guard step.tag >= 0 else { return }
        let s = clients[step.tag]
        guard s.pointee.exchange >= 0, s.pointee.phase == .body, !s.pointee.discardsBody else {
            if s.pointee.phase == .body { s.pointee.phase = .waiting }
            return
        }
        guard s.pointee.socket.input.isEmpty, streamIsHeard(step.tag) else {
            // Trailers may be left out by any recipient (RFC 9110 section 6.5.1); the body must not.
            s.pointee.endsWithInput = true
            return
        }
        timers.set(Worker.clientTimer(step.tag), 0)
        s.pointee.phase = .waiting
        forwardRequestBody(step.tag, transport.readBuffer, 0, ended: true, hasTrailers: true)
    }

    /// A stream has its turn: its exchange looks for a connection, or its connection takes bytes again.
    mutating func clientStreamReady(_ stream: Int32) {
        let s = clients[stream]
        let generation = clients.generation(stream)
        if s.pointee.needsUpstream {
            s.pointee.needsUpstream = false
            if s.pointee.exchange >= 0 { answerCall(s.pointee.exchange) }
            guard clients.generation(stream) == generation else { return }
            sendRequestHead(stream)
            guard clients.generation(stream) == generation else { return }
        }
        guard s.pointee.exchange >= 0 else { return openStreamWindow(stream) }
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

    // MARK: Answers

    /// Puts the outbox into a stream's session. False when the stream is gone.
    mutating func deliverToClientStream(_ stream: Int32) -> Bool {
        defer { outbox.clear() }
        let s = clients[stream]
        let parent = s.pointee.parent
        let session = multiplexing[clients[parent].pointee.multiplex].session
        frameClient(parent)
        guard put(outbox: session, s.pointee.stream) else { return false }
        if session.pending(s.pointee.stream) >= Self.streamPendingMax { s.pointee.socket.isHeldBack = true }
        return true
    }

    @inline(__always)
    private func put(outbox session: HTTP2Session, _ stream: Int32) -> Bool {
        var first = 0
        if outbox.beginsWithHead {
            first = 1
            let head = outbox.runs[0]
            let ends = outbox.endsMessage && outbox.count == 1
            guard session.sendHead(stream, head.iov_base.assumingMemoryBound(to: UInt8.self), head.iov_len, ended: ends)
            else { return false }
            if ends { return true }
        }
        return putBody(session, stream, from: first)
    }

    /// Puts the runs behind a header block into a session: body, trailers, end.
    @inline(__always)
    func putBody(_ session: HTTP2Session, _ stream: Int32, from first: Int) -> Bool {
        let bodyRuns = outbox.count - first - (outbox.endsWithTrailers ? 1 : 0)
        let ends = outbox.endsMessage && !outbox.endsWithTrailers
        if bodyRuns > 0 || ends {
            guard session.sendBody(stream, outbox.runs + first, bodyRuns, ended: ends) else { return false }
        }
        guard outbox.endsWithTrailers else { return true }
        let trailers = outbox.runs[outbox.count - 1]
        return session.sendTrailers(stream, trailers.iov_base.assumingMemoryBound(to: UInt8.self), trailers.iov_len)
    }

    /// The whole answer is with the session: the slot is needed until its bytes have been framed.
    mutating func clientStreamAnswered(_ stream: Int32) {
        let s = clients[stream]
        s.pointee.exchange = -1
        let session = multiplexing[clients[s.pointee.parent].pointee.multiplex].session
        // The answer has overtaken its request (RFC 9113 section 8.1).
        s.pointee.abortsWhenDrained = false
        if s.pointee.phase == .body { s.pointee.stopsRequest = true }
        s.pointee.phase = .lingering
        if session.pending(s.pointee.stream) == 0, !s.pointee.stopsRequest { return releaseClientStream(stream) }
        timers.set(Worker.clientTimer(stream), now + plan.timeouts.clientBody)
        if session.pending(s.pointee.stream) == 0 { clientStreamDrained(stream) }
    }

    /// All of a stream's bytes have been framed: whoever feeds it goes on, or it is over.
    mutating func clientStreamDrained(_ stream: Int32) {
        let s = clients[stream]
        s.pointee.socket.isHeldBack = false
        if s.pointee.exchange >= 0 {
            if s.pointee.phase == .tunnel { touchTunnel(stream, exchanges[s.pointee.exchange]) }
            let upstream = exchanges[s.pointee.exchange].pointee.upstream
            if upstream >= 0 { queueUpstream(upstream) }
            return
        }
        if s.pointee.abortsWhenDrained { return closeClient(stream, reset: true) }
        guard s.pointee.phase == .lingering else { return }
        if s.pointee.stopsRequest { resetClientStream(stream, ErrorCode.noError) }
        releaseClientStream(stream)
    }

    /// Cuts a stream's answer where the client can see it: behind the bytes that it has been given.
    mutating func cutClientStream(_ stream: Int32) {
        let s = clients[stream]
        let session = multiplexing[clients[s.pointee.parent].pointee.multiplex].session
        guard session.pending(s.pointee.stream) > 0 else { return closeClient(stream, reset: true) }
        s.pointee.phase = .waiting
        s.pointee.abortsWhenDrained = true
        timers.set(Worker.clientTimer(stream), now + plan.timeouts.clientBody)
    }

    // MARK: Ends

    private mutating func clientStreamReset(_ stream: Int32) {
        let s = clients[stream]
        if s.pointee.exchange >= 0 { abandon(s.pointee.exchange) }
        releaseClientStream(stream)
    }

    mutating func resetClientStream(_ stream: Int32, _ code: UInt32) {
        let s = clients[stream]
        multiplexing[clients[s.pointee.parent].pointee.multiplex].session.reset(s.pointee.stream, code: code)
        frameClient(s.pointee.parent)
    }

    /// Gives a stream's slot back. Its session may still have frames of it to send.
    mutating func releaseClientStream(_ stream: Int32) {
        let s = clients[stream]
        let parent = s.pointee.parent
        let multiplex = multiplexing[clients[parent].pointee.multiplex]
        // Bytes that nobody will read must not keep the connection's window closed.
        let unread = Int(s.pointee.unconsumed) + s.pointee.socket.input.count
        if unread > 0 { multiplex.session.consumed(s.pointee.stream, unread) }
        multiplex.session.setTag(s.pointee.stream, -1)
        multiplex.end(stream, clients)
        timers.close(Worker.clientTimer(stream))
        transport.buffers.give(&s.pointee.socket.input)
        clients.release(stream)
        frameClient(parent)
        if multiplex.streamCount == 0 { timers.set(Worker.clientTimer(parent), now + multiplexIdleTime) }
    }

    /// The connection is over for every stream of it.
    mutating func endClientStreams(_ slot: Int32) {
        let multiplex = multiplexing[clients[slot].pointee.multiplex]
        while !multiplex.streams.isEmpty { clientStreamReset(multiplex.streams.first) }
    }

    /// A turn's frames have been sent: is there a reason to keep the connection?
    mutating func clientFramesSent(_ slot: Int32) {
        let c = clients[slot]
        let multiplex = multiplexing[c.pointee.multiplex]
        if c.pointee.socket.isBlocked { return timers.set(Worker.clientTimer(slot), now + plan.timeouts.clientBody) }
        guard multiplex.streamCount == 0 else { return timers.set(Worker.clientTimer(slot), 0) }
        guard c.pointee.mustClose else { return }
        if multiplex.session.wantsWrite { return frameClient(slot) }
        closeClient(slot)
    }

    private var multiplexIdleTime: UInt64 {
        isLeaving ? min(Self.quietTime, plan.timeouts.clientIdle) : plan.timeouts.clientIdle
    }

    /// The client is told to send its next requests elsewhere. Those on their way are served, until it has been quiet for a while.
    mutating func leaveClientMultiplex(_ slot: Int32) {
        let multiplex = multiplexing[clients[slot].pointee.multiplex]
        multiplex.session.warnOfGoAway()
        if multiplex.streamCount == 0 { timers.set(Worker.clientTimer(slot), now + multiplexIdleTime) }
        frameClient(slot)
    }

    /// Nothing has happened on the connection for as long as a client may be idle, or take to read its answers.
    mutating func clientMultiplexExpired(_ slot: Int32) {
        if clients[slot].pointee.socket.isBlocked { return clientBroke(slot) }
        clients[slot].pointee.mustClose = true
        multiplexing[clients[slot].pointee.multiplex].session.goAway()
        frameClient(slot)
    }
}
