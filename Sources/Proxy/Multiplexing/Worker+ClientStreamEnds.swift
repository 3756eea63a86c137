import EventLoop
import HTTP1
import HTTP2
import Report
import Wire

/// The ends of clients' streams: answered, cut, reset.
extension Worker {
    /// The whole answer is with the session: the slot is needed until its bytes have been framed.
    mutating func clientStreamAnswered(_ stream: ClientSlot) {
        let s = clients[stream]
        s.pointee.exchange = .none
        let session = multiplexing[clients[s.pointee.parent].pointee.sharedIndex].session
        // The answer has overtaken its request (RFC 9113 section 8.1).
        s.pointee.abortsWhenDrained = false
        if s.pointee.phase == .body { s.pointee.stopsRequest = true }
        s.pointee.phase = .lingering
        if session.pending(s.pointee.stream) == 0, !s.pointee.stopsRequest { return releaseClientStream(stream) }
        timers.set(Worker.clientTimer(stream), now + plan.timeouts.clientBody)
        if session.pending(s.pointee.stream) == 0 { clientStreamDrained(stream) }
    }

    /// Cuts a stream's answer where the client can see it: after the bytes that it has been given.
    mutating func cutClientStream(_ stream: ClientSlot) {
        let s = clients[stream]
        let session = multiplexing[clients[s.pointee.parent].pointee.sharedIndex].session
        guard session.pending(s.pointee.stream) > 0 else { return closeClient(stream, reset: true) }
        s.pointee.phase = .waiting
        s.pointee.abortsWhenDrained = true
        timers.set(Worker.clientTimer(stream), now + plan.timeouts.clientBody)
    }

    mutating func resetClientStream(_ stream: ClientSlot, _ code: UInt32) {
        let s = clients[stream]
        multiplexing[clients[s.pointee.parent].pointee.sharedIndex].session.reset(s.pointee.stream, code: code)
        frameClient(s.pointee.parent)
    }

    /// Gives a stream's slot back. Its session may still have frames of it to send.
    mutating func releaseClientStream(_ stream: ClientSlot) {
        let s = clients[stream]
        let parent = s.pointee.parent
        let shared = multiplexing[clients[parent].pointee.sharedIndex]
        // Bytes that nobody will read must not keep the connection's window closed.
        let unread = Int(s.pointee.unconsumed) + s.pointee.socket.input.count
        if unread > 0 { shared.consumed(s.pointee.stream, unread, now) }
        shared.session.setTag(s.pointee.stream, -1)
        if s.pointee.awaitsRoom { shared.awaitingRoom -= 1 }
        shared.end(stream, clients)
        timers.close(Worker.clientTimer(stream))
        transport.buffers.give(&s.pointee.socket.input)
        clients.release(stream)
        frameClient(parent)
        if shared.streamCount == 0 { timers.set(Worker.clientTimer(parent), now + sharedIdleTime) }
    }

    /// The connection is over for every stream of it.
    mutating func endClientStreams(_ slot: ClientSlot, _ outcome: AccessEntry.Outcome = .clientGone) {
        let shared = multiplexing[clients[slot].pointee.sharedIndex]
        while !shared.clientStreams.isEmpty { clientStreamReset(shared.clientStreams.first, outcome) }
    }

    mutating func clientStreamReset(_ stream: ClientSlot, _ outcome: AccessEntry.Outcome = .clientGone) {
        let s = clients[stream]
        if s.pointee.exchange.exists { abandon(s.pointee.exchange, outcome) }
        releaseClientStream(stream)
    }

    /// All of a stream's bytes have been framed: whoever feeds it goes on, or it is over.
    mutating func clientStreamDrained(_ stream: ClientSlot) {
        let s = clients[stream]
        s.pointee.socket.isHeldBack = false
        if s.pointee.exchange.exists {
            if s.pointee.phase == .tunnel { touchTunnel(stream, exchanges[s.pointee.exchange]) }
            let upstream = exchanges[s.pointee.exchange].pointee.upstream
            if upstream.exists { queueUpstream(upstream) }
            return
        }
        if s.pointee.abortsWhenDrained { return closeClient(stream, reset: true) }
        guard s.pointee.phase == .lingering else { return }
        if s.pointee.stopsRequest { resetClientStream(stream, ErrorCode.noError) }
        releaseClientStream(stream)
    }

    /// A turn's frames have been sent: is there a reason to keep the connection?
    mutating func clientFramesSent(_ slot: ClientSlot) {
        let c = clients[slot]
        if multiplexing[c.pointee.sharedIndex].awaitingRoom > 0 { callForRoom(slot) }
        let shared = multiplexing[c.pointee.sharedIndex]
        if c.pointee.socket.isBlocked {
            // Only what its socket takes gives it more time, not what it asks for.
            if timers.deadline(Worker.clientTimer(slot)) == 0 {
                timers.set(Worker.clientTimer(slot), now + plan.timeouts.clientBody)
            }
            return
        }
        guard shared.streamCount == 0 else { return timers.set(Worker.clientTimer(slot), 0) }
        guard c.pointee.mustClose else { return }
        if shared.session.wantsWrite { return frameClient(slot) }
        guard c.pointee.lingers else { return closeClient(slot) }
        // Its kernel may have much to deliver yet, and whoever reads that says so in frames, which must not meet a reset.
        endFrames(slot)
        linger(slot, hears: Self.lingeringHearsMax)
    }

    /// GOAWAY asks the client to send its next requests elsewhere. Those on their way are served, until it has been quiet for a while.
    mutating func leaveSharedClient(_ slot: ClientSlot) {
        let shared = multiplexing[clients[slot].pointee.sharedIndex]
        shared.session.warnOfGoAway()
        if shared.streamCount == 0 { timers.set(Worker.clientTimer(slot), now + sharedIdleTime) }
        frameClient(slot)
    }
}
