import CNghttp2
import Wire

/// What we say: header blocks go into `out` at once, bodies as far as the windows allow.
extension SessionState {
    /// The first frames of the connection (RFC 9113 section 3.4).
    mutating func greet() {
        if !isServer { unsafe out.append(Self.preface.utf8Start, Self.preface.utf8CodeUnitCount) }
        let values: [(UInt16, Int)] = [
            isServer ? (0x3, limits.streamsMax) : (0x2, 0), (0x4, limits.streamWindowBytes), (0x6, limits.headerBytesMax),
        ]
        let count = values.count + (isServer ? 1 : 0)
        putFrame(FrameHeader.settings, 0, 0, length: 6 * count)
        for (setting, value) in values { put(setting: setting, value) }
        // Extended CONNECT, for WebSockets (RFC 8441).
        if isServer { put(setting: 0x8, 1) }
        if receiveWindow > Self.defaultWindow { putWindowUpdate(0, receiveWindow - Self.defaultWindow) }
    }

    private mutating func put(setting: UInt16, _ value: Int) {
        let p = unsafe out.reserve(6)
        unsafe p[0] = UInt8(truncatingIfNeeded: setting >> 8)
        unsafe p[1] = UInt8(truncatingIfNeeded: setting)
        unsafe FrameHeader.writeNumber(p + 2, UInt32(truncatingIfNeeded: value))
        out.commit(6)
    }

    mutating func sendHead(_ id: Int32, _ head: UnsafePointer<UInt8>, _ count: Int, ended: Bool) -> Bool {
        let place = sendable(id)
        guard place >= 0, count > 12 else { return false }
        let lines = unsafe Self.afterLine(head, head + count)
        putBlock(id, count, ended: ended) { encoder in
            unsafe encoder.put(status: head + 9)
            unsafe encoder.put(lines: lines, head + count, leavesOut: .nothing)
        }
        if ended { endOurSide(place) }
        return true
    }

    mutating func sendRequest(
        _ head: UnsafePointer<UInt8>, _ count: Int, isTLS: Bool, asksTunnel: Bool, ended: Bool, tag: Int32
    ) -> Int32 {
        guard canOpenStream, let line = unsafe RequestLine(head, count) else { return -1 }
        let id = nextStream
        nextStream &+= 2
        putBlock(id, count, ended: ended) { encoder in unsafe line.encode(&encoder, isTLS: isTLS, asksTunnel: asksTunnel) }
        var stream = StreamState(
            id: id, tag: tag, flags: ended ? .ended : [], sendWindow: peerWindow, receiveWindow: limits.streamWindowBytes)
        if unsafe line.isHead { stream.flags.insert(.isBodiless) }
        if asksTunnel { stream.flags.insert(.asksTunnel) }
        _ = streams.add(stream)
        return id
    }

    mutating func sendBody(_ id: Int32, _ runs: UnsafePointer<iovec>, _ runCount: Int, ended: Bool) -> Bool {
        let place = sendable(id)
        guard place >= 0 else { return false }
        let stream = unsafe streams[place]
        var source = unsafe RunReader(runs, runCount)
        if unsafe stream.pointee.queue.isEmpty {
            // Whoever waits for a turn comes first: a stream that is fed faster must not keep the others from theirs.
            if unsafe firstListed < 0 || source.isEmpty, unsafe frame(place, &source, ended: ended) { return true }
            if unsafe !source.isEmpty { queuedStreams += 1 }
        }
        while unsafe !source.isEmpty {
            let n = unsafe source.left
            unsafe source.take(n, into: stream.pointee.queue.reserve(n))
            unsafe stream.pointee.queue.commit(n)
        }
        guard unsafe !stream.pointee.queue.isEmpty else { return true }
        if ended { unsafe stream.pointee.flags.insert(.endsBehindQueue) }
        if unsafe stream.pointee.sendWindow > 0 { list(place) }
        return true
    }

    /// Frames what the windows and `out` have room for. True: END_STREAM is among it.
    private mutating func frame(_ place: Int32, _ source: inout RunReader, ended: Bool) -> Bool {
        let stream = unsafe streams[place]
        repeat {
            // A window may be less than nothing (RFC 9113 section 6.9.2); an end needs none.
            let room = unsafe max(0, min(peerFrameMax, sendWindow, stream.pointee.sendWindow))
            let n = unsafe min(source.left, room)
            let isLast = unsafe n == source.left
            if n == 0, !(isLast && ended) { return false }
            if n > 0, out.count >= limits.outputBytesMax { return false }
            let p = unsafe out.reserve(FrameHeader.byteCount + n)
            let ends = isLast && ended
            unsafe FrameHeader.write(p, FrameHeader.data, ends ? FrameHeader.endStream : 0, stream.pointee.id, length: n)
            unsafe source.take(n, into: p + FrameHeader.byteCount)
            out.commit(FrameHeader.byteCount + n)
            account(place, n)
            if ends {
                endOurSide(place)
                return true
            }
        } while unsafe !source.isEmpty
        return false
    }

    /// WINDOW_UPDATEs that may be due for DATA that is on its way: what a peer sends for it comes all at once when the frames are small.
    static let windowUpdatesDueMax = 1 << 17

    /// DATA was framed.
    mutating func account(_ place: Int32, _ n: Int) {
        sendWindow -= n
        unsafe streams[place].pointee.sendWindow -= n
        framedBytes &+= UInt32(truncatingIfNeeded: n)
        unsafe streams[place].pointee.framedMark = framedBytes
        // A peer answers DATA with WINDOW_UPDATEs, of its stream and of the connection, for every 4 KiB that it reads; and with
        // a PING when it measures how much is on the way.
        windowUpdates.give(2 + n / 2048, upTo: Self.windowUpdatesDueMax)
        pings.give(1, limits.pings)
    }

    mutating func sendTrailers(_ id: Int32, _ fields: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        let place = sendable(id)
        guard place >= 0 else { return false }
        let stream = unsafe streams[place]
        if unsafe stream.pointee.queue.isEmpty {
            putBlock(id, count, ended: true) { unsafe $0.put(lines: fields, fields + count, leavesOut: .nothing) }
            endOurSide(place)
            return true
        }
        var encoder = unsafe HeaderEncoder(stream.pointee.queue.reserve(HeaderEncoder.bytesMax(of: count)), isFirst: false)
        unsafe encoder.put(lines: fields, fields + count, leavesOut: .nothing)
        unsafe stream.pointee.queue.commit(encoder.count)
        unsafe stream.pointee.trailerCount = encoder.count
        unsafe stream.pointee.flags.insert(.endsBehindQueue)
        return true
    }

    /// The place of a stream on which our message has not ended; negative: there is none.
    private func sendable(_ id: Int32) -> Int32 {
        let place = streams.find(id)
        guard place >= 0, failure == nil else { return -1 }
        return unsafe streams[place].pointee.flags.isDisjoint(with: [.ended, .endsBehindQueue]) ? place : -1
    }

    mutating func resetByWorker(_ id: Int32, _ code: UInt32) {
        let place = streams.find(id)
        guard place >= 0, failure == nil else { return }
        if code == ErrorCode.noError, unsafe streams[place].pointee.flags.contains(.endsBehindQueue) {
            unsafe streams[place].pointee.flags.insert(.resetsAtEnd)
        } else {
            reset(place, code)
        }
    }

    var canOpenStream: Bool {
        !isServer && failure == nil && !hasGoAway && !hasSentGoAway && nextStream > 0
            && streams.count < min(peerStreamsMax, limits.streamsMax)
    }

    mutating func warnOfGoAway() {
        guard isServer, !hasSentGoAway, !hasWarned else { return }
        hasWarned = true
        putGoAway(ErrorCode.noError, last: .max)
    }

    mutating func goAway() {
        guard !hasSentGoAway else { return }
        hasSentGoAway = true
        putGoAway(ErrorCode.noError, last: isServer ? lastPeerStream : 0)
    }

    /// Past the first line's end.
    static func afterLine(_ p: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) -> UnsafePointer<UInt8> {
        var p = unsafe p
        while unsafe p < end, unsafe p.pointee != 0x0a { unsafe p += 1 }
        return unsafe p < end ? p + 1 : end
    }
}
