import Wire

/// The frame scanner: whose turn it is, and what is passed over.
extension SessionState {
    mutating func receive(
        _ bytes: UnsafeMutablePointer<UInt8>, count: Int, now: UInt64, block: inout HeaderBlock
    ) -> HTTP2Step {
        self.now = now
        let step = unsafe next(bytes, count, &block)
        offset &+= UInt64(step.consumed)
        return step
    }

    private mutating func next(_ bytes: UnsafeMutablePointer<UInt8>, _ count: Int, _ block: inout HeaderBlock) -> HTTP2Step {
        // It is reported once: what a peer sends before it has read of the end is passed over.
        if failure != nil { return HTTP2Step(.needMore, consumed: count) }
        if endedStream != 0, let step = reportEnd() { return step }
        if sweeps, let step = reportUnanswered() { return step }
        var at = 0
        if !hasPreface {
            let n = min(count, Self.preface.utf8CodeUnitCount)
            for i in 0..<n where unsafe bytes[i] != Self.preface.utf8Start[i] { return fail(.preface, count) }
            guard n == Self.preface.utf8CodeUnitCount else { return HTTP2Step(.needMore) }
            hasPreface = true
            at = n
        }
        var frames = 0
        while true {
            guard frames < Self.framesPerStep else { return HTTP2Step(.pause, consumed: at) }
            frames += 1
            if !data.isDone {
                if let step = unsafe receiveData(bytes, count, &at) { return step }
                if !data.isDone, at == count { return HTTP2Step(.needMore, consumed: at) }
                continue
            }
            guard count - at >= FrameHeader.byteCount else { return HTTP2Step(.needMore, consumed: at) }
            let header = unsafe FrameHeader(bytes + at)
            guard header.length <= FrameHeader.payloadMax else { return fail(.frameSizeError, count) }
            if header.type != FrameHeader.data || assembly.stream != 0 || !hasSettings {
                guard count - at - FrameHeader.byteCount >= header.length || mayNotCome(header) else {
                    return HTTP2Step(.needMore, consumed: at)
                }
                if let step = unsafe receiveFrame(header, bytes, count, &at, &block) { return step }
            } else {
                // The length of the padding stands before the payload.
                if header.has(FrameHeader.padded), header.length > 0, count - at == FrameHeader.byteCount {
                    return HTTP2Step(.needMore, consumed: at)
                }
                if let step = unsafe receiveDataHeader(header, bytes, count, &at) { return step }
            }
        }
    }

    /// A frame that is an error by its header alone: its payload need not be waited for.
    private func mayNotCome(_ header: FrameHeader) -> Bool {
        if !hasSettings { return header.type != FrameHeader.settings }
        if assembly.stream != 0 { return header.type != FrameHeader.continuation || header.stream != assembly.stream }
        return false
    }

    /// A whole frame that is not DATA. nil: nothing to report.
    private mutating func receiveFrame(
        _ header: FrameHeader, _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int, _ at: inout Int, _ block: inout HeaderBlock
    ) -> HTTP2Step? {
        if mayNotCome(header) { return fail(.protocolError, count) }
        let payload = unsafe UnsafePointer(bytes) + at + FrameHeader.byteCount
        let start = offset &+ UInt64(at)
        at += FrameHeader.byteCount + header.length
        let step: HTTP2Step?
        switch header.type {
        case FrameHeader.headers: step = unsafe receiveHeaders(header, payload, start, &block)
        case FrameHeader.continuation: step = unsafe receiveContinuation(header, payload, &block)
        case FrameHeader.settings: step = unsafe receiveSettings(header, payload)
        case FrameHeader.windowUpdate: step = unsafe receiveWindowUpdate(header, payload, start)
        case FrameHeader.resetStream: step = unsafe receiveReset(header, payload)
        case FrameHeader.ping: step = unsafe receivePing(header, payload)
        case FrameHeader.goAway: step = unsafe receiveGoAway(header, payload)
        case FrameHeader.priority: step = receivePriority(header)
        case FrameHeader.pushPromise: step = fail(.protocolError, 0)
        default: step = priorities.take(limits.priorities, now: now) ? nil : fail(.priorityFlood, 0)
        }
        guard var step else { return nil }
        step.consumed = at
        return step
    }

    /// Frames that one step reads without having anything to report: what a peer can make us do at a time is bounded.
    static var framesPerStep: Int { 16 }

    /// The preface of a client (RFC 9113 section 3.4).
    static var preface: StaticString { "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" }

    /// The connection is over: says so to the peer, and to the worker from now on.
    mutating func fail(_ failure: HTTP2Failure, _ consumed: Int) -> HTTP2Step {
        self.failure = failure
        hasSentGoAway = true
        putGoAway(failure.code, last: isServer ? lastPeerStream : 0)
        return HTTP2Step(.failed(failure), consumed: consumed)
    }
}
