import Detector
import EventLoop
import Facts
import HTTP1
import HTTP2
import Report
import Wire

/// What comes after an answer's end, as bytes of its connection or as frames: collected here until it has ended, and recorded in one way.
/// What comes in the middle of an answer: `Worker+BrokenAnswers`.
extension Worker {
    /// So long a connection to an upstream is watched for strays, after its last exchange and after the first surplus byte.
    static var watchTime: UInt64 { SurplusCollections<FinishedExchange>.collectTime }

    // MARK: Bytes

    /// Bytes have come after an answer's end. Acts now; the incident is recorded when the bytes have ended.
    mutating func beginSurplus(_ slot: UpstreamSlot, _ place: SurplusPlace, _ bytes: UnsafePointer<UInt8>, _ count: Int) {
        let sighting = Sighting(slot, at: upstreams[slot].pointee.received, bytes, count)
        collect(collection(sighting, place), sighting)
        // What may be innocent is not, until it has ended; what else has come is a second answer until its bytes say otherwise.
        if !SurplusReader.mayBeInnocent(bytes, count) { quarantine(slot, for: upstreams[slot].pointee.last) }
    }

    /// The connection serves nobody any more: all that it still sends is collected.
    mutating func collect(_ collection: Surplus, _ sighting: Sighting) {
        let slot = sighting.connection
        let u = upstreams[slot]
        surplus.begin(collection, from: SurplusSource(slot.index))
        u.pointee.received += collection.total
        connectionPool.unwatch(slot, upstreams)
        u.pointee.phase = .surplus
        transport.buffers.give(&u.pointee.socket.input)
        timers.set(upstreamTimer(slot), now + Self.watchTime)
    }

    /// Reads a connection that is only watched for strays, or whose surplus is being collected.
    mutating func readWatched(_ slot: UpstreamSlot) {
        let u = upstreams[slot]
        var rounds = 0
        while u.pointee.socket.isReadable, !u.pointee.socket.sawEnd, !u.pointee.socket.isBroken {
            guard rounds < Self.readsPerTurn else { return queueUpstream(slot) }
            rounds += 1
            let count = transport.load(&u.pointee.socket, .upstream)
            guard count > 0 else { continue }
            if u.pointee.phase == .watched {
                beginSurplus(slot, .idle, transport.readBuffer, count)
            } else {
                u.pointee.received += UInt64(count)
                guard surplus.add(transport.readBuffer, count, at: now, to: SurplusSource(slot.index)) else {
                    return surplusEnded(slot, closed: false)
                }
            }
        }
        guard u.pointee.socket.sawEnd || u.pointee.socket.isBroken else { return }
        if u.pointee.phase == .surplus { surplusEnded(slot, closed: true) } else { watchEnded(slot, closed: true) }
    }

    /// A connection's bytes have been waited for long enough, but for those that may be innocent yet.
    mutating func surplusExpired(_ slot: UpstreamSlot) {
        if let end = noticeTimeEnds(slot) { return timers.set(upstreamTimer(slot), end) }
        surplusEnded(slot, closed: false)
    }

    /// There is no time left to wait for the end of a connection's bytes: what may be innocent yet accuses nobody.
    mutating func surplusCutShort(_ slot: UpstreamSlot) {
        guard noticeTimeEnds(slot) != nil else { return surplusEnded(slot, closed: false) }
        if var collection = surplus.take(SurplusSource(slot.index)) { giveBack(&collection) }
        closeUpstream(slot, .drain)
    }

    /// Until when what may be a timeout's notice is waited for; nil where it is none, or has had that time.
    private func noticeTimeEnds(_ slot: UpstreamSlot) -> UInt64? {
        let untimed = upstreams[slot].pointee.last.answer.wasHeldBack
        return surplus.noticeTimeEnds(SurplusSource(slot.index), by: SurplusReader.self, untimed: untimed, at: now)
    }

    /// A connection's bytes have ended, or have been waited for long enough: it is closed.
    mutating func surplusEnded(_ slot: UpstreamSlot, closed: Bool) {
        switch surplusEnded(SurplusSource(slot.index), closed: closed) {
        case .innocent: return closeUpstream(slot, .upstreamClosed)
        case .recorded: break
        case .doubleSend(let guilty): quarantine(slot, for: guilty)
        }
        closeUpstream(slot, .incident)
    }

    // MARK: Frames

    /// A frame has come on a stream whose answer is complete, as far as its client is concerned.
    mutating func collectFrame(_ slot: UpstreamSlot, _ step: HTTP2Step) {
        let sighting = Sighting(slot, step)
        let source = surplusSource(slot, step)
        guard !surplus.contains(source) else { return surplus.count(UInt64(step.surplusBytes), of: source) }
        if source.stream == 0, multiplexing[upstreams[slot].pointee.sharedIndex].hasRecordedUnrequested {
            return surplusGoesOn(slot, step)
        }
        // Past the declared length the stream may still be open; its client has had all that was declared.
        let isOpen = step.upstreamSlot.exists && upstreams[step.upstreamSlot].pointee.exchange.exists
        let finished = multiplexing[upstreams[slot].pointee.sharedIndex].finished?.first { $0.stream == step.stream }
        let isRecorded = isOpen ? upstreams[step.upstreamSlot].pointee.awaitsStreamEnd : finished?.isRecorded ?? false
        if isRecorded, !step.hasBlock { return surplusGoesOn(slot, step) }
        var current = isOpen ? exchangeInProgress(on: step.upstreamSlot) : finished?.exchange ?? FinishedExchange()
        current.request = copyOf(current.request)
        if isOpen { current.answer.endedAt = now }
        let place: SurplusPlace = isOpen || current.answer.endedAt == now ? .afterEnd : .idle
        var collection = collection(sighting, place)
        if !current.isEmpty { collection.current = current }
        if isOpen { name(&collection, of: upstreams[step.upstreamSlot].pointee.exchange) }
        if let oldest = surplus.crowdedOut { surplusEnded(oldest) }
        surplus.begin(collection, from: source)
        timers.set(streamSurplusTimer, surplus.due!)
    }

    /// Where surplus is collected: what comes on streams that nobody opened is one, whatever their numbers.
    private func surplusSource(_ slot: UpstreamSlot, _ step: HTTP2Step) -> SurplusSource {
        let session = multiplexing[upstreams[slot].pointee.sharedIndex].session
        return SurplusSource(slot.index, stream: session.isIdle(step.stream) ? 0 : step.stream)
    }

    /// More of what has been recorded: it is counted.
    private mutating func surplusGoesOn(_ slot: UpstreamSlot, _ step: HTTP2Step) {
        counters.addSurplus(
            upstream: servers.upstream(upstreams[slot].pointee.server), bytes: UInt64(step.surplusBytes))
    }

    /// A server that speaks on streams that nobody opened is not to be asked more: the connection serves whom it has.
    private mutating func endSharedUpstreamSoon(_ slot: UpstreamSlot) {
        guard !upstreams[slot].pointee.mustClose else { return }
        upstreams[slot].pointee.mustClose = true
        multiplexing[upstreams[slot].pointee.sharedIndex].session.goAway()
        frameUpstream(slot)
    }

    /// Payload of a violation: whether it is line ends alone makes a difference.
    mutating func keepFrame(_ slot: UpstreamSlot, _ step: HTTP2Step, _ bytes: UnsafePointer<UInt8>) {
        surplus.keep(bytes, step.bodyCount, of: surplusSource(slot, step))
    }

    /// What has been collected from the streams of a connection that is about to be closed has ended.
    mutating func surplusEnded(ofStreamsOn slot: UpstreamSlot) {
        while let source = surplus.first(of: slot.index) { surplusEnded(source) }
    }

    /// What has been collected from streams for long enough has ended.
    mutating func surplusExpired() {
        while let source = surplus.due(at: now) { surplusEnded(source) }
        if let due = surplus.due { timers.set(streamSurplusTimer, due) }
    }

    // MARK: Either

    /// What is sighted begins to be collected.
    func collection(_ sighting: Sighting, _ place: SurplusPlace) -> Surplus {
        switch sighting.content {
        case .bytes(let bytes, let count):
            var collection = Surplus(place, connectionOffset: sighting.offset, startedAt: now)
            collection.add(bytes, count)
            return collection
        case .frame(let step):
            return Surplus(place, connectionOffset: sighting.offset, startedAt: now, frames: facts(step))
        }
    }

    /// What a frame looks like.
    private func facts(_ step: HTTP2Step) -> SurplusFacts {
        // An answer's own header block, which breaks no rule of HTTP/2.
        if case .head = step.event {
            let bytes = UInt64(step.consumed)
            return SurplusFacts(total: bytes, blockBytes: bytes, beginsLikeHeaderBlock: true)
        }
        let bytes = UInt64(step.surplusBytes)
        guard step.hasBlock else { return SurplusFacts(total: bytes) }
        let fields = (0..<responseBlock.count).map { i in
            String(decoding: responseBlock.nameBytes(responseBlock.fields[i]), as: UTF8.self)
        }
        return SurplusFacts(
            total: bytes, status: responseBlock.status == 0 ? nil : responseBlock.status, fields: fields, blockBytes: bytes,
            beginsLikeHeaderBlock: true)
    }

    /// What has been collected has ended, or has been waited for long enough.
    @discardableResult
    private mutating func surplusEnded(_ source: SurplusSource, closed: Bool = false) -> Conclusion {
        guard var collection = surplus.take(source) else { return .recorded }
        let slot = UpstreamSlot(source.connection)
        let conclusion = conclude(&collection, slot, closed: closed)
        giveBack(&collection)
        if source.stream >= 0, conclusion.isRecord {
            let shared = multiplexing[upstreams[slot].pointee.sharedIndex]
            if source.stream == 0 {
                shared.hasRecordedUnrequested = true
                endSharedUpstreamSoon(slot)
                return conclusion
            }
            shared.finished?.change(where: { $0.stream == source.stream }, { $0.isRecorded = true })
        }
        return conclusion
    }

    enum Conclusion {
        case innocent
        /// In a record of its own, or in one that there is already.
        case recorded
        /// The handler of this exchange will answer twice again.
        case doubleSend(FinishedExchange)

        var isRecord: Bool {
            if case .innocent = self { false } else { true }
        }
    }

    /// A collection that was kept owns the copy of its request's record.
    mutating func giveBack(_ collection: inout Surplus) {
        if collection.current != nil { transport.buffers.give(&collection.current!.request.head) }
    }

    /// A copy of a request's record, for an incident that is recorded when the request itself has moved on.
    mutating func copyOf(_ record: RequestRecord) -> RequestRecord {
        var copy = record
        copy.head = Buffer()
        guard record.head.count > 0 else { return copy }
        // What the client asked for may stand after the header block.
        let end = max(Int(record.head.end), record.target.end, record.host.end)
        transport.buffers.append(&copy.head, record.head.base!, end)
        copy.head.start = record.head.start
        copy.head.end = record.head.end
        return copy
    }
}
