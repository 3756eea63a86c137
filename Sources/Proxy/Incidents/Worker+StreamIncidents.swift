import Detector
import EventLoop
import Exchanges
import HTTP1
import HTTP2
import Report
import Wire

/// Frames that no answer accounts for: the same facts as on an HTTP/1 connection, judged alike, recorded alike.
extension Worker {
    /// A frame that an upstream should not have sent. What is wrong with it is the session's word; what it means is the detector's.
    mutating func frameViolation(_ slot: UpstreamSlot, _ step: HTTP2Step, _ violation: HTTP2Violation) {
        let isOpen = step.upstreamSlot.exists && upstreams[step.upstreamSlot].pointee.exchange.exists
        switch violation {
        case .headAfterEnd, .interimAfterEnd, .trailersAfterEnd, .dataAfterEnd, .lengthExceeded, .dataOnBodiless,
            .unrequestedHead, .unrequestedData:
            collectFrames(slot, step)
            // Past the declared length: its client has had all that was declared.
            guard isOpen, upstreams[step.upstreamSlot].pointee.exchange.exists else { return }
            if step.ended { return streamEndedBehindSurplus(step.upstreamSlot, isOver: true) }
            // More surplus may come, but the client need not wait for long, however long it goes on.
            guard !upstreams[step.upstreamSlot].pointee.awaitsStreamEnd else { return }
            upstreams[step.upstreamSlot].pointee.awaitsStreamEnd = true
            timers.set(upstreamTimer(step.upstreamSlot), now + Self.watchTime)
        case .interimInBody: if isOpen { streamInterim(slot, step) }
        case .malformedHead where step.overLimit != nil, .malformedTrailers where step.overLimit != nil:
            if isOpen { streamOverLimits(slot, step) }
        case .headInBody, .statusInTrailers, .trailersWithoutEnd, .malformedTrailers:
            if isOpen { streamBroken(slot, step, violation, .inChunkedBody) }
        case .malformedHead, .dataBeforeHead: if isOpen { streamBroken(slot, step, violation, .inAnswer) }
        // Recorded of clients alone: here the stream's reset says it.
        case .windowMisused: break
        case .lengthShort:
            guard isOpen else { return }
            upstreams[step.upstreamSlot].pointee.streamIsOver = step.ended
            truncated(step.upstreamSlot, .inBody)
        }
    }

    func facts(_ step: HTTP2Step) -> SurplusFacts {
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
    private mutating func collectFrames(_ slot: UpstreamSlot, _ step: HTTP2Step) {
        let source = surplusSource(slot, step)
        guard !surplus.contains(source) else { return surplus.count(UInt64(step.surplusBytes), of: source) }
        if source.stream == 0, multiplexing[upstreams[slot].pointee.multiplex].hasRecordedUnrequested {
            return surplusGoesOn(slot, step)
        }
        // Past the declared length the stream may still be open; its client has had all that was declared.
        let isOpen = step.upstreamSlot.exists && upstreams[step.upstreamSlot].pointee.exchange.exists
        let finished = multiplexing[upstreams[slot].pointee.multiplex].finished?.first { $0.stream == step.stream }
        let isRecorded = isOpen ? upstreams[step.upstreamSlot].pointee.awaitsStreamEnd : finished?.isRecorded ?? false
        if isRecorded, !step.hasBlock { return surplusGoesOn(slot, step) }
        var current = FinishedExchange()
        if isOpen {
            let e = exchanges[upstreams[step.upstreamSlot].pointee.exchange]
            current = FinishedExchange(
                request: copyOf(e.pointee.request), answer: e.pointee.answer,
                ordinal: upstreams[step.upstreamSlot].pointee.ordinal)
            current.answer.endedAt = now
        } else if let finished {
            current = finished.exchange
            current.request = copyOf(finished.exchange.request)
        }
        let place: SurplusPlace = isOpen || current.answer.endedAt == now ? .afterEnd : .idle
        var collection = Surplus(place, connectionOffset: step.offset, startedAt: now, frames: facts(step))
        if !current.isEmpty { collection.current = current }
        if isOpen { name(&collection, of: upstreams[step.upstreamSlot].pointee.exchange) }
        if let oldest = surplus.crowdedOut { streamSurplusEnded(oldest) }
        surplus.begin(collection, from: source)
        timers.set(streamSurplusTimer, surplus.due!)
    }

    /// Where surplus is collected: what comes on streams that nobody opened is one, whatever their numbers.
    private func surplusSource(_ slot: UpstreamSlot, _ step: HTTP2Step) -> SurplusSource {
        let session = multiplexing[upstreams[slot].pointee.multiplex].session
        return SurplusSource(slot.index, stream: session.isIdle(step.stream) ? 0 : step.stream)
    }

    /// More of what has been recorded: it is counted.
    private mutating func surplusGoesOn(_ slot: UpstreamSlot, _ step: HTTP2Step) {
        counters.addSurplus(
            upstream: servers.upstream(Int(upstreams[slot].pointee.server)), bytes: UInt64(step.surplusBytes))
    }

    /// A server that speaks on streams that nobody opened is not to be asked more: the connection serves whom it has.
    private mutating func endUpstreamMultiplexSoon(_ slot: UpstreamSlot) {
        guard !upstreams[slot].pointee.mustClose else { return }
        upstreams[slot].pointee.mustClose = true
        multiplexing[upstreams[slot].pointee.multiplex].session.goAway()
        frameUpstream(slot)
    }

    /// Payload of a violation: whether it is line ends alone makes a difference.
    mutating func keepStreamSurplus(_ slot: UpstreamSlot, _ step: HTTP2Step, _ bytes: UnsafePointer<UInt8>) {
        surplus.keep(bytes, step.bodyCount, of: surplusSource(slot, step))
    }

    /// An answer with bytes past its declared length ends: with its stream, or because that has been waited for long enough.
    mutating func streamEndedBehindSurplus(_ stream: UpstreamSlot, isOver: Bool) {
        upstreams[stream].pointee.streamIsOver = isOver
        answerEnded(stream, surplusAt: 0, 0)
    }

    mutating func streamSurplusEnded(_ source: SurplusSource) {
        guard var collection = surplus.take(source) else { return }
        let conclusion = conclude(&collection, UpstreamSlot(source.connection))
        giveBack(&collection)
        if case .innocent = conclusion { return }
        let slot = UpstreamSlot(source.connection)
        let multiplex = multiplexing[upstreams[slot].pointee.multiplex]
        if source.stream == 0 {
            multiplex.hasRecordedUnrequested = true
            return endUpstreamMultiplexSoon(slot)
        }
        multiplex.finished?.change(where: { $0.stream == source.stream }, { $0.isRecorded = true })
    }

    /// What has been collected on a connection that is about to be closed has ended.
    mutating func streamSurplusEnded(on slot: UpstreamSlot) {
        while let source = surplus.first(of: slot.index) { streamSurplusEnded(source) }
    }

    /// What has been collected for long enough has ended.
    mutating func streamSurplusExpired() {
        while let source = surplus.due(at: now) { streamSurplusEnded(source) }
        if let due = surplus.due { timers.set(streamSurplusTimer, due) }
    }

    // MARK: In the middle of an answer

    /// An interim response after the final header block: recorded, left out, and the answer goes on.
    private mutating func streamInterim(_ slot: UpstreamSlot, _ step: HTTP2Step) {
        let stream = step.upstreamSlot
        let e = exchanges[upstreams[stream].pointee.exchange]
        guard mayTakeInterim(upstreams[stream].pointee.exchange) else { return }
        var collection = Surplus(.inChunkedBody, connectionOffset: step.offset, startedAt: now, frames: facts(step))
        collection.current = FinishedExchange(
            request: e.pointee.request, answer: e.pointee.answer, ordinal: upstreams[stream].pointee.ordinal)
        name(&collection, of: upstreams[stream].pointee.exchange)
        conclude(&collection, slot)
    }

    /// A stream's answer has the mark of another exchange of this connection: its client does not see it. The request is sent again
    /// where that is safe.
    mutating func streamCarriesAnother(_ slot: UpstreamSlot, _ step: HTTP2Step, _ ordinal: UInt32) {
        let stream = step.upstreamSlot
        let exchange = upstreams[stream].pointee.exchange
        let e = exchanges[exchange]
        var facts = facts(step)
        facts.total = UInt64(step.consumed)
        facts.blockBytes = facts.total
        facts.beginsLikeHeaderBlock = true
        var collection = Surplus(.beforeAnswer, connectionOffset: step.offset, startedAt: now, frames: facts)
        // The request lives on, so its record is copied.
        collection.current = FinishedExchange(
            request: copyOf(e.pointee.request), answer: e.pointee.answer, ordinal: upstreams[stream].pointee.ordinal)
        collection.leftBeforeRequest = true
        collection.mark = .of(ordinal)
        name(&collection, of: exchange)
        detach(stream, .incident)
        outbox.clear()
        collection.clientImpact = retryOrFail(exchange, .stale) ? .none : .badGateway
        conclude(&collection, slot)
        giveBack(&collection)
    }

    /// An answer's header block, or its trailer section, is larger than our limits: its stream has been reset, nobody is accused.
    private mutating func streamOverLimits(_ slot: UpstreamSlot, _ step: HTTP2Step) {
        let exchange = upstreams[step.upstreamSlot].pointee.exchange
        upstreams[step.upstreamSlot].pointee.streamIsOver = step.resetsStream || step.ended
        noteOverLimits(
            slot, step.overLimit == .fields ? .tooManyFields : .headerTooLarge, naming(exchanges[exchange].pointee.request))
        failExchange(exchange, status: 502, "the upstream's answer is larger than the limits allow")
    }

    /// A stream cannot be gone on with; its siblings can. Its client gets an error, or sees its answer cut.
    private mutating func streamBroken(
        _ slot: UpstreamSlot, _ step: HTTP2Step, _ violation: HTTP2Violation, _ place: SurplusPlace
    ) {
        let stream = step.upstreamSlot
        let s = upstreams[stream]
        let exchange = s.pointee.exchange
        let e = exchanges[exchange]
        var current = FinishedExchange(request: e.pointee.request, answer: e.pointee.answer, ordinal: s.pointee.ordinal)
        current.answer.endedAt = now
        var collection = Surplus(place, connectionOffset: step.offset, startedAt: now, frames: facts(step))
        collection.current = current
        collection.clientImpact = place == .inAnswer ? .badGateway : .aborted
        collection.reason = reason(violation)
        s.pointee.exchange = .none
        e.pointee.upstream = .none
        e.pointee.request.head = Buffer()
        name(&collection, of: exchange)
        endBroken(exchange, record: current.request)
        closeUpstreamStream(stream)
        conclude(&collection, slot)
        giveBack(&collection)
    }

    /// Which rule of HTTP/2 the last header block, or DATA, breaks.
    func reason(_ violation: HTTP2Violation) -> String {
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
    mutating func recordFramesFailed(_ slot: UpstreamSlot, _ failure: HTTP2Failure) {
        let multiplex = multiplexing[upstreams[slot].pointee.multiplex]
        var collection = Surplus(
            .inAnswer, connectionOffset: upstreams[slot].pointee.received, startedAt: now, frames: SurplusFacts(total: 0))
        collection.reason = "HTTP/2 \(failure.name), which ends the connection"
        if multiplex.streamCount == 1, upstreams[multiplex.upstreamStreams.first].pointee.exchange.exists {
            let e = exchanges[upstreams[multiplex.upstreamStreams.first].pointee.exchange]
            collection.current = FinishedExchange(
                request: e.pointee.request, answer: e.pointee.answer,
                ordinal: upstreams[multiplex.upstreamStreams.first].pointee.ordinal)
        }
        guard var finding = collection.settle(by: SurplusReader.self, closed: false) else { return }
        if collection.current?.answer.status ?? 0 != 0 { finding.verdict.phase = .inBody }
        record(finding, slot, collection)
    }
}
