import EventLoop
import HTTP1
import Report
import Wire

/// Bytes that the kernel moves from one side of an exchange to the other, unread: the middle of long bodies in both directions, and what
/// passes through tunnels in quantity.
///
/// Only between connections of HTTP/1 in cleartext of which nothing is captured, and of bodies only those with a Content-Length. The first
/// bytes are read: an answer's are looked through for a second answer, a request's may have to be sent again. So are the last, so that an
/// end, and whatever comes after it, is dealt with where all ends are. Who has offended lately is looked at whole. A request's body and a
/// tunnel are moved while much comes at once: for the frames of a chat a pipe costs more than it saves.
///
/// What a side does not take waits in the pipe to it (`Exchange.toClient`, `toUpstream`), and the side `isHeldBack`: as long as that
/// is so the other is not read, and so its end comes after these bytes.
extension Worker {
    // MARK: To the client

    /// Whether what the upstream sends next is to pass unread.
    @inline(__always)
    mutating func movesAnswer(_ slot: UpstreamSlot) -> Bool {
        let u = upstreams[slot]
        let left = u.pointee.decoder.lengthLeft
        if left > 0 { return mayMoveAnswer(slot, left) }
        return u.pointee.decoder.phase == .tunnel && exchanges[u.pointee.exchange].pointee.toClient.isBroad
            && mayMove(fromUpstream: slot)
    }

    private mutating func mayMoveAnswer(_ slot: UpstreamSlot, _ left: UInt64) -> Bool {
        let u = upstreams[slot]
        let e = exchanges[u.pointee.exchange]
        guard left >= UInt64(plan.limits.lastBytes + plan.limits.movedBytes), e.pointee.clientFraming == .length,
            e.pointee.answer.bodyBytes >= UInt64(plan.limits.searchedBytes), !u.pointee.statusLine.isFound,
            u.pointee.statusLine.matched == 0, mayMove(fromUpstream: slot)
        else { return false }
        return !servers.isQuarantined(u.pointee.server, now)
    }

    @inline(__always)
    private func mayMove(fromUpstream slot: UpstreamSlot) -> Bool {
        let u = upstreams[slot]
        let c = clients[exchanges[u.pointee.exchange].pointee.client]
        return !u.pointee.isStream && !c.pointee.isStream && transport.mayMove(from: &u.pointee.socket, to: &c.pointee.socket)
    }

    /// Moves what has come of an answer to its client, as far as that takes it. False when it has to be read after all.
    mutating func moveAnswer(_ slot: UpstreamSlot) -> Bool {
        let u = upstreams[slot]
        let e = exchanges[u.pointee.exchange]
        let c = clients[e.pointee.client]
        let isTunnel = u.pointee.decoder.phase == .tunnel
        let most = isTunnel ? UInt64.max : u.pointee.decoder.lengthLeft - UInt64(plan.limits.lastBytes)
        let moved = transport.move(
            from: &u.pointee.socket, .upstream, to: &c.pointee.socket, most: most, through: &e.pointee.toClient.pipe)
        guard case .bytes(let count) = moved else { return moved == .nothing }
        u.pointee.received += UInt64(count)
        e.pointee.answer.bodyBytes += UInt64(count)
        if isTunnel {
            e.pointee.toClient.note(count, least: plan.limits.movedBytes)
            touchTunnel(e.pointee.client, e)
        } else {
            e.pointee.answer.isUnsearched = true
            u.pointee.decoder.skip(count)
            timers.set(upstreamTimer(slot), now + bodyIdleTimeout(e))
        }
        if c.pointee.socket.isBroken { clientBroke(e.pointee.client) } else { continueMoving(to: e.pointee.client) }
        return true
    }

    /// Sends what waits in a pipe for a client, as far as that takes it. False when the client is gone.
    mutating func emptyPipe(to client: ClientSlot) -> Bool {
        let c = clients[client]
        guard c.pointee.socket.isHeldBack else { return true }
        // Whoever has held it back has moved.
        timers.set(Worker.clientTimer(client), now + plan.timeouts.clientBody)
        let e = exchanges[c.pointee.exchange]
        guard transport.moveOut(&e.pointee.toClient.pipe, to: &c.pointee.socket, .client) else { return false }
        continueMoving(to: client)
        return true
    }

    /// The turn's moves were over before the pipe was empty, though the client takes more: the next turn goes on. Where it takes no more, an
    /// event says when it does.
    private mutating func continueMoving(to client: ClientSlot) {
        let c = clients[client]
        if c.pointee.socket.isHeldBack, c.pointee.socket.isWritable { queueClient(client) }
    }

    // MARK: To the upstream

    /// Whether what the client sends next is to pass unread.
    @inline(__always)
    mutating func movesRequest(_ slot: ClientSlot) -> Bool {
        let c = clients[slot]
        guard c.pointee.phase == .body || c.pointee.phase == .tunnel, c.pointee.exchange.exists,
            exchanges[c.pointee.exchange].pointee.toUpstream.isBroad
        else { return false }
        return mayMoveRequest(slot)
    }

    private mutating func mayMoveRequest(_ slot: ClientSlot) -> Bool {
        let c = clients[slot]
        let e = exchanges[c.pointee.exchange]
        if c.pointee.phase == .body {
            let left = c.pointee.body.framing == .length ? c.pointee.body.remaining : 0
            guard left >= UInt64(plan.limits.lastBytes + plan.limits.movedBytes), !c.pointee.discardsBody, !e.pointee.keepsBody
            else { return false }
        }
        guard e.pointee.upstream.exists else { return false }
        let u = upstreams[e.pointee.upstream]
        return !u.pointee.isStream && !c.pointee.isStream && transport.mayMove(from: &c.pointee.socket, to: &u.pointee.socket)
    }

    /// Moves what has come of a request's body, or through a tunnel, to the upstream, as far as that takes it. False when it has to be
    /// read after all. A body is no longer than it may be: its length has been looked at.
    mutating func moveRequest(_ slot: ClientSlot) -> Bool {
        let c = clients[slot]
        let e = exchanges[c.pointee.exchange]
        let u = upstreams[e.pointee.upstream]
        let isTunnel = c.pointee.phase == .tunnel
        let most = isTunnel ? UInt64.max : c.pointee.body.remaining - UInt64(plan.limits.lastBytes)
        let moved = transport.move(
            from: &c.pointee.socket, .client, to: &u.pointee.socket, most: most, through: &e.pointee.toUpstream.pipe)
        guard case .bytes(let count) = moved else { return moved == .nothing }
        u.pointee.sent += UInt64(count)
        e.pointee.requestBytes += UInt64(count)
        e.pointee.toUpstream.note(count, least: plan.limits.movedBytes)
        if isTunnel {
            touchTunnel(slot, e)
        } else {
            c.pointee.body.skip(count)
            timers.set(Worker.clientTimer(slot), now + plan.timeouts.clientBody)
        }
        if u.pointee.socket.isBroken {
            upstreamRefusesBytes(e.pointee.upstream)
        } else {
            continueMoving(to: e.pointee.upstream)
        }
        return true
    }

    /// Sends what waits in a pipe for an upstream, as far as that takes it. False when it takes no more.
    mutating func emptyPipe(to upstream: UpstreamSlot) -> Bool {
        let u = upstreams[upstream]
        guard u.pointee.socket.isHeldBack else { return true }
        let e = exchanges[u.pointee.exchange]
        guard transport.moveOut(&e.pointee.toUpstream.pipe, to: &u.pointee.socket, .upstream) else { return false }
        continueMoving(to: upstream)
        return true
    }

    /// The turn's moves were over before the pipe was empty, though the upstream takes more: the next turn goes on. Where it takes no more, an
    /// event says when it does.
    private mutating func continueMoving(to upstream: UpstreamSlot) {
        let u = upstreams[upstream]
        if u.pointee.socket.isHeldBack, u.pointee.socket.isWritable { queueUpstream(upstream) }
    }
}
