import Detector
import EventLoop
import Facts
import HTTP1
import Report
import Wire

/// Upstream connections: reading answers and handing each fact on.
extension Worker {
    /// A connection to an upstream has something to read, or room to write, or its turn again.
    mutating func upstreamReady(_ slot: UpstreamSlot) {
        let u = upstreams[slot]
        if u.pointee.isStream { return upstreamStreamReady(slot) }
        if u.pointee.sharedIndex >= 0 { return sharedUpstreamReady(slot) }
        switch u.pointee.phase {
        case .shared: break
        case .connecting:
            if connectGoesOn(slot), u.pointee.phase == .active { readUpstream(slot) }
        case .active:
            if u.pointee.socket.isBlocked, u.pointee.socket.isWritable {
                if !transport.flush(&u.pointee.socket, .upstream) || !emptyPipe(to: slot) { upstreamRefusesBytes(slot) }
                requestMoves(slot)
            }
            readUpstream(slot)
        case .resting, .settled: pooledReady(slot)
        case .watched, .surplus: readWatched(slot)
        }
    }

    /// Reads an upstream's connection as long as there is something, and its client takes it.
    private mutating func readUpstream(_ slot: UpstreamSlot) {
        let u = upstreams[slot]
        var rounds = 0
        var steps = 0
        var isFirst = true
        while true {
            if u.pointee.exchange.exists, clients[exchanges[u.pointee.exchange].pointee.client].pointee.socket.isBlocked {
                return answerIsHeld(slot)
            }
            if isFirst { resumeDeadline(slot) }
            guard u.pointee.socket.isReadable || (isFirst && !u.pointee.socket.input.isEmpty) else { return }
            guard rounds < Self.readsPerTurn else { return queueUpstream(slot) }
            rounds += 1
            isFirst = false
            let generation = upstreams.generation(slot)
            let isMoved = movesAnswer(slot) && moveAnswer(slot)
            let count = isMoved ? 0 : transport.load(&u.pointee.socket, .upstream)
            let consumed = isMoved ? 0 : upstreamBytes(slot, count, &steps)
            guard upstreams.generation(slot) == generation, u.pointee.phase == .active else { return }
            transport.keep(&u.pointee.socket, from: consumed, to: count)
            if steps >= Self.stepsPerTurn, consumed < count { return queueUpstream(slot) }
            if u.pointee.socket.sawEnd || u.pointee.socket.isBroken { return upstreamEnded(slot) }
        }
    }

    /// Acts on `count` bytes at the start of the read buffer; returns how many are used up.
    private mutating func upstreamBytes(_ slot: UpstreamSlot, _ count: Int, _ steps: inout Int) -> Int {
        let u = upstreams[slot]
        guard count > 0 else { return 0 }
        let exchange = u.pointee.exchange
        if exchanges[exchange].pointee.state.answer == .awaited, !answerBegins(slot, count) { return count }
        let client = exchanges[exchange].pointee.client
        let generation = upstreams.generation(slot)
        var position = 0
        while position < count, steps < Self.stepsPerTurn {
            steps += 1
            let step = u.pointee.decoder.next(
                transport.readBuffer + position, count: count - position, limits: plan.limits.answerHead, block: &responseBlock)
            switch step.event {
            case .needMore:
                sendToClient(client)
                return position
            case .interim:
                guard interimMayPass(slot) else { return count }
                forwardInterim(exchange)
                // It was one too many, or the client went away with it: its exchange, and this connection, went with it.
                guard upstreams.generation(slot) == generation else { return count }
            case .head:
                guard isOwnAnswer(slot, at: position, count) else { return count }
                guard answerHead(slot, ended: step.ended) else { return count }
            case .switched: switchToTunnel(slot)
            case .body: pass(step, at: position, slot)
            case .interimInBody:
                pass(step, at: position, slot)
                let start = UInt64(max(0, step.consumed - responseBlock.byteCount))
                let sighting = Sighting(slot, at: u.pointee.received + start, responseBlock.base, responseBlock.byteCount)
                guard interimInBody(sighting) else { return count }
            case .surplus: return count
            case .malformed(let fault):
                if let passed = lineEndsBeforeAnswer(slot, transport.readBuffer + position, count - position) {
                    guard passed > 0 else { return position }
                    position += passed
                    u.pointee.received += UInt64(passed)
                    continue
                }
                // Body bytes that came before are good; they are counted, and delivered as far as the policy goes.
                pass(step, at: position, slot)
                u.pointee.received += UInt64(step.consumed)
                malformed(slot, fault, transport.readBuffer + position + step.consumed, count - position - step.consumed)
                return count
            }
            position += step.consumed
            u.pointee.received += UInt64(step.consumed)
            if step.ended {
                answerEnded(slot, surplusAt: position, count)
                return count
            }
            // Many small steps in one read must not outgrow the outbox.
            if outbox.count > Outbox.runsMax - 6 {
                sendToClient(client)
                guard upstreams.generation(slot) == generation else { return count }
            }
        }
        sendToClient(client)
        return position
    }

    /// The first bytes that may be an answer to the request: false when they left before it arrived, and have been dealt with.
    @inline(__always)
    private mutating func answerBegins(_ slot: UpstreamSlot, _ count: Int) -> Bool {
        let u = upstreams[slot]
        let e = exchanges[u.pointee.exchange]
        e.pointee.state.receive(.answerBegan)
        if u.pointee.ordinal > 1, u.pointee.asksAcknowledgement, wasSentBeforeRequest(slot, count),
            sentBeforeRequest(slot, count)
        {
            return false
        }
        // The mark shows for certain whether it is an answer to this request; until then it may have to be sent again.
        if !u.pointee.echoes { forgetBody(u.pointee.exchange) }
        return true
    }

    /// Passes on the body bytes of a step that begins at `position`.
    @inline(__always)
    private mutating func pass(_ step: ResponseStep, at position: Int, _ slot: UpstreamSlot) {
        answerBody(
            slot, transport.readBuffer + position + step.bodyStart, step.bodyCount, ended: step.ended,
            hasTrailers: step.hasTrailers)
    }

    /// The upstream ended its side, or the connection failed, in the middle of an exchange.
    private mutating func upstreamEnded(_ slot: UpstreamSlot) {
        let u = upstreams[slot]
        let exchange = u.pointee.exchange
        noteEnding(slot, mayBeHangup: false)
        if u.pointee.socket.security == .failed { logUpstreamTLS(slot) }
        guard exchange.exists else { return closeUpstream(slot, .upstreamClosed) }
        let left = u.pointee.socket.input.count
        switch u.pointee.decoder.phase {
        case .head:
            if left > 0, SurplusReader.isOnlyLineEnds(u.pointee.socket.input.first, left) {
                recordLineEnds(slot, u.pointee.socket.input.first, left)
            } else if left > 0 {
                return truncated(slot, .inHead)
            }
            let reason = noAnswer(slot)
            // That a pooled connection has ended says nothing of its server; that a new one has, does.
            let isServersFailure = reason == .unanswered || !exchanges[exchange].pointee.wasPooled
            if isServersFailure {
                let what = u.pointee.socket.security == .flooded ? "floods TLS" : "closed the connection"
                serverFailed(u.pointee.server, .hungUp, "\(what) without an answer")
                avoid(u.pointee.server, exchange)
            }
            detach(slot, .upstreamClosed)
            retryOrFail(exchange, reason)
        case .body:
            // A body that ends with its connection is whole when its header block is (RFC 9112 section 8); with TLS, when the end
            // was announced (section 9.8).
            let isAnnounced = !u.pointee.socket.isBroken && !u.pointee.socket.isCut
            if isAnnounced || u.pointee.socket.security == .none, u.pointee.decoder.receiveEnd() {
                return answerEndedWithConnection(slot)
            }
            if left > 0, u.pointee.decoder.body.isAtChunkSize, u.pointee.socket.security != .flooded {
                transport.readBuffer.update(from: u.pointee.socket.input.first, count: left)
                return malformed(slot, .chunkSize, transport.readBuffer, left)
            }
            truncated(slot, .inBody)
        case .tunnel: if u.pointee.socket.isBroken { tunnelBroken(slot) } else { tunnelEnded(fromUpstream: slot) }
        case .idle: detach(slot, .upstreamClosed)
        }
    }

    // MARK: Pooled connections

    /// Something happened on a connection that waits in the pool.
    private mutating func pooledReady(_ slot: UpstreamSlot) {
        let u = upstreams[slot]
        guard u.pointee.socket.isReadable || u.pointee.socket.peerEnded else { return }
        var rounds = 0
        repeat {
            guard rounds < Self.readsPerTurn else { return queueUpstream(slot) }
            rounds += 1
            let count = transport.load(&u.pointee.socket, .upstream)
            if count > 0 {
                unpool(slot)
                beginSurplus(slot, .idle, transport.readBuffer, count)
                return readWatched(slot)
            }
            // A record that says nothing to us may have the end behind it, of which no other event tells.
        } while u.pointee.socket.isReadable && !u.pointee.socket.sawEnd && !u.pointee.socket.isBroken
        if u.pointee.socket.sawEnd || u.pointee.socket.isBroken {
            let idle = now - u.pointee.pooledAt
            if u.pointee.socket.sawEnd {
                IdleLimit.noteEnd(&servers[u.pointee.server].shared.pointee.idleLimit, idle: idle, now)
            }
            unpool(slot)
            pooledConnectionEnded(slot)
        }
    }
}
