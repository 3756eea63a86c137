import Detector
import EventLoop
import Exchanges
import HTTP2
import Report
import Wire

/// Frames on one closed stream, collected until they end: a second answer is a header block and a body, and one incident.
struct StreamSurplus {
    /// The connection, by slot: it is told before that is given back.
    var connection: Int32
    var stream: Int32
    /// Owns its request's bytes.
    var guilty: FinishedExchange
    var collection: SurplusCollection
    var facts: SurplusFacts
}

/// Frames that no answer accounts for: the same facts as on an HTTP/1 connection, judged alike, told alike.
extension Worker {
    /// Runs of surplus that are collected at once, over all connections; beyond it the oldest is told early.
    static var streamSurplusMax: Int { 256 }

    /// A frame that an upstream should not have sent. What is wrong with it is the session's word; what it means is the detector's.
    mutating func frameViolation(_ slot: Int32, _ step: HTTP2Step, _ violation: HTTP2Violation) {
        let isOpen = step.tag >= 0 && upstreams[step.tag].pointee.exchange >= 0
        switch violation {
        case .headAfterEnd, .interimAfterEnd, .trailersAfterEnd, .dataAfterEnd, .lengthExceeded, .dataOnBodiless,
            .unrequestedHead, .unrequestedData:
            collectStreamSurplus(slot, step)
            // Past the declared length: its client has had all that was declared.
            guard isOpen, upstreams[step.tag].pointee.exchange >= 0 else { return }
            if step.ended { return streamEndedBehindSurplus(step.tag, isOver: true) }
            // More surplus may come, but the client need not wait for long.
            upstreams[step.tag].pointee.awaitsStreamEnd = true
            timers.set(upstreamTimer(step.tag), now + Self.listenTime)
        case .interimInBody: if isOpen { streamInterim(slot, step) }
        case .malformedHead where step.overLimit != nil, .malformedTrailers where step.overLimit != nil:
            if isOpen { streamOverLimits(slot, step) }
        case .headInBody, .statusInTrailers, .trailersWithoutEnd, .malformedTrailers:
            if isOpen { streamBroken(slot, step, violation, .inChunkedBody) }
        case .malformedHead, .dataBeforeHead: if isOpen { streamBroken(slot, step, violation, .inAnswer) }
        // Told of clients alone: here the stream's reset says it.
        case .windowMisused: break
        case .lengthShort:
            guard isOpen else { return }
            upstreams[step.tag].pointee.streamIsOver = step.ended
            truncated(step.tag, .inBody)
        }
    }

    private func facts(_ step: HTTP2Step) -> SurplusFacts {
        let bytes = UInt64(step.surplusBytes)
        guard step.hasBlock else { return SurplusFacts(total: bytes) }
        let fields = (0..<responseBlock.count).map { i in
            String(decoding: responseBlock.nameBytes(responseBlock.fields[i]), as: UTF8.self)
        }
        return SurplusFacts(
            total: bytes, status: responseBlock.status == 0 ? nil : responseBlock.status, fields: fields, blockBytes: bytes,
            beginsLikeHeaderBlock: true)
    }

    // MARK: Behind an answer's end

    /// The stream's answer is complete, as far as its client is concerned: these bytes are nobody's.
    private mutating func collectStreamSurplus(_ slot: Int32, _ step: HTTP2Step) {
        if let i = streamSurplus.firstIndex(where: { $0.connection == slot && $0.stream == step.stream }) {
            streamSurplus[i].collection.count(UInt64(step.surplusBytes))
            streamSurplus[i].facts.total += UInt64(step.surplusBytes)
            return
        }
        var guilty = FinishedExchange()
        var isOpen = false
        if step.tag >= 0, upstreams[step.tag].pointee.exchange >= 0 {
            // Past the declared length the stream may still be open; its client has had all that was declared.
            isOpen = true
            let e = exchanges[upstreams[step.tag].pointee.exchange]
            guilty = FinishedExchange(
                request: copyOf(e.pointee.request), answer: e.pointee.answer, ordinal: upstreams[step.tag].pointee.ordinal)
            guilty.answer.endedAt = now
        } else if let finished = multiplexing[upstreams[slot].pointee.multiplex].finished?.first(where: {
            $0.stream == step.stream
        }) {
            guilty = finished.exchange
            guilty.request = copyOf(finished.exchange.request)
        }
        let place: SurplusPlace = isOpen || guilty.answer.endedAt == now ? .afterEnd : .idle
        var collection = SurplusCollection(place, connectionOffset: step.offset, startedAt: now)
        collection.count(UInt64(step.surplusBytes))
        if isOpen {
            collection.id = newIncidentID()
            note(collection.id!, of: upstreams[step.tag].pointee.exchange)
        }
        if streamSurplus.count >= Self.streamSurplusMax { tellStreamSurplus(at: 0) }
        streamSurplus.append(
            StreamSurplus(
                connection: slot, stream: step.stream, guilty: guilty, collection: collection, facts: facts(step)))
        timers.set(streamSurplusTimer, streamSurplus[0].collection.startedAt + Self.listenTime)
    }

    /// Payload of a violation: whether it is line ends alone makes a difference.
    mutating func keepStreamSurplus(_ slot: Int32, _ step: HTTP2Step, _ bytes: UnsafePointer<UInt8>) {
        guard let i = streamSurplus.firstIndex(where: { $0.connection == slot && $0.stream == step.stream }),
            streamSurplus[i].facts.blockBytes == nil
        else { return }
        streamSurplus[i].collection.keep(bytes, step.bodyCount)
    }

    /// An answer with bytes past its declared length ends: with its stream, or because that has been waited for long enough.
    mutating func streamEndedBehindSurplus(_ stream: Int32, isOver: Bool) {
        upstreams[stream].pointee.streamIsOver = isOver
        answerEnded(stream, surplusAt: 0, 0)
    }

    private mutating func tellStreamSurplus(at index: Int) {
        var surplus = streamSurplus.remove(at: index)
        let servedBefore = !surplus.guilty.isEmpty
        surplus.facts.isOnlyLineEnds = surplus.collection.isOnlyLineEnds
        if let verdict = Judge.surplus(surplus.collection.place, surplus.facts, servedBefore: servedBefore, closed: false) {
            let upstream = servers.upstream(Int(upstreams[surplus.connection].pointee.server))
            counters.addSurplus(upstream: upstream, bytes: surplus.collection.total)
            tell(verdict, surplus.connection, surplus.collection, surplus.facts, guilty: surplus.guilty)
        }
        transport.buffers.give(&surplus.guilty.request.head)
    }

    /// Tells what has been collected on a connection that is about to be closed.
    mutating func tellStreamSurplus(of slot: Int32) {
        while let i = streamSurplus.firstIndex(where: { $0.connection == slot }) { tellStreamSurplus(at: i) }
    }

    /// Tells what has been collected for long enough.
    mutating func streamSurplusExpired() {
        while let first = streamSurplus.first, first.collection.startedAt + Self.listenTime <= now { tellStreamSurplus(at: 0) }
        if let first = streamSurplus.first { timers.set(streamSurplusTimer, first.collection.startedAt + Self.listenTime) }
    }

    // MARK: In the middle of an answer

    /// An interim response behind the final header block: told, left out, and the answer goes on.
    private mutating func streamInterim(_ slot: Int32, _ step: HTTP2Step) {
        let stream = step.tag
        let e = exchanges[upstreams[stream].pointee.exchange]
        guard mayTakeInterim(upstreams[stream].pointee.exchange) else { return }
        var collection = SurplusCollection(.inChunkedBody, connectionOffset: step.offset, startedAt: now)
        collection.count(UInt64(step.surplusBytes))
        let current = FinishedExchange(
            request: e.pointee.request, answer: e.pointee.answer, ordinal: upstreams[stream].pointee.ordinal)
        collection.current = current
        collection.id = newIncidentID()
        note(collection.id!, of: upstreams[stream].pointee.exchange)
        counters.addSurplus(upstream: Int(e.pointee.upstreamIndex), bytes: collection.total)
        tell(Verdict(.lateInterim, in: .inBody), slot, collection, facts(step), guilty: current)
    }

    /// A stream's answer has the mark of another exchange of this connection: its client does not see it. The request is sent again
    /// where that is safe.
    mutating func streamCarriesAnother(_ slot: Int32, _ step: HTTP2Step, _ ordinal: UInt32) {
        let stream = step.tag
        let number = upstreams[stream].pointee.exchange
        let e = exchanges[number]
        // The request lives on, so its record is copied.
        var current = FinishedExchange(
            request: copyOf(e.pointee.request), answer: e.pointee.answer, ordinal: upstreams[stream].pointee.ordinal)
        var collection = SurplusCollection(.beforeAnswer, connectionOffset: step.offset, startedAt: now)
        collection.count(UInt64(step.consumed))
        collection.current = current
        collection.mark = SurplusCollection.Mark(ordinal: ordinal)
        collection.id = newIncidentID()
        note(collection.id!, of: number)
        var facts = facts(step)
        facts.blockBytes = UInt64(step.consumed)
        facts.total = UInt64(step.consumed)
        facts.beginsLikeHeaderBlock = true
        let sender = multiplexing[upstreams[slot].pointee.multiplex].finished?.first { $0.exchange.ordinal == ordinal }
        var guilty = FinishedExchange()
        if let sender {
            guilty = sender.exchange
            guilty.request = copyOf(sender.exchange.request)
        }
        counters.addSurplus(upstream: Int(e.pointee.upstreamIndex), bytes: collection.total)
        detach(stream, .incident)
        outbox.clear()
        collection.impact = retryOrFail(number, .stale) ? .none : .badGateway
        tell(Judge.sentBeforeRequest(facts), slot, collection, facts, guilty: guilty)
        transport.buffers.give(&current.request.head)
        transport.buffers.give(&guilty.request.head)
    }

    /// An answer's header block, or its trailer section, is larger than our limits: its stream has been reset, nobody is accused.
    private mutating func streamOverLimits(_ slot: Int32, _ step: HTTP2Step) {
        let number = upstreams[step.tag].pointee.exchange
        upstreams[step.tag].pointee.streamIsOver = step.resetsStream || step.ended
        noteOverLimits(
            slot, step.overLimit == .fields ? .tooManyFields : .headerTooLarge, naming(exchanges[number].pointee.request))
        failExchange(number, status: 502, "the upstream's answer is larger than the limits allow")
    }

    /// A stream cannot be gone on with; its siblings can. Its client is told, or sees its answer cut.
    private mutating func streamBroken(
        _ slot: Int32, _ step: HTTP2Step, _ violation: HTTP2Violation, _ place: SurplusPlace
    ) {
        let stream = step.tag
        let s = upstreams[stream]
        let number = s.pointee.exchange
        let e = exchanges[number]
        var current = FinishedExchange(request: e.pointee.request, answer: e.pointee.answer, ordinal: s.pointee.ordinal)
        current.answer.endedAt = now
        var collection = SurplusCollection(place, connectionOffset: step.offset, startedAt: now)
        collection.count(UInt64(step.surplusBytes))
        collection.current = current
        collection.impact = place == .inAnswer ? .badGateway : .aborted
        s.pointee.exchange = -1
        e.pointee.upstream = -1
        e.pointee.request.head = Buffer()
        let facts = facts(step)
        collection.id = newIncidentID()
        note(collection.id!, of: number)
        endBroken(number, record: current.request)
        closeUpstreamStream(stream)
        if let verdict = Judge.surplus(place, facts, servedBefore: false, closed: false) {
            // What is malformed is no surplus.
            if verdict.kind != .malformedMessage {
                counters.addSurplus(upstream: servers.upstream(Int(upstreams[slot].pointee.server)), bytes: collection.total)
            }
            tell(
                verdict, slot, collection, facts, guilty: current,
                reason: verdict.kind == .malformedMessage ? reason(violation) : nil)
        }
        transport.buffers.give(&current.request.head)
    }

    /// Which rule of HTTP/2 the last header block, or DATA, breaks.
    private func reason(_ violation: HTTP2Violation) -> String {
        switch violation {
        case .dataBeforeHead: return "DATA before the header block"
        case .malformedTrailers: return "trailers with a field that HTTP/2 does not allow" + brokenField
        case .trailersWithoutEnd: return "a header block without :status that does not end the stream"
        case .malformedHead where responseBlock.status == 0: return "a header block without a usable :status" + brokenField
        case .malformedHead where responseBlock.status == 101: return "a 101, which HTTP/2 does not have"
        case .malformedHead where responseBlock.status < 200 && brokenField.isEmpty:
            return "an interim response that ends its stream"
        case .malformedHead: return "a header block with a field that HTTP/2 does not allow" + brokenField
        default: return "a frame where none of its sort is due"
        }
    }

    private var brokenField: String {
        guard let fault = responseBlock.fault else { return "" }
        let name = responseBlock.faultName
        return (name.isEmpty ? "" : " (\(name))") + ": \(fault.text)"
    }

    /// The connection as a whole is not HTTP/2: attributed to its exchange when there is only one.
    mutating func tellFramesFailed(_ slot: Int32, _ failure: HTTP2Failure) {
        let multiplex = multiplexing[upstreams[slot].pointee.multiplex]
        var guilty = FinishedExchange()
        if multiplex.streamCount == 1, upstreams[multiplex.streams.first].pointee.exchange >= 0 {
            let e = exchanges[upstreams[multiplex.streams.first].pointee.exchange]
            guilty = FinishedExchange(
                request: e.pointee.request, answer: e.pointee.answer,
                ordinal: upstreams[multiplex.streams.first].pointee.ordinal)
        }
        let verdict = Verdict(.malformedMessage, in: guilty.answer.status == 0 ? .inHead : .inBody)
        let collection = SurplusCollection(.inAnswer, connectionOffset: upstreams[slot].pointee.received, startedAt: now)
        tell(
            verdict, slot, collection, SurplusFacts(total: 0), guilty: guilty,
            reason: "HTTP/2 \(failure.name), which ends the connection")
    }
}
