import Wire

/// Streams begin and end; windows.
extension SessionState {
    /// The place of a stream that the peer can know of: a request that has not been written cannot be what it answers.
    /// Negative: there is none.
    @inline(__always)
    func known(_ id: Int32) -> Int32 { id <= lastWritten ? streams.find(id) : -1 }

    /// Never opened by whoever may open it, as far as the peer can know.
    func isIdle(_ id: Int32) -> Bool { id & 1 == 0 || id > (isServer ? lastPeerStream : lastWritten) }

    /// The peer's message has ended (END_STREAM), whole or not.
    mutating func endPeerSide(_ place: Int32) {
        unsafe streams[place].pointee.flags.insert(.peerEnded)
        if unsafe streams[place].pointee.flags.contains(.ended) { close(place) }
    }

    /// Our message has ended: END_STREAM is framed.
    mutating func endOurSide(_ place: Int32) {
        let stream = unsafe streams[place]
        unsafe stream.pointee.flags.insert(.ended)
        if unsafe stream.pointee.flags.contains(.peerEnded) {
            close(place)
        } else if unsafe stream.pointee.flags.contains(.resetsAtEnd) {
            reset(place, ErrorCode.noError)
        }
    }

    /// END_STREAM without anything before it in its frame.
    mutating func peerEnds(_ place: Int32, consumed: Int) -> HTTP2Step {
        let stream = unsafe streams[place]
        var step = HTTP2Step(.body, consumed: consumed)
        step.stream = unsafe stream.pointee.id
        step.tag = unsafe stream.pointee.tag
        step.bodyStart = consumed
        step.ended = true
        guard unsafe stream.pointee.isShort else {
            endPeerSide(place)
            return step
        }
        step.event = .violation(.lengthShort)
        step.offset = data.offset
        guard !isServer else {
            return resetByOurselves(
                place, ErrorCode.protocolError, cause: .lengthShort, offset: data.offset, consumed: consumed)
        }
        endPeerSide(place)
        return step
    }

    /// That a message has ended short, after its last piece was reported.
    mutating func reportEnd() -> HTTP2Step? {
        let place = streams.find(endedStream)
        endedStream = 0
        return place < 0 ? nil : peerEnds(place, consumed: 0)
    }

    /// The next stream that the peer has said it will not answer (section 6.8). One whose answer has begun is let go on, whatever it says.
    mutating func reportUnanswered() -> HTTP2Step? {
        var place: Int32 = -1
        streams.forEach {
            if unsafe streams[$0].pointee.id > answeredMax, unsafe !streams[$0].pointee.flags.contains(.hasHead) { place = $0 }
        }
        guard place >= 0 else {
            sweeps = false
            return nil
        }
        var step = HTTP2Step(.reset(ErrorCode.refusedStream))
        step.stream = unsafe streams[place].pointee.id
        step.tag = unsafe streams[place].pointee.tag
        drop(place, byPeer: true)
        return step
    }

    /// RST_STREAM, and the stream is forgotten but for its late frames.
    mutating func reset(_ place: Int32, _ code: UInt32, isReported: Bool = false) {
        unsafe putReset(streams[place].pointee.id, code)
        drop(place, byPeer: false, isReported: isReported)
    }

    /// A stream error of the peer's.
    mutating func resetByOurselves(
        _ place: Int32, _ code: UInt32, cause: HTTP2Violation, surplus: Int = 0, offset: UInt64, consumed: Int
    ) -> HTTP2Step {
        if isServer, !resets.take(limits.resets, now: now) { return fail(.rapidReset, consumed) }
        var step = HTTP2Step(.reset(code), consumed: consumed)
        step.cause = cause
        step.surplusBytes = surplus
        step.offset = offset
        step.stream = unsafe streams[place].pointee.id
        step.tag = unsafe streams[place].pointee.tag
        reset(place, code, isReported: true)
        return step
    }

    /// Both sides have ended.
    private mutating func close(_ place: Int32) {
        let stream = unsafe streams[place]
        unsafe remember(
            ClosedStreams.Entry(
                id: stream.pointee.id, tag: stream.pointee.tag,
                unconsumed: Int32(truncatingIfNeeded: stream.pointee.unconsumed),
                endedByPeer: true, resetByPeer: false, resetByUs: false))
        remove(place)
    }

    /// One side has reset the stream: nobody will pass on what it had.
    mutating func drop(_ place: Int32, byPeer: Bool, isReported: Bool = false) {
        let stream = unsafe streams[place]
        let unconsumed = unsafe stream.pointee.unconsumed
        unsafe remember(
            ClosedStreams.Entry(
                id: stream.pointee.id, tag: stream.pointee.tag, unconsumed: 0,
                endedByPeer: stream.pointee.flags.contains(.peerEnded), resetByPeer: byPeer, resetByUs: !byPeer,
                isReported: isReported))
        remove(place)
        creditConnection(unconsumed)
    }

    private mutating func remove(_ place: Int32) {
        if unsafe streams[place].pointee.flags.contains(.isListed) { unlist(place) }
        if unsafe !streams[place].pointee.queue.isEmpty { queuedStreams -= 1 }
        streams.remove(place)
    }

    mutating func remember(_ entry: ClosedStreams.Entry) {
        let unconsumed = closed.add(entry)
        if unconsumed > 0 { creditConnection(unconsumed) }
    }
}

/// What the peer may send.
extension SessionState {
    /// Body bytes have been passed on.
    mutating func consumed(_ id: Int32, _ n: Int) {
        let place = streams.find(id)
        if place >= 0 {
            let taken = unsafe min(n, streams[place].pointee.unconsumed)
            unsafe streams[place].pointee.unconsumed -= taken
            credit(place, taken)
        } else if let entry = unsafe closed.find(id) {
            let taken = unsafe min(n, Int(entry.pointee.unconsumed))
            unsafe entry.pointee.unconsumed -= Int32(truncatingIfNeeded: taken)
            creditConnection(taken)
        }
    }

    /// Announced in steps of half a window, so that a window costs two frames.
    mutating func credit(_ place: Int32, _ n: Int) {
        creditConnection(n)
        let stream = unsafe streams[place]
        guard unsafe !stream.pointee.flags.contains(.peerEnded) else { return }
        unsafe stream.pointee.credit += n
        guard unsafe stream.pointee.credit >= limits.streamWindowBytes / 2 else { return }
        unsafe putWindowUpdate(stream.pointee.id, stream.pointee.credit)
        unsafe stream.pointee.receiveWindow += stream.pointee.credit
        unsafe stream.pointee.credit = 0
    }

    mutating func creditConnection(_ n: Int) {
        credit += n
        guard credit >= limits.connectionWindowBytes / 2, failure == nil else { return }
        putWindowUpdate(0, credit)
        receiveWindow += credit
        credit = 0
    }
}
