import Detector
import EventLoop
import Facts
import HTTP1
import HTTP2
import Report
import Wire

/// The end of an answer at its client, and of the client's connection.
extension Worker {
    /// Bytes that the client still sends must not turn the answer into a reset: end our side, read on for a while.
    private static var lingerTime: UInt64 { 2_000_000_000 }
    /// Of frames, so often: half an hour at the most. An open stream can keep a connection for longer.
    static var lingeringHearsMax: UInt32 { 1000 }

    /// The answer has been handed over: the next request, or the end of the connection.
    mutating func answerDone(_ slot: ClientSlot) {
        let c = clients[slot]
        if c.pointee.isStream { return clientStreamAnswered(slot) }
        c.pointee.exchange = .none
        c.pointee.discardsBody = false
        // The rest of the request's body is still to come, and the answer has said that the connection closes.
        if c.pointee.phase == .body { return linger(slot) }
        c.pointee.phase = .head
        if c.pointee.mustClose {
            if c.pointee.lingers || closesInStages(c) { return linger(slot) }
            if c.pointee.socket.isBlocked {
                timers.set(Worker.clientTimer(slot), now + plan.timeouts.clientBody)
            } else {
                closeClient(slot)
            }
            return
        }
        c.pointee.hasUnsentAnswer = c.pointee.socket.isBlocked
        timers.set(
            Worker.clientTimer(slot), now + (c.pointee.socket.isBlocked ? plan.timeouts.clientBody : idleTime))
        if c.pointee.socket.mayHaveInput || departure.isRetiring { queueClient(slot) }
    }

    /// What belongs to TLS may have come after the request, and be unread: a close_notify, new keys. To close over it would be a reset,
    /// which can take the answer with it. And our own close_notify may have to wait for room.
    @inline(__always)
    private func closesInStages(_ c: UnsafeMutablePointer<ClientConnection>) -> Bool {
        c.pointee.socket.security == .open || c.pointee.socket.security == .ended
    }

    /// The connection ends with the current answer, though its client may not have asked for that.
    mutating func endAfterAnswer(_ slot: ClientSlot) {
        let c = clients[slot]
        if !c.pointee.mustClose, !c.pointee.isStream { c.pointee.lingers = true }
        c.pointee.mustClose = true
    }

    /// Whether the answer now being written must say to its client that the connection closes.
    @inline(__always)
    func mustLeave(_ c: UnsafeMutablePointer<ClientConnection>) -> Bool {
        isLeaving && !mayMove(c)
    }

    /// Whether this client can go on with another worker: that takes a listener which is still there, and no state but the socket's.
    func mayMove(_ c: UnsafeMutablePointer<ClientConnection>) -> Bool {
        departure.handsOver(listener: Int(c.pointee.listener)) && !c.pointee.isStream && c.pointee.sharedIndex < 0
            && c.pointee.socket.security == .none
    }

    /// `hears`: how often what the client says shows that it is still reading.
    mutating func linger(_ slot: ClientSlot, hears: UInt32 = 0) {
        let c = clients[slot]
        c.pointee.scanned = hears
        if c.pointee.socket.sawEnd, !c.pointee.socket.isBlocked, !closesInStages(c) { return closeClient(slot) }
        c.pointee.phase = .lingering
        c.pointee.mustClose = true
        transport.endWriting(&c.pointee.socket)
        if c.pointee.socket.sawEnd, !c.pointee.socket.isBlocked { return closeClient(slot) }
        timers.set(Worker.clientTimer(slot), now + (c.pointee.socket.isBlocked ? plan.timeouts.clientBody : Self.lingerTime))
        queueClient(slot)
    }

    /// A client of HTTP/2 that reads its last answers slowly says so in frames, though its kernel has had everything for long: to close before it has
    /// read them would answer its next frame with a reset, which takes the rest from it.
    mutating func heardLingering(_ slot: ClientSlot) {
        let c = clients[slot]
        guard c.pointee.scanned > 0 else { return }
        c.pointee.scanned -= 1
        timers.set(Worker.clientTimer(slot), max(timers.deadline(Worker.clientTimer(slot)), now + Self.lingerTime))
    }

    /// It has been idle for long enough. The announcement of the end may find no room at once.
    mutating func closeIdleClient(_ slot: ClientSlot) {
        let c = clients[slot]
        if closesInStages(c) {
            transport.announceEnd(&c.pointee.socket)
            if c.pointee.socket.isBlocked { return linger(slot) }
        }
        closeClient(slot)
    }

    /// Nothing has happened for a while. Whoever still takes what its kernel has been given, however slowly, is waited for: what it says
    /// meanwhile would turn the close into a reset.
    mutating func lingeringExpired(_ slot: ClientSlot) {
        guard let end = takingTimeEnds(clients[slot], plan.timeouts.clientBody) else { return clientBroke(slot) }
        timers.set(Worker.clientTimer(slot), end)
    }

    /// Everything for the client has been sent and no exchange is in progress. True when that closed the connection.
    mutating func clientDrained(_ slot: ClientSlot) -> Bool {
        let c = clients[slot]
        if c.pointee.phase == .lingering, !c.pointee.socket.sawEnd {
            timers.set(Worker.clientTimer(slot), now + Self.lingerTime)
            return false
        }
        guard c.pointee.mustClose else {
            // What TLS has to say by itself, in a handshake or later: the deadline that there is stands.
            guard c.pointee.hasUnsentAnswer else { return false }
            c.pointee.hasUnsentAnswer = false
            timers.set(Worker.clientTimer(slot), now + idleTime)
            return false
        }
        if c.pointee.phase != .lingering, closesInStages(c) {
            let generation = clients.generation(slot)
            linger(slot)
            return clients.generation(slot) != generation
        }
        closeClient(slot)
        return true
    }

    /// The client is gone in the middle of an exchange, or is cut off: nothing that happens on its connections now is anybody's fault.
    mutating func abandon(_ exchange: ExchangeSlot, _ outcome: AccessEntry.Outcome = .clientGone) {
        let e = exchanges[exchange]
        outbox.clear()
        if e.pointee.state.isWaiting { leaveQueue(exchange) }
        countAnswer(
            exchange, status: e.pointee.state.answered ? Int(e.pointee.answer.status) : 499, route: Int(e.pointee.request.route)
        )
        // Who is still served at a drain's deadline has not left, whatever carries its exchange.
        let isOverdue = departure.isOverdue(now: now)
        logAccess(
            exchange, e.pointee.request, status: e.pointee.state.answered ? Int(e.pointee.answer.status) : 499,
            isOverdue ? .cut : outcome)
        rememberRequest(exchange, e.pointee.request)
        if e.pointee.upstream.exists { detach(e.pointee.upstream, isOverdue ? .drain : .clientGone) }
        transport.buffers.give(&e.pointee.request.head)
        clients[e.pointee.client].pointee.exchange = .none
        releaseExchange(exchange)
    }

    /// The client is gone: nobody wants the answer.
    mutating func clientBroke(_ slot: ClientSlot) {
        let c = clients[slot]
        if c.pointee.exchange.exists { abandon(c.pointee.exchange) }
        closeClient(slot)
    }

    /// There is no more time for a client: what it still has coming is cut, where it can see that.
    mutating func cutClient(_ slot: ClientSlot) {
        let c = clients[slot]
        // Of an answer that is with the socket nobody knows any more what ends it.
        var isHidden = c.pointee.exchange.isNone && c.pointee.socket.isBlocked && c.pointee.holdsAnswer
        if c.pointee.exchange.exists {
            isHidden = exchanges[c.pointee.exchange].pointee.clientFraming == .untilClose
            abandon(c.pointee.exchange, .cut)
        }
        closeClient(slot, reset: isHidden)
    }

    /// The client has taken nothing of its answer for too long. With a reset: nothing else would show it that an answer is cut which its
    /// connection's end ends, and what its kernel has not taken is not kept for it.
    mutating func clientStalled(_ slot: ClientSlot) {
        let c = clients[slot]
        if !c.pointee.isStream, c.pointee.holdsAnswer { counters.countRejected(.stalledConnection) }
        if c.pointee.exchange.exists { abandon(c.pointee.exchange, .cut) }
        if c.pointee.sharedIndex >= 0 { endClientStreams(slot, .cut) }
        closeClient(slot, reset: !c.pointee.isStream)
    }

    /// A connection's bytes are no frames any more.
    mutating func endFrames(_ slot: ClientSlot) {
        recordClientSurplus(slot)
        endClientStreams(slot)
        multiplexing.remove(clients[slot].pointee.sharedIndex)
        clients[slot].pointee.sharedIndex = -1
    }

    /// Closes a client's connection; with RST when its answer has been cut and nothing else shows that.
    mutating func closeClient(_ slot: ClientSlot, reset: Bool = false) {
        let c = clients[slot]
        if c.pointee.isStream {
            resetClientStream(slot, reset ? ErrorCode.internalError : ErrorCode.cancel)
            return releaseClientStream(slot)
        }
        if c.pointee.sharedIndex >= 0 { endFrames(slot) }
        switch c.pointee.socket.security {
        case .handshaking, .refused, .flooded: handshakeFailed(slot)
        default: break
        }
        timers.close(Worker.clientTimer(slot))
        counters.changeClientConnections(listener: Int(c.pointee.listener), by: -1)
        _ = fleetState.changeClients(by: -1)
        transport.shut(&c.pointee.socket, reset: reset)
        clients.release(slot)
        if listeners.isPaused { resumeAccepting() }
    }
}
