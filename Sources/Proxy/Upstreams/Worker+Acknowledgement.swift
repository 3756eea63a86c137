import EventLoop
import Facts
import HTTP1

/// What the server's acknowledgements show: whether an answer's first bytes, or its connection's end, left before the request arrived.
extension Worker {
    /// True when the first `count` bytes of an answer cannot be the answer to the request that waits for it.
    ///
    /// TCP acknowledges what has arrived in every segment, so an answer's first bytes come with an acknowledgement of its
    /// request. Not one byte of the request acknowledged: they had left before. On a Unix-domain socket bytes are there or not
    /// as a whole, and it shows only whether all have been read: a server that answers before it has read the header block to
    /// its end refuses the request, and cannot keep the connection. A whole header block that keeps it was written before.
    ///
    /// Asking costs a system call, so it is asked only while such bytes may still come: what had left before the request
    /// arrived is here a round trip after it was sent. On the loopback interface it is not asked (`asksAcknowledgement`): what is
    /// written there has arrived at once, so there is no time in which such bytes could leave.
    func wasSentBeforeRequest(_ slot: UpstreamSlot, _ count: Int) -> Bool {
        let u = upstreams[slot]
        let roundTrip = u.pointee.roundTrip
        let e = exchanges[u.pointee.exchange]
        if roundTrip > 0, now - e.pointee.sentAt > Self.roundTripsAsked * roundTrip + Self.slackAsked { return false }
        guard kernel.unacknowledged(u.pointee.socket.fd) > 0 else { return false }
        let acknowledged = kernel.bytesAcknowledged(u.pointee.socket.fd)
        if acknowledged >= 0 { return UInt64(acknowledged) <= requestStartOnWire(slot) }
        // Over TLS unread bytes may be an answer to the peer's own records, which it asked for together with its answer.
        // The end of an empty chunked body may wait unread while its request is answered.
        guard u.pointee.socket.security == .none, e.pointee.requestBytes == 0, e.pointee.state.requestEnded,
            !e.pointee.requestIsChunked
        else { return false }
        let kept = UnsafeBufferPointer(start: transport.readBuffer, count: min(count, SurplusFacts.keptBytesMax))
        return SurplusReader.keepsConnection(Array(kept))
    }

    /// Whether the server ended the connection before any byte of the request had arrived: its end came in good order,
    /// and, as every segment, said what had been received.
    ///
    /// A reset shows nothing: the kernel drops what it acknowledges.
    func endedBeforeRequest(_ slot: UpstreamSlot) -> Bool {
        let u = upstreams[slot]
        guard u.pointee.socket.sawEnd, u.pointee.socket.mayWrite, !u.pointee.isStream else { return false }
        let acknowledged = kernel.bytesAcknowledged(u.pointee.socket.fd)
        return acknowledged >= 0 && UInt64(acknowledged) <= requestStartOnWire(slot)
    }

    /// So many bytes of the connection may have arrived without any of its current request: those before it, and over TLS all but the
    /// last of its first record, of which a server can read nothing until it is whole.
    private func requestStartOnWire(_ slot: UpstreamSlot) -> UInt64 {
        let u = upstreams[slot]
        return u.pointee.socket.security == .none ? requestStart(slot) : u.pointee.recordsBefore
    }

    /// Bytes written on the connection before its current request.
    func requestStart(_ slot: UpstreamSlot) -> UInt64 {
        let u = upstreams[slot]
        return u.pointee.requestHeadEnd - UInt64(exchanges[u.pointee.exchange].pointee.request.head.count)
    }

    /// A round trip may take longer now than when the connection was opened.
    private static var roundTripsAsked: UInt64 { 4 }
    private static var slackAsked: UInt64 { 200_000 }
}
