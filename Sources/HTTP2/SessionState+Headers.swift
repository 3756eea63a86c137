import Wire

/// HEADERS with their CONTINUATIONs (RFC 9113 sections 6.2, 6.10 and 8.1).
extension SessionState {
    mutating func receiveHeaders(
        _ header: FrameHeader, _ payload: UnsafePointer<UInt8>, _ start: UInt64, _ block: inout HeaderBlock
    ) -> HTTP2Step? {
        guard header.stream != 0, !isServer || header.stream & 1 == 1 else { return fail(.protocolError, 0) }
        var p = unsafe payload
        var n = header.length
        var padding = 0
        if header.has(FrameHeader.padded) {
            guard n >= 1 else { return fail(.frameSizeError, 0) }
            padding = unsafe Int(p[0])
            unsafe p += 1
            n -= 1
        }
        if header.has(FrameHeader.hasPriority) {
            guard n >= 5 else { return fail(.frameSizeError, 0) }
            unsafe p += 5
            n -= 5
        }
        guard padding <= n else { return fail(.protocolError, 0) }
        n -= padding
        let ends = header.has(FrameHeader.endStream)
        if header.has(FrameHeader.endHeaders) { return unsafe receiveBlock(header.stream, ends, p, n, start, &block) }
        assembly.stream = header.stream
        assembly.ends = ends
        assembly.frames = 1
        assembly.offset = start
        unsafe assembly.packed.append(p, n)
        return nil
    }

    mutating func receiveContinuation(
        _ header: FrameHeader, _ payload: UnsafePointer<UInt8>, _ block: inout HeaderBlock
    ) -> HTTP2Step? {
        guard assembly.stream != 0 else { return fail(.protocolError, 0) }
        assembly.frames += 1
        guard assembly.frames <= limits.headerFramesMax else { return fail(.continuationFlood, 0) }
        // Packed bytes are seldom more than what they say; a little over the limit is refused politely, far over it is not.
        guard assembly.packed.count + header.length <= limits.headerBytesMax + 2 * FrameHeader.payloadMax else {
            return fail(.headerBomb, 0)
        }
        unsafe assembly.packed.append(payload, header.length)
        guard header.has(FrameHeader.endHeaders) else { return nil }
        let stream = assembly.stream
        assembly.stream = 0
        let isEmpty = assembly.packed.isEmpty
        let step = unsafe receiveBlock(
            stream, assembly.ends, isEmpty ? payload : UnsafePointer(assembly.packed.first), assembly.packed.count,
            assembly.offset, &block)
        assembly.packed.release()
        return step
    }

    private mutating func receiveBlock(
        _ id: Int32, _ ends: Bool, _ bytes: UnsafePointer<UInt8>, _ count: Int, _ start: UInt64, _ block: inout HeaderBlock
    ) -> HTTP2Step? {
        let place = known(id)
        let sort: HeaderDecoder.Sort = !isServer ? .answer : place < 0 ? .request : .requestTrailers
        let outcome = unsafe decoder.decode(sort, bytes, count, limits, into: &block)
        if case .failed(let failure) = outcome { return fail(failure, 0) }
        var step = HTTP2Step(.head)
        step.stream = id
        step.offset = start
        step.surplusBytes = count
        step.hasBlock = true
        step.ended = ends
        step.overLimit = outcome == .tooLarge ? .bytes : outcome == .tooManyFields ? .fields : nil
        if place >= 0 { step.tag = unsafe streams[place].pointee.tag }
        if isServer {
            return place >= 0 ? requestTrailers(place, outcome, step) : request(outcome, step, block)
        }
        return place >= 0 ? answer(place, outcome, step, block) : lateAnswer(outcome, step, block)
    }
}

/// Requests.
extension SessionState {
    private mutating func request(_ outcome: HeaderDecoder.Outcome, _ initial: HTTP2Step, _ block: borrowing HeaderBlock)
        -> HTTP2Step?
    {
        var step = initial
        let id = step.stream
        guard id > lastPeerStream else {
            if let entry = unsafe closed.find(id) {
                guard unsafe entry.pointee.endedByPeer else { return nil }
                step.event = fail(.streamClosed, 0).event
                step.cause = .headAfterEnd
                return step
            }
            // Skipped when a higher one was opened, and so closed (section 5.1.1); or forgotten.
            return id > closed.forgottenMax && !hasSentGoAway ? fail(.protocolError, 0) : nil
        }
        lastPeerStream = id
        priorities.give(4, limits.priorities)
        // Whoever sent this did not know yet, and will ask elsewhere (section 6.8).
        if hasSentGoAway { return nil }
        guard streams.count < limits.streamsMax else { return refuse(step, .tooManyStreams, ErrorCode.refusedStream) }
        switch outcome {
        case .complete where !(step.ended && block.contentLength > 0): break
        case .tooLarge: return refuse(step, .headerTooLarge, nil)
        case .tooManyFields: return refuse(step, .tooManyFields, nil)
        default: return refuse(step, .malformed, ErrorCode.protocolError)
        }
        var stream = StreamState(
            id: id, tag: -1, flags: step.ended ? .peerEnded : [], sendWindow: peerWindow,
            receiveWindow: limits.streamWindowBytes)
        if block.facts.contains(.contentLength) {
            stream.flags.insert(.declaresLength)
            stream.declaredBytes = block.contentLength
        }
        _ = streams.add(stream)
        step.surplusBytes = 0
        step.isNarrow = stream.isNarrow
        return step
    }

    /// A request that gets no place: reset, or answered with 431 when there is no code.
    private mutating func refuse(_ initial: HTTP2Step, _ why: HTTP2Refusal, _ code: UInt32?) -> HTTP2Step {
        var step = initial
        guard resets.take(limits.resets, now: now) else { return fail(.rapidReset, 0) }
        if code == nil { putTooLarge(step.stream) }
        if code != nil || !step.ended { putReset(step.stream, code ?? ErrorCode.noError) }
        remember(
            ClosedStreams.Entry(
                id: step.stream, tag: -1, unconsumed: 0, endedByPeer: step.ended, resetByPeer: false, resetByUs: true))
        step.event = .refused(why)
        return step
    }

    private mutating func requestTrailers(_ place: Int32, _ outcome: HeaderDecoder.Outcome, _ initial: HTTP2Step) -> HTTP2Step {
        var step = initial
        let stream = unsafe streams[place]
        var what: HTTP2Violation?
        var code = ErrorCode.protocolError
        if unsafe stream.pointee.flags.contains(.peerEnded) {
            what = .headAfterEnd
            code = ErrorCode.streamClosed
        } else if !step.ended {
            what = .trailersWithoutEnd
        } else if outcome == .malformed {
            what = .malformedTrailers
        } else if unsafe stream.pointee.isShort {
            what = .lengthShort
        }
        // Too large is no violation.
        if what != nil || outcome != .complete {
            guard resets.take(limits.resets, now: now) else { return fail(.rapidReset, 0) }
            step.event = .reset(code)
            step.cause = what
            reset(place, code, isReported: what != nil)
            return step
        }
        step.event = .trailers
        endPeerSide(place)
        return step
    }
}

/// Answers.
extension SessionState {
    /// A header block on an open stream of ours.
    private mutating func answer(
        _ place: Int32, _ outcome: HeaderDecoder.Outcome, _ initial: HTTP2Step, _ block: borrowing HeaderBlock
    ) -> HTTP2Step {
        var step = initial
        let stream = unsafe streams[place]
        if unsafe stream.pointee.flags.contains(.peerEnded) {
            step.event = .violation(afterEnd(block.status))
            step.ended = false
            return step
        }
        if unsafe stream.pointee.flags.contains(.hasHead) { return answerGoesOn(place, outcome, step, block) }
        let isInterim = block.status < 200
        if outcome != .complete || block.status == 0 || block.status == 101 || isInterim && step.ended {
            step.event = .violation(.malformedHead)
            step.resetsStream = true
            reset(place, ErrorCode.protocolError)
            return step
        }
        if isInterim {
            step.event = .interim
            return step
        }
        unsafe stream.pointee.flags.insert(.hasHead)
        unsafe hear(stream)
        // What a tunnel carries has no length (RFC 9110 section 9.3.6).
        let opensTunnel = unsafe stream.pointee.flags.contains(.asksTunnel) && block.status < 300
        if !opensTunnel, block.status == 204 || block.status == 304 { unsafe stream.pointee.flags.insert(.isBodiless) }
        if !opensTunnel, block.facts.contains(.contentLength),
            block.facts.isDisjoint(with: [.contentLengthDiffers, .contentLengthInvalid])
        {
            unsafe stream.pointee.flags.insert(.declaresLength)
            unsafe stream.pointee.declaredBytes = block.contentLength
        }
        if step.ended {
            if unsafe stream.pointee.isShort {
                // First the head, then that its body will not come.
                step.ended = false
                endedStream = step.stream
            } else {
                endPeerSide(place)
            }
        }
        return step
    }

    /// A header block after the final one: trailers, or what should not be there.
    private mutating func answerGoesOn(
        _ place: Int32, _ outcome: HeaderDecoder.Outcome, _ initial: HTTP2Step, _ block: borrowing HeaderBlock
    ) -> HTTP2Step {
        var step = initial
        if block.status != 0 {
            step.event = .violation(block.status < 200 ? .interimInBody : step.ended ? .statusInTrailers : .headInBody)
        } else if !step.ended {
            step.event = .violation(.trailersWithoutEnd)
        } else if outcome != .complete {
            step.event = .violation(.malformedTrailers)
        } else if unsafe streams[place].pointee.isShort {
            step.event = .violation(.lengthShort)
        } else {
            step.event = .trailers
        }
        if step.ended { endPeerSide(place) }
        return step
    }

    /// A header block on a stream that is closed, or never was opened.
    private mutating func lateAnswer(
        _ outcome: HeaderDecoder.Outcome, _ initial: HTTP2Step, _ block: borrowing HeaderBlock
    ) -> HTTP2Step? {
        var step = initial
        step.ended = false
        guard lateHeads.take(limits.lateHeads, now: now) else { return fail(.lateHeadFlood, 0) }
        if isIdle(step.stream) {
            step.event = .violation(.unrequestedHead)
            return step
        }
        // Of a stream that we have reset, it may have been on its way; of one that is forgotten, nobody can know.
        guard let entry = unsafe closed.find(step.stream), unsafe entry.pointee.endedByPeer else { return nil }
        step.tag = unsafe entry.pointee.tag
        step.event = .violation(afterEnd(block.status))
        return step
    }

    private func afterEnd(_ status: Int) -> HTTP2Violation {
        status == 0 ? .trailersAfterEnd : status < 200 ? .interimAfterEnd : .headAfterEnd
    }
}
