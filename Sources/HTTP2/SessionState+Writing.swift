/// Frames on their way out.
extension SessionState {
    /// A smaller rest of the writer's room is not worth a frame of its own.
    private static let frameBytesMin = 1024

    var wantsWrite: Bool { !out.isEmpty || firstListed >= 0 && sendWindow > 0 && failure == nil }

    mutating func write(into p: UnsafeMutablePointer<UInt8>, capacity: Int, now: UInt64) -> Int {
        // The numbers may run out. What does not fit counts as written: a header block may be answered before its last frame.
        if !isServer { lastWritten = nextStream &- 2 }
        var n = 0
        while true {
            unsafe n += out.take(into: p + n, capacity - n)
            guard out.isEmpty else { return n }
            unsentAcks = 0
            guard firstListed >= 0, sendWindow > 0, failure == nil else { break }
            let room = capacity - n - FrameHeader.byteCount
            guard unsafe room >= min(Self.frameBytesMin, streams[firstListed].pointee.pending), room > 0 else { return n }
            movedAt = now
            unsafe streams[firstListed].pointee.movedAt = now
            unsafe n += frame(firstListed, into: p + n, room)
        }
        if streams.count == 0 { giveBack() }
        return n
    }

    /// One frame of what waits in a stream's queue; then it is the next stream's turn.
    private mutating func frame(_ place: Int32, into p: UnsafeMutablePointer<UInt8>, _ room: Int) -> Int {
        let stream = unsafe streams[place]
        let n = unsafe min(peerFrameMax, room, sendWindow, stream.pointee.sendWindow, stream.pointee.pending)
        let isLast = unsafe n == stream.pointee.pending
        let hasTrailers = unsafe stream.pointee.trailerCount > 0
        let ends = unsafe isLast && stream.pointee.flags.contains(.endsBehindQueue)
        unsafe FrameHeader.write(
            p, FrameHeader.data, ends && !hasTrailers ? FrameHeader.endStream : 0, stream.pointee.id, length: n)
        unsafe (p + FrameHeader.byteCount).update(from: stream.pointee.queue.first, count: n)
        account(place, n)
        unlist(place)
        if isLast {
            queueIsFramed(place, n, ends: ends)
        } else {
            unsafe stream.pointee.queue.drop(n)
            if unsafe stream.pointee.sendWindow > 0 { list(place) }
        }
        return n + FrameHeader.byteCount
    }

    /// The last `n` body bytes have been framed: trailers and the end follow, or the feeder goes on.
    private mutating func queueIsFramed(_ place: Int32, _ n: Int, ends: Bool) {
        let stream = unsafe streams[place]
        if unsafe stream.pointee.trailerCount > 0 {
            unsafe putHeaderFrames(stream.pointee.id, stream.pointee.queue.first + n, stream.pointee.trailerCount, ended: true)
        }
        unsafe stream.pointee.queue.release()
        unsafe stream.pointee.trailerCount = 0
        queuedStreams -= 1
        if unsafe stream.pointee.tag >= 0 { unsafe drained.add(stream.pointee.tag) }
        unsafe stream.pointee.flags.remove(.endsBehindQueue)
        if ends { endOurSide(place) }
    }

    /// An idle connection keeps next to nothing.
    private mutating func giveBack() {
        streams.shrink()
        decoder.layout.release()
    }

    mutating func list(_ place: Int32) {
        let stream = unsafe streams[place]
        guard unsafe !stream.pointee.flags.contains(.isListed) else { return }
        unsafe stream.pointee.flags.insert(.isListed)
        unsafe stream.pointee.nextListed = -1
        unsafe stream.pointee.previousListed = lastListed
        if lastListed >= 0 { unsafe streams[lastListed].pointee.nextListed = place } else { firstListed = place }
        lastListed = place
    }

    mutating func unlist(_ place: Int32) {
        let stream = unsafe streams[place]
        let (previous, next) = unsafe (stream.pointee.previousListed, stream.pointee.nextListed)
        if previous >= 0 { unsafe streams[previous].pointee.nextListed = next } else { firstListed = next }
        if next >= 0 { unsafe streams[next].pointee.previousListed = previous } else { lastListed = previous }
        unsafe stream.pointee.flags.remove(.isListed)
    }
}

/// Frames for `out`.
extension SessionState {
    mutating func putFrame(_ type: UInt8, _ flags: UInt8, _ stream: Int32, length: Int) {
        unsafe FrameHeader.write(out.reserve(FrameHeader.byteCount), type, flags, stream, length: length)
        out.commit(FrameHeader.byteCount)
    }

    private mutating func put(number: UInt32) {
        unsafe FrameHeader.writeNumber(out.reserve(4), number)
        out.commit(4)
    }

    mutating func putReset(_ stream: Int32, _ code: UInt32) {
        putFrame(FrameHeader.resetStream, 0, stream, length: 4)
        put(number: code)
    }

    mutating func putWindowUpdate(_ stream: Int32, _ n: Int) {
        putFrame(FrameHeader.windowUpdate, 0, stream, length: 4)
        put(number: UInt32(truncatingIfNeeded: n))
    }

    mutating func putGoAway(_ code: UInt32, last: Int32) {
        goAwayLast = min(goAwayLast, last)
        putFrame(FrameHeader.goAway, 0, 0, length: 8)
        put(number: UInt32(bitPattern: goAwayLast))
        put(number: code)
    }

    /// An answer that says that the header block was too large (RFC 6585 section 5).
    mutating func putTooLarge(_ stream: Int32) {
        let head: StaticString = "HTTP/1.1 431 \r\nContent-Length: 0\r\n\r\n"
        let end = unsafe head.utf8Start + head.utf8CodeUnitCount
        putBlock(stream, head.utf8CodeUnitCount, ended: true) { encoder in
            unsafe encoder.put(status: head.utf8Start + 9)
            unsafe encoder.put(lines: SessionState.afterLine(head.utf8Start, end), end, leavesOut: .nothing)
        }
    }

    /// A header block whose HTTP/1 form has `count` bytes, encoded in place.
    @inline(__always)
    mutating func putBlock(_ stream: Int32, _ count: Int, ended: Bool, _ encode: (inout HeaderEncoder) -> Void) {
        let most = HeaderEncoder.bytesMax(of: count)
        // What has more frames than one needs room for their headers.
        let frames = 1 + most / peerFrameMax
        let p = unsafe out.reserve(most + frames * FrameHeader.byteCount)
        var encoder = unsafe HeaderEncoder(p + FrameHeader.byteCount, isFirst: !hasEncoded)
        hasEncoded = true
        encode(&encoder)
        unsafe out.commit(finish(p, stream, encoder.count, ended: ended))
    }

    /// A header block that is encoded already.
    private mutating func putHeaderFrames(_ stream: Int32, _ block: UnsafePointer<UInt8>, _ count: Int, ended: Bool) {
        let p = unsafe out.reserve(count + (1 + count / peerFrameMax) * FrameHeader.byteCount)
        unsafe (p + FrameHeader.byteCount).update(from: block, count: count)
        unsafe out.commit(finish(p, stream, count, ended: ended))
    }

    /// Puts frame headers to a block that stands after room for the first, and returns the bytes of it all.
    private func finish(_ p: UnsafeMutablePointer<UInt8>, _ stream: Int32, _ count: Int, ended: Bool) -> Int {
        let flags = ended ? FrameHeader.endStream : 0
        if count <= peerFrameMax {
            unsafe FrameHeader.write(p, FrameHeader.headers, flags | FrameHeader.endHeaders, stream, length: count)
            return FrameHeader.byteCount + count
        }
        let frames = (count + peerFrameMax - 1) / peerFrameMax
        // From the last to the first, so that nothing is overwritten before it has moved.
        for i in stride(from: frames - 1, through: 0, by: -1) {
            let start = i * peerFrameMax
            let n = min(peerFrameMax, count - start)
            let frame = unsafe p + start + i * FrameHeader.byteCount
            unsafe (frame + FrameHeader.byteCount).update(from: p + FrameHeader.byteCount + start, count: n)
            let last = i == frames - 1 ? FrameHeader.endHeaders : 0
            unsafe FrameHeader.write(
                frame, i == 0 ? FrameHeader.headers : FrameHeader.continuation, i == 0 ? flags : last, stream, length: n)
        }
        return count + frames * FrameHeader.byteCount
    }
}
