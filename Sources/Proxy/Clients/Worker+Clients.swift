import EventLoop
import HTTP1
import HTTP2
import Report
import Wire

/// Client connections as they are read: bytes become requests and their bodies.
extension Worker {
    /// A connection of a client has something to read, or room to write, or its turn again.
    mutating func clientReady(_ slot: ClientSlot) {
        let c = clients[slot]
        if c.pointee.isStream { return clientStreamReady(slot) }
        if c.pointee.awaitsProxyHeader, !readProxyHeader(slot) { return }
        if departure.isRetiring, moveToSuccessor(slot) { return }
        if c.pointee.needsUpstream {
            c.pointee.needsUpstream = false
            if c.pointee.exchange.exists { answerCall(c.pointee.exchange) }
            sendRequestHead(slot)
        }
        if c.pointee.socket.isBlocked, c.pointee.socket.isWritable {
            let waiting = c.pointee.socket.output.count
            guard transport.flush(&c.pointee.socket, .client), emptyPipe(to: slot) else { return clientBroke(slot) }
            if c.pointee.socket.output.count < waiting, c.pointee.holdsAnswer {
                timers.set(Worker.clientTimer(slot), now + plan.timeouts.clientBody)
            }
            if !c.pointee.socket.isBlocked {
                if c.pointee.phase == .shared {
                    frameClient(slot)
                } else if c.pointee.exchange.exists {
                    if c.pointee.phase == .tunnel { touchTunnel(slot, exchanges[c.pointee.exchange]) }
                    let upstream = exchanges[c.pointee.exchange].pointee.upstream
                    if upstream.exists { queueUpstream(upstream) }
                } else if clientDrained(slot) {
                    return
                }
            }
        }
        if c.pointee.phase == .shared { readFrames(.client(slot)) } else { readClient(slot) }
    }

    /// Reads a client's connection as long as there is something, and somewhere for it to go.
    private mutating func readClient(_ slot: ClientSlot) {
        let c = clients[slot]
        var rounds = 0
        var steps = 0
        var isFirst = true
        while true {
            if c.pointee.socket.isBroken { return clientBroke(slot) }
            guard mayRead(c) else {
                // Its TLS has failed behind what waits here: nothing can be answered any more.
                if c.pointee.socket.security == .failed, !c.pointee.socket.isBlocked { return clientBroke(slot) }
                break
            }
            guard c.pointee.socket.isReadable || (isFirst && !c.pointee.socket.input.isEmpty) else { break }
            guard rounds < Self.readsPerTurn else { return queueClient(slot) }
            rounds += 1
            isFirst = false
            let generation = clients.generation(slot)
            let isMoved = movesRequest(slot) && moveRequest(slot)
            let count = isMoved ? 0 : transport.load(&c.pointee.socket, .client)
            let consumed = isMoved ? 0 : clientBytes(slot, count, &steps)
            if clients.generation(slot) != generation { return outbox.clear() }
            if c.pointee.phase == .shared {
                transport.keep(&c.pointee.socket, from: consumed, to: count)
                return readFrames(.client(slot))
            }
            sendRequestHead(slot)
            transport.keep(&c.pointee.socket, from: consumed, to: count)
            if steps >= Self.stepsPerTurn, consumed < count { return queueClient(slot) }
            if c.pointee.socket.sawEnd {
                // What came before the end, requests or the rest of a body, is still to be worked off.
                if !c.pointee.socket.input.isEmpty, !mayRead(c) { break }
                clientEnded(slot)
                return
            }
        }
        // A failed socket is noticed even while nobody reads it.
        if c.pointee.socket.peerEnded, c.pointee.exchange.exists, !mayRead(c), kernel.takeError(c.pointee.socket.fd) != 0 {
            clientBroke(slot)
        }
    }

    /// Whether bytes from the client have somewhere to go.
    @inline(__always)
    private func mayRead(_ c: UnsafeMutablePointer<ClientConnection>) -> Bool {
        switch c.pointee.phase {
        case .head: return !c.pointee.mustClose && !c.pointee.socket.isBlocked
        case .lingering: return true
        case .waiting, .shared: return false
        case .body, .tunnel:
            if c.pointee.discardsBody { return true }
            guard c.pointee.exchange.exists else { return false }
            let upstream = exchanges[c.pointee.exchange].pointee.upstream
            guard upstream.exists else { return false }
            let u = upstreams[upstream]
            return u.pointee.phase != .connecting && !u.pointee.socket.isBlocked
        }
    }

    /// Acts on `count` bytes at the start of the read buffer; returns how many are used up.
    private mutating func clientBytes(_ slot: ClientSlot, _ count: Int, _ steps: inout Int) -> Int {
        let c = clients[slot]
        let generation = clients.generation(slot)
        var position = 0
        while position < count, steps < Self.stepsPerTurn {
            guard mayRead(c) else { return position }
            steps += 1
            switch c.pointee.phase {
            case .head:
                guard let used = clientHead(slot, position, count) else { return position }
                position += used
            case .body:
                let used = clientBody(slot, position, count)
                position += used
                if used == 0 { return position }
            case .tunnel:
                forwardTunnel(fromClient: slot, transport.readBuffer + position, count - position)
                return count
            case .lingering:
                heardLingering(slot)
                return count
            case .waiting: return count
            case .shared: return position
            }
            guard clients.generation(slot) == generation else { return count }
        }
        return position
    }

    /// Reads a request's header block at `position`. Returns the bytes used, nil when there are not enough.
    private mutating func clientHead(_ slot: ClientSlot, _ position: Int, _ count: Int) -> Int? {
        let c = clients[slot]
        let bytes = transport.readBuffer + position
        let available = count - position
        if c.pointee.http2 != .never {
            if c.pointee.http2 == .always || c.pointee.socket.agreedHTTP2 {
                beginSharedClient(slot)
                return 0
            }
            if ClientPreface.begins(bytes, available) {
                guard available >= ClientPreface.byteCount else { return nil }
                beginSharedClient(slot)
                return 0
            }
            c.pointee.http2 = .never
        }
        if c.pointee.scanned > 0, position == 0, available <= plan.limits.headerBytes,
            !HeadEnd.isIn(bytes, from: Int(c.pointee.scanned), count: available)
        {
            c.pointee.scanned = UInt32(available)
            return nil
        }
        let outcome = HeadParser.request(bytes, count: available, limits: plan.limits.head, into: &requestBlock)
        switch outcome {
        case .incomplete:
            if c.pointee.scanned == 0 { timers.set(Worker.clientTimer(slot), now + plan.timeouts.clientHeader) }
            c.pointee.scanned = UInt32(available)
            return nil
        case .malformed(let fault):
            c.pointee.scanned = 0
            refuse(slot, requestFault: .malformed(fault))
            return nil
        case .complete:
            c.pointee.scanned = 0
            let used = requestBlock.byteCount
            startExchange(slot)
            return used
        }
    }

    /// Passes on body bytes at `position`. Returns the bytes used.
    private mutating func clientBody(_ slot: ClientSlot, _ position: Int, _ count: Int) -> Int {
        let c = clients[slot]
        let step = c.pointee.body.decode(
            transport.readBuffer + position, count: count - position, limits: plan.limits.head, block: &requestBlock)
        switch step.outcome {
        case .malformed(let fault):
            requestBodyMalformed(slot, fault)
            return step.consumed
        case .interim:
            requestBodyMalformed(slot, .chunkSize)
            return step.consumed
        case .more, .end: break
        }
        let ended = step.outcome == .end
        if step.bodyCount > 0 || ended { requestHasCome(slot, ended: ended) }
        if ended { c.pointee.phase = .waiting }
        if !c.pointee.discardsBody {
            forwardRequestBody(
                slot, transport.readBuffer + position + step.bodyStart, step.bodyCount, ended: ended,
                hasTrailers: step.hasTrailers)
        }
        return step.consumed
    }

    /// The client ended its side of the connection.
    private mutating func clientEnded(_ slot: ClientSlot) {
        let c = clients[slot]
        switch c.pointee.phase {
        // The rest of its answer is still to be sent.
        case .head where c.pointee.exchange.isNone && c.pointee.socket.isBlocked, .lingering where c.pointee.socket.isBlocked:
            c.pointee.mustClose = true
        case .head, .lingering: closeClient(slot)
        case .body: clientBroke(slot)
        case .tunnel: tunnelEnded(fromClient: slot)
        // A half-closed client still reads its answer (RFC 9112 section 9.6).
        case .waiting: c.pointee.mustClose = true
        case .shared: clientBroke(slot)
        }
    }
}
