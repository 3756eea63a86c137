import CShim
import Detector
import EventLoop
import Exchanges
import HTTP1
import Report
import Wire

/// Bytes that no answer accounts for: collecting them, acting at once, judging when they have ended.
extension Worker {
    /// So long an upstream is listened to for strays, after its last exchange and after the first surplus byte.
    static var listenTime: UInt64 { 100_000_000 }

    /// Bytes have come behind an answer's end. Acts now; the incident is told when the bytes have ended.
    mutating func beginSurplus(_ slot: Int32, _ place: SurplusPlace, _ bytes: UnsafePointer<UInt8>, _ count: Int) {
        collectFrom(slot, place, bytes, count)
        // Stray line ends are no second answer, and a timeout's notice is innocent once the close is there. What else has
        // come is a second answer until its bytes say otherwise.
        let isOnlyLineEnds = (0..<count).allSatisfy { bytes[$0] == 0x0d || bytes[$0] == 0x0a }
        if !isOnlyLineEnds, !EmbeddedStatusLine.mayBe(408, bytes, count) {
            quarantine(slot, for: upstreams[slot].pointee.last)
        }
    }

    private mutating func collectFrom(_ slot: Int32, _ place: SurplusPlace, _ bytes: UnsafePointer<UInt8>, _ count: Int) {
        let u = upstreams[slot]
        var collection = SurplusCollection(place, connectionOffset: u.pointee.received, startedAt: now)
        collection.add(bytes, count)
        collections[slot] = collection
        u.pointee.received += UInt64(count)
        u.pointee.phase = .surplus
        buffers.give(&u.pointee.socket.input)
        timers.set(upstreamTimer(slot), now + Self.listenTime)
    }

    /// The connection serves nobody any more, and its late strays are still to be seen.
    mutating func listenForStrays(_ slot: Int32) {
        upstreams[slot].pointee.phase = .listening
        timers.set(upstreamTimer(slot), now + Self.listenTime)
        if upstreams[slot].pointee.socket.isReadable { queueUpstream(slot) }
    }

    /// Reads a connection that is only listened to.
    mutating func listen(_ slot: Int32) {
        let u = upstreams[slot]
        var rounds = 0
        while u.pointee.socket.isReadable, !u.pointee.socket.sawEnd, !u.pointee.socket.isBroken {
            guard rounds < Self.readsPerTurn else { return queueUpstream(slot) }
            rounds += 1
            let count = load(&u.pointee.socket, .upstream)
            guard count > 0 else { continue }
            if u.pointee.phase == .listening {
                beginSurplus(slot, .idle, readBuffer, count)
            } else {
                collections[slot]!.add(readBuffer, count)
                u.pointee.received += UInt64(count)
                if collections[slot]!.isFull { return surplusEnded(slot, closed: false) }
            }
        }
        guard u.pointee.socket.sawEnd || u.pointee.socket.isBroken else { return }
        if u.pointee.phase == .surplus { surplusEnded(slot, closed: true) } else { strayListeningEnded(slot, closed: true) }
    }

    /// Nothing came while the connection was listened to.
    mutating func strayListeningEnded(_ slot: Int32, closed: Bool) {
        // A close that was announced is no hang-up; one in quarantine is.
        if closed { noteEnding(slot, mayBeHangup: !upstreams[slot].pointee.mustClose) }
        if closed { return closeUpstream(slot, .upstreamClosed) }
        let isQuarantined = isQuarantined(Int(upstreams[slot].pointee.server))
        closeUpstream(slot, isQuarantined ? .quarantine : isLeaving ? .drain : .notReusable)
    }

    /// The surplus has ended: judge it, tell it, close the connection.
    mutating func surplusEnded(_ slot: Int32, closed: Bool) {
        guard let collection = collections.removeValue(forKey: slot) else { return closeUpstream(slot, .incident) }
        let u = upstreams[slot]
        let facts = SurplusReader.read(collection.kept, total: collection.total)
        let upstream = Int(servers[Int(u.pointee.server)].upstream)
        guard
            let verdict = Judge.surplus(
                collection.place, facts, servedBefore: !u.pointee.last.isEmpty, closed: closed,
                untimed: u.pointee.last.answer.wasHeldBack)
        else {
            return closeUpstream(slot, .upstreamClosed)
        }
        if collection.place == .afterEnd || collection.place == .idle, let capture = embeddedBlock(slot, collection) {
            if tellEmbedded(slot, capture, collection) {
                counters.addSurplus(upstream: upstream, bytes: collection.total)
                return closeUpstream(slot, .incident)
            }
        }
        counters.addSurplus(upstream: upstream, bytes: collection.total)
        if facts.status == 408, verdict.kind.isDoubleSend { quarantine(slot, for: u.pointee.last) }
        tell(verdict, slot, collection, facts)
        if verdict.kind == .secondResponse, collection.place == .idle, !u.pointee.beforeLast.isEmpty {
            tellShift(slot, collection)
        }
        closeUpstream(slot, .incident)
    }

    /// A header block that began inside the last answer's Content-Length body, with what followed it past the body's end.
    private func embeddedBlock(_ slot: Int32, _ collection: SurplusCollection) -> EmbeddedCapture? {
        let u = upstreams[slot]
        guard u.pointee.last.answer.framing == .length else { return nil }
        let bodyBytes = u.pointee.last.answer.bodyBytes
        var capture: EmbeddedCapture
        if u.pointee.hasEmbedded, let seen = embedded[slot] {
            capture = seen
        } else {
            // The body may end in the middle of the status line's first word.
            let matched = Int(u.pointee.statusLine.matched)
            guard matched > 0 else { return nil }
            let beginning: StaticString = "HTTP/1."
            capture = EmbeddedCapture(offset: bodyBytes - UInt64(matched))
            capture.add(beginning.utf8Start, matched)
        }
        collection.kept.withUnsafeBufferPointer { capture.add($0.baseAddress!, $0.count) }
        return capture
    }

    // MARK: In the middle of an answer

    /// Bytes that are not what an answer's framing calls for.
    mutating func malformed(_ slot: Int32, _ fault: Malformation, _ bytes: UnsafePointer<UInt8>, _ count: Int) {
        let u = upstreams[slot]
        let number = u.pointee.exchange
        let e = exchanges[number]
        let isInBody = u.pointee.decoder.phase == .body
        let servedBefore = !u.pointee.last.isEmpty
        let place: SurplusPlace = isInBody ? .inChunkedBody : fault == .startLine && servedBefore ? .beforeAnswer : .inAnswer
        e.pointee.answer.startOffset = isInBody ? e.pointee.answer.startOffset : u.pointee.received
        // What is whole goes to the client first; then the exchange leaves this connection.
        let isStray = place == .beforeAnswer
        var current = FinishedExchange(request: e.pointee.request, answer: e.pointee.answer, ordinal: u.pointee.ordinal)
        current.answer.endedAt = now
        collectFrom(slot, place, bytes, count)
        u.pointee.exchange = -1
        e.pointee.upstream = -1
        collections[slot]!.current = current
        noteCollection(slot, of: number)
        if isStray {
            quarantine(slot, for: u.pointee.last)
            // Garbage of the exchange before: this request may be answered elsewhere. Its record is copied, for it lives on.
            current.request = copyOf(e.pointee.request)
            collections[slot]!.current = current
            outbox.clear()
            collections[slot]!.impact = retryOrFail(number, .unanswered) ? .none : .badGateway
        } else {
            buffers.give(&u.pointee.beforeLast.request.head)
            u.pointee.beforeLast = u.pointee.last
            u.pointee.last = current
            e.pointee.request.head = Buffer()
            if isInBody, count > 0, bytes[0] == 0x48 { quarantine(slot, for: current) }
            collections[slot]!.impact = endBroken(number, record: current.request) ? .aborted : .badGateway
        }
        listen(slot)
    }

    /// A copy of a request's record, for an incident that is told when the request itself has moved on.
    mutating func copyOf(_ record: RequestRecord) -> RequestRecord {
        var copy = record
        copy.head = Buffer()
        guard record.head.count > 0 else { return copy }
        // What the client asked for may stand behind the header block.
        let end = max(Int(record.head.end), record.target.end, record.host.end)
        buffers.append(&copy.head, record.head.base!, end)
        copy.head.start = record.head.start
        copy.head.end = record.head.end
        return copy
    }

    /// A status line was due, and its bytes left the upstream before the request had arrived: another exchange's answer.
    mutating func misdelivered(_ slot: Int32, _ count: Int) {
        let u = upstreams[slot]
        let number = u.pointee.exchange
        let e = exchanges[number]
        if EmbeddedStatusLine.mayBe(408, readBuffer, count) {
            // Perhaps a timeout's notice that crossed the request: innocent once the close is there.
            u.pointee.exchange = -1
            e.pointee.upstream = -1
            beginSurplus(slot, .idle, readBuffer, count)
            retryOrFail(number, .stale)
            return listen(slot)
        }
        var verdict = Verdict(.misdeliveredResponse, in: .nextExchange, by: .previous)
        verdict.certainty = .proven
        let victim = incidentRequest(e.pointee.request)
        var collection = SurplusCollection(.beforeAnswer, connectionOffset: u.pointee.received, startedAt: now)
        collection.add(readBuffer, count)
        let facts = SurplusReader.read(collection.kept, total: collection.total)
        u.pointee.exchange = -1
        e.pointee.upstream = -1
        collection.id = newIncidentID()
        note(collection.id!, of: number)
        collection.impact = retryOrFail(number, .unanswered) ? .none : .badGateway
        counters.addSurplus(upstream: Int(servers[Int(u.pointee.server)].upstream), bytes: collection.total)
        quarantine(slot, for: u.pointee.last)
        tell(verdict, slot, collection, facts, victim: victim, proof: .unacknowledgedRequest)
        // What follows it belongs to nobody, and has been told.
        closeUpstream(slot, .incident, reset: true)
    }

    /// An interim response among the chunks: told, left out, and the answer goes on.
    ///
    /// False when the exchange has ended with it, as `fail` demands.
    mutating func interimInBody(_ slot: Int32, endingAt end: Int) -> Bool {
        let u = upstreams[slot]
        let e = exchanges[u.pointee.exchange]
        let blockBytes = responseBlock.byteCount
        let start = end - blockBytes
        var collection = SurplusCollection(
            .inChunkedBody, connectionOffset: u.pointee.received + UInt64(max(0, start)), startedAt: now)
        collection.add(responseBlock.base, blockBytes)
        let facts = SurplusReader.read(collection.kept, total: collection.total)
        var current = FinishedExchange(request: e.pointee.request, answer: e.pointee.answer, ordinal: u.pointee.ordinal)
        current.answer.endedAt = 0
        collection.current = current
        u.pointee.mustClose = true
        quarantine(slot, for: current)
        counters.addSurplus(upstream: Int(e.pointee.upstreamIndex), bytes: collection.total)
        let verdict = Verdict(.lateInterim, in: .inBody)
        collection.id = newIncidentID()
        note(collection.id!, of: u.pointee.exchange)
        guard plan.routes[Int(e.pointee.request.route)].onViolation == .fail else {
            tell(verdict, slot, collection, facts, guilty: current)
            return true
        }
        collection.impact = e.pointee.answered ? .aborted : .badGateway
        tell(verdict, slot, collection, facts, guilty: current)
        failExchange(u.pointee.exchange, status: 502, "the upstream's answer is broken")
        return false
    }

    // MARK: Status lines inside Content-Length bodies

    /// Looks for a status line in a piece of a Content-Length body. Body bytes may spell anything: only the end will tell.
    mutating func lookForStatusLine(_ slot: Int32, _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int) {
        let u = upstreams[slot]
        if u.pointee.hasEmbedded {
            embedded[slot]?.add(bytes, count)
            return
        }
        guard let at = u.pointee.statusLine.find(bytes, count: count) else { return }
        let e = exchanges[u.pointee.exchange]
        let offset = UInt64(Int(e.pointee.answer.bodyBytes) + at)
        u.pointee.hasEmbedded = true
        e.pointee.answer.embeddedAt = offset
        var capture = EmbeddedCapture(offset: offset)
        if at < 0 {
            let beginning: StaticString = "HTTP/1."
            capture.add(beginning.utf8Start, -at)
            capture.add(bytes, count)
        } else {
            capture.add(bytes + at, count - at)
        }
        embedded[slot] = capture
    }

    // MARK: Quarantine

    /// From now on each connection of this server serves one exchange, for the time configured, unless the guilty route only observes.
    private mutating func quarantine(_ slot: Int32, for guilty: FinishedExchange) {
        let server = Int(upstreams[slot].pointee.server)
        let place = servers[server]
        guard plan.quarantine > 0 else { return }
        if !guilty.isEmpty, plan.routes[Int(guilty.request.route)].onViolation == .observe { return }
        timers.set(serverTimer(server), now + plan.quarantine)
        let was = so_load(&place.shared.pointee.quarantinedUntil)
        so_store(&place.shared.pointee.quarantinedUntil, now + plan.quarantine)
        world.gauges?.setQuarantined(upstream: Int(place.upstream), server: Int(place.index), true)
        if was <= now {
            let upstream = plan.upstreams[Int(place.upstream)]
            world.log.notice(
                "server quarantined",
                metadata: [
                    "upstream": "\(upstream.name)", "server": "\(upstream.servers[Int(place.index)].name)",
                    "for_ms": "\(plan.quarantine / 1_000_000)",
                ])
        }
    }

    /// A server's quarantine is over, unless another offence has prolonged it.
    mutating func quarantineExpired(_ server: Int) {
        let place = servers[server]
        let until = so_load(&place.shared.pointee.quarantinedUntil)
        guard until <= now else { return timers.set(serverTimer(server), until) }
        guard world.gauges?.isQuarantined(upstream: Int(place.upstream), server: Int(place.index)) ?? false else { return }
        world.gauges?.setQuarantined(upstream: Int(place.upstream), server: Int(place.index), false)
        let upstream = plan.upstreams[Int(place.upstream)]
        world.log.notice(
            "quarantine ended",
            metadata: ["upstream": "\(upstream.name)", "server": "\(upstream.servers[Int(place.index)].name)"])
    }

    func isQuarantined(_ server: Int) -> Bool { so_load(&servers[server].shared.pointee.quarantinedUntil) > now }
}
