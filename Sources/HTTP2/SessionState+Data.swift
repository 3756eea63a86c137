/// DATA (RFC 9113 section 6.1): reported in pieces as it comes, never kept.
extension SessionState {
    /// Reads a frame's header, and decides what its payload is. nil: nothing to report yet.
    mutating func receiveDataHeader(
        _ header: FrameHeader, _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int, _ at: inout Int
    ) -> HTTP2Step? {
        let start = offset &+ UInt64(at)
        var headerCount = FrameHeader.byteCount
        var padding = 0
        guard header.stream != 0 else { return fail(.protocolError, count) }
        if header.has(FrameHeader.padded) {
            guard header.length > 0 else { return fail(.frameSizeError, count) }
            padding = unsafe Int(bytes[at + headerCount]) + 1
            guard padding <= header.length else { return fail(.protocolError, count) }
            headerCount += 1
        }
        receiveWindow -= header.length
        guard receiveWindow >= 0 else { return fail(.flowControlError, count) }
        let payload = header.length - padding
        let ends = header.has(FrameHeader.endStream)
        if payload == 0, !ends, !emptyData.take(limits.emptyData, now: now) { return fail(.emptyDataFlood, count) }
        at += headerCount
        data = DataFrame(stream: header.stream, ends: ends, offset: start)
        // What follows in this frame: the length of the padding is read already.
        data.skipped = padding > 0 ? padding - 1 : 0
        let place = known(header.stream)
        if place < 0 { return receiveLateData(payload, count, at, isPadded: padding > 0) }
        let stream = unsafe streams[place]
        if unsafe stream.pointee.flags.contains(.peerEnded) {
            creditConnection(header.length)
            data.skipped += payload
            // A second empty END_STREAM says nothing that was not said.
            if !isServer, payload == 0 { return nil }
            return strangeData(.dataAfterEnd, place, payload, count, at, code: ErrorCode.streamClosed)
        }
        unsafe stream.pointee.receiveWindow -= header.length
        guard unsafe stream.pointee.receiveWindow >= 0 else {
            data.skipped += payload
            creditConnection(header.length)
            return resetByOurselves(
                place, ErrorCode.flowControlError, cause: .windowMisused, offset: data.offset, consumed: at)
        }
        if padding > 0 { credit(place, padding) }
        return expectData(place, payload, count, at)
    }

    /// DATA that its stream may carry: how much of it is the message's.
    private mutating func expectData(_ place: Int32, _ payload: Int, _ count: Int, _ at: Int) -> HTTP2Step? {
        let stream = unsafe streams[place]
        let flags = unsafe stream.pointee.flags
        if !isServer, !flags.contains(.hasHead) || flags.contains(.isBodiless) && payload > 0 {
            credit(place, payload)
            data.skipped += payload
            let isEarly = !flags.contains(.hasHead)
            return strangeData(
                isEarly ? .dataBeforeHead : .dataOnBodiless, place, payload, count, at, code: ErrorCode.protocolError,
                resets: isEarly)
        }
        data.bodyLeft = payload
        if flags.contains(.declaresLength), !flags.contains(.isBodiless), unsafe UInt64(payload) > stream.pointee.lengthLeft {
            let surplus = unsafe payload - Int(stream.pointee.lengthLeft)
            if isServer {
                // Such a request is not passed on, so none of it is reported any more.
                data.bodyLeft = 0
                data.skipped += payload
                credit(place, payload)
                return strangeData(
                    .lengthExceeded, place, surplus, count, at, ahead: payload - surplus, code: ErrorCode.protocolError)
            }
            data.bodyLeft = payload - surplus
            data.surplusLeft = surplus
        }
        if payload == 0, data.ends { return peerEnds(place, consumed: at) }
        return nil
    }

    /// Payload as far as it has come. nil: nothing to report; the frame may be done, or more has to come.
    mutating func receiveData(_ bytes: UnsafeMutablePointer<UInt8>, _ count: Int, _ at: inout Int) -> HTTP2Step? {
        if count > at { dataCameAt = now }
        if data.bodyLeft > 0 {
            let n = min(count - at, data.bodyLeft)
            guard n > 0 else { return nil }
            let place = streams.find(data.stream)
            if place >= 0 { return reportBody(place, n, &at) }
            // Reset meanwhile.
            creditConnection(data.bodyLeft + data.surplusLeft)
            data.skipped += data.bodyLeft + data.surplusLeft
            data.bodyLeft = 0
            data.surplusLeft = 0
        }
        if data.surplusLeft > 0 {
            guard count > at else { return nil }
            let surplus = data.surplusLeft
            data.surplusLeft = 0
            data.skipped += surplus
            let place = streams.find(data.stream)
            guard place >= 0 else {
                creditConnection(surplus)
                return nil
            }
            credit(place, surplus)
            return strangeData(.lengthExceeded, place, surplus, count, at, code: ErrorCode.protocolError)
        }
        if data.strangeLeft > 0 { return reportStrange(count, &at) }
        let n = min(count - at, data.skipped)
        data.skipped -= n
        at += n
        return nil
    }

    private mutating func reportStrange(_ count: Int, _ at: inout Int) -> HTTP2Step? {
        let n = min(count - at, data.strangeLeft)
        guard n > 0 else { return nil }
        data.strangeLeft -= n
        var step = HTTP2Step(.surplus, consumed: at + n)
        step.stream = data.stream
        step.bodyStart = at
        step.bodyCount = n
        return step
    }

    private mutating func reportBody(_ place: Int32, _ n: Int, _ at: inout Int) -> HTTP2Step {
        let stream = unsafe streams[place]
        data.bodyLeft -= n
        unsafe stream.pointee.bodyBytes += UInt64(n)
        unsafe stream.pointee.unconsumed += n
        let id = data.stream
        newestHeard = max(newestHeard, id)
        var step = HTTP2Step(.body, consumed: at + n)
        step.bodyStart = at
        step.bodyCount = n
        step.stream = id
        step.tag = unsafe stream.pointee.tag
        if data.bodyLeft > 0 || data.surplusLeft > 0 || !data.ends {
            if !isServer { unsafe hear(stream) }
        } else if unsafe stream.pointee.isShort {
            endedStream = id
        } else {
            step.ended = true
            endPeerSide(place)
        }
        return step
    }

    /// DATA for a stream that is closed, or never was.
    private mutating func receiveLateData(_ payload: Int, _ count: Int, _ at: Int, isPadded: Bool) -> HTTP2Step? {
        creditConnection(payload + data.skipped + (isPadded ? 1 : 0))
        if isIdle(data.stream) {
            if isServer { return fail(.protocolError, count) }
            data.skipped += payload
            return violation(.unrequestedData, data.stream, -1, surplus: payload, at: at)
        }
        data.skipped += payload
        // Of a stream that we have reset, it may have been on its way; of one that is forgotten, nobody can know.
        guard let entry = unsafe closed.find(data.stream), isServer || payload > 0 else { return nil }
        let (endedByPeer, isReported) = unsafe (entry.pointee.endedByPeer, entry.pointee.isReported)
        guard unsafe endedByPeer || isServer && (entry.pointee.resetByPeer || isReported) else { return nil }
        if isServer, isReported, !endedByPeer { return reportMore(payload, count, at) }
        if isServer {
            guard resets.take(limits.resets, now: now) else { return fail(.rapidReset, count) }
            putReset(data.stream, ErrorCode.streamClosed)
            // Whoever has reset the stream is done with it, whatever was still to follow.
            guard endedByPeer else { return nil }
            if isReported { return reportMore(payload, count, at) }
            unsafe entry.pointee.isReported = true
            var step = HTTP2Step(.violation(.dataAfterEnd), consumed: at)
            step.stream = data.stream
            step.surplusBytes = payload
            step.offset = data.offset
            step.bodyStart = at
            step.bodyCount = min(count - at, payload)
            return step
        }
        return unsafe violation(.dataAfterEnd, data.stream, entry.pointee.tag, surplus: payload, at: at)
    }

    /// More of what has been reported of a client's stream; it lies at the start of what is skipped.
    private func reportMore(_ payload: Int, _ count: Int, _ at: Int) -> HTTP2Step? {
        guard payload > 0 else { return nil }
        var step = HTTP2Step(.surplus, consumed: at)
        step.stream = data.stream
        step.surplusBytes = payload
        step.bodyStart = at
        step.bodyCount = min(count - at, payload)
        return step
    }

    /// DATA that an open stream should not carry: reported, and passed over. The surplus lies so many bytes ahead.
    private mutating func strangeData(
        _ what: HTTP2Violation, _ place: Int32, _ surplus: Int, _ count: Int, _ at: Int, ahead: Int = 0, code: UInt32,
        resets: Bool = false
    ) -> HTTP2Step {
        if isServer {
            var step = resetByOurselves(place, code, cause: what, surplus: surplus, offset: data.offset, consumed: at)
            step.bodyStart = min(at + ahead, count)
            step.bodyCount = min(count - step.bodyStart, surplus)
            return step
        }
        let stream = unsafe streams[place]
        var step = unsafe violation(what, stream.pointee.id, stream.pointee.tag, surplus: surplus, at: at)
        if resets {
            // Nothing more of it is reported.
            data.skipped += data.strangeLeft
            data.strangeLeft = 0
            step.resetsStream = true
            reset(place, code)
        } else if data.ends, unsafe !stream.pointee.flags.contains(.peerEnded) {
            step.ended = true
            endPeerSide(place)
        }
        return step
    }

    /// A violation by DATA, of whose payload so much is surplus. It lies at the start of what is skipped.
    private mutating func violation(_ what: HTTP2Violation, _ id: Int32, _ tag: Int32, surplus: Int, at: Int) -> HTTP2Step {
        data.strangeLeft = surplus
        data.skipped -= surplus
        var step = HTTP2Step(.violation(what), consumed: at)
        step.stream = id
        step.tag = tag
        step.surplusBytes = surplus
        step.offset = data.offset
        return step
    }
}
