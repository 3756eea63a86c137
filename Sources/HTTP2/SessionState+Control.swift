import Wire

/// Frames that carry no message (RFC 9113 sections 6.3 to 6.9). nil: nothing to report.
extension SessionState {
    /// Acknowledgements that wait to be written; a peer that reads none of them wants something else.
    static let unsentAcksMax = 1000
    /// Entries of one SETTINGS frame.
    static let settingsEntriesMax = 32

    mutating func receiveSettings(_ header: FrameHeader, _ payload: UnsafePointer<UInt8>) -> HTTP2Step? {
        guard header.stream == 0 else { return fail(.protocolError, 0) }
        if header.has(FrameHeader.ack) {
            guard header.length == 0 else { return fail(.frameSizeError, 0) }
            // Not an answer to ours before there was one; the first must be SETTINGS of its own.
            return hasSettings ? nil : fail(.protocolError, 0)
        }
        hasSettings = true
        guard header.length % 6 == 0 else { return fail(.frameSizeError, 0) }
        guard settings.take(limits.settings, now: now), header.length <= 6 * Self.settingsEntriesMax,
            unsentAcks < Self.unsentAcksMax
        else { return fail(.settingsFlood, 0) }
        var p = unsafe payload
        while unsafe p < payload + header.length {
            if let failure = unsafe apply(setting: UInt16(p[0]) << 8 | UInt16(p[1]), FrameHeader.number(p + 2)) {
                return fail(failure, 0)
            }
            unsafe p += 6
        }
        unsentAcks += 1
        putFrame(FrameHeader.settings, FrameHeader.ack, 0, length: 0)
        return nil
    }

    private mutating func apply(setting: UInt16, _ value: UInt32) -> HTTP2Failure? {
        switch setting {
        case 0x2: if value > (isServer ? 1 : 0) { return .protocolError }
        case 0x3: peerStreamsMax = Int(value)
        case 0x4:
            guard value <= Self.windowMax else { return .flowControlError }
            return changeWindows(by: Int(value) - peerWindow)
        case 0x5:
            guard value >= UInt32(FrameHeader.payloadMax), value <= 0xff_ffff else { return .protocolError }
            peerFrameMax = min(Int(value), FrameHeader.payloadMax)
        case 0x8:
            guard value <= 1 else { return .protocolError }
            peerTakesConnect = value == 1
        default: break
        }
        return nil
    }

    /// Section 6.9.2.
    private mutating func changeWindows(by change: Int) -> HTTP2Failure? {
        peerWindow += change
        var overflows = false
        streams.forEach { place in
            unsafe streams[place].pointee.sendWindow += change
            if unsafe streams[place].pointee.sendWindow > Self.windowMax { overflows = true }
        }
        if overflows { return .flowControlError }
        // The same places by another name: listing changes what is in them, not where they are.
        let places = streams
        places.forEach { place in
            if isUnlisted(place) {
                list(place)
            } else if unsafe streams[place].pointee.sendWindow <= 0, unsafe streams[place].pointee.flags.contains(.isListed) {
                // It waits for the connection's window no more, but for its own.
                unlist(place)
            }
        }
        return nil
    }

    private func isUnlisted(_ place: Int32) -> Bool {
        let stream = unsafe streams[place]
        return unsafe !stream.pointee.queue.isEmpty && stream.pointee.sendWindow > 0
            && !stream.pointee.flags.contains(.isListed)
    }

    mutating func receiveWindowUpdate(
        _ header: FrameHeader, _ payload: UnsafePointer<UInt8>, _ start: UInt64
    ) -> HTTP2Step? {
        guard header.length == 4 else { return fail(.frameSizeError, 0) }
        guard windowUpdates.take(limits.windowUpdates, now: now) else { return fail(.windowUpdateFlood, 0) }
        let n = unsafe Int(FrameHeader.number(payload) & 0x7fff_ffff)
        if header.stream == 0 {
            guard n > 0 else { return fail(.protocolError, 0) }
            sendWindow += n
            return sendWindow > Self.windowMax ? fail(.flowControlError, 0) : nil
        }
        let place = known(header.stream)
        guard place >= 0 else { return isIdle(header.stream) ? fail(.protocolError, 0) : nil }
        guard n > 0 else {
            return resetByOurselves(place, ErrorCode.protocolError, cause: .windowMisused, offset: start, consumed: 0)
        }
        unsafe streams[place].pointee.sendWindow += n
        guard unsafe streams[place].pointee.sendWindow <= Self.windowMax else {
            return resetByOurselves(place, ErrorCode.flowControlError, cause: .windowMisused, offset: start, consumed: 0)
        }
        if isUnlisted(place) { list(place) }
        return nil
    }

    mutating func receiveReset(_ header: FrameHeader, _ payload: UnsafePointer<UInt8>) -> HTTP2Step? {
        guard header.length == 4 else { return fail(.frameSizeError, 0) }
        guard header.stream != 0, !isIdle(header.stream) else { return fail(.protocolError, 0) }
        if isServer, !resets.take(limits.resets, now: now) { return fail(.rapidReset, 0) }
        let place = known(header.stream)
        guard place >= 0 else { return nil }
        var step = unsafe HTTP2Step(.reset(FrameHeader.number(payload)))
        step.stream = header.stream
        step.tag = unsafe streams[place].pointee.tag
        drop(place, byPeer: true)
        return step
    }

    mutating func receivePing(_ header: FrameHeader, _ payload: UnsafePointer<UInt8>) -> HTTP2Step? {
        guard header.length == 8 else { return fail(.frameSizeError, 0) }
        guard header.stream == 0 else { return fail(.protocolError, 0) }
        guard pings.take(limits.pings, now: now), unsentAcks < Self.unsentAcksMax else { return fail(.pingFlood, 0) }
        guard !header.has(FrameHeader.ack) else { return nil }
        unsentAcks += 1
        putFrame(FrameHeader.ping, FrameHeader.ack, 0, length: 8)
        unsafe out.append(payload, 8)
        return nil
    }

    mutating func receiveGoAway(_ header: FrameHeader, _ payload: UnsafePointer<UInt8>) -> HTTP2Step? {
        guard header.length >= 8 else { return fail(.frameSizeError, 0) }
        guard header.stream == 0 else { return fail(.protocolError, 0) }
        let last = unsafe Int32(truncatingIfNeeded: FrameHeader.number(payload) & 0x7fff_ffff)
        let isFirst = !hasGoAway
        hasGoAway = true
        leavesInOrder = unsafe FrameHeader.number(payload + 4) == ErrorCode.noError
        if !isServer {
            answeredMax = min(answeredMax, last)
            sweeps = true
        }
        return isFirst ? HTTP2Step(.goAway) : sweeps ? reportUnanswered() : nil
    }

    mutating func receivePriority(_ header: FrameHeader) -> HTTP2Step? {
        guard header.stream != 0 else { return fail(.protocolError, 0) }
        guard header.length == 5 else { return fail(.frameSizeError, 0) }
        // Deprecated (section 5.3.2), and not acted on.
        return priorities.take(limits.priorities, now: now) ? nil : fail(.priorityFlood, 0)
    }
}
