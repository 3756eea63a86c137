import Detector
import EventLoop
import HTTP1
import HTTP2
import Report
import Wire

/// Bytes to the streams of either side, and their windows: what goes out does so as frames, at the end of the turn.
extension Worker {
    /// Body bytes of one stream that wait to be framed before whoever feeds it has to wait.
    private static var streamPendingMax: Int { 32 << 10 }

    /// A connection's session has, or may have, frames to send.
    mutating func frameClient(_ slot: ClientSlot) { multiplexing.mark(clients[slot].pointee.sharedIndex) }

    mutating func frameUpstream(_ slot: UpstreamSlot) { multiplexing.mark(upstreams[slot].pointee.sharedIndex) }

    mutating func frame(_ connection: ConnectionSlot) { multiplexing.mark(sharedIndex(connection)) }

    func sharedIndex(_ connection: ConnectionSlot) -> Int32 {
        switch connection {
        case .client(let slot): clients[slot].pointee.sharedIndex
        case .upstream(let slot): upstreams[slot].pointee.sharedIndex
        }
    }

    func generation(_ connection: ConnectionSlot) -> UInt32 {
        switch connection {
        case .client(let slot): clients.generation(slot)
        case .upstream(let slot): upstreams.generation(slot)
        }
    }

    func socket(_ connection: ConnectionSlot) -> UnsafeMutablePointer<Socket> {
        // A slot's memory stays where it is.
        switch connection {
        case .client(let slot):
            let c = clients[slot]
            return withUnsafeMutablePointer(to: &c.pointee.socket) { $0 }
        case .upstream(let slot):
            let u = upstreams[slot]
            return withUnsafeMutablePointer(to: &u.pointee.socket) { $0 }
        }
    }

    mutating func queue(_ connection: ConnectionSlot) {
        switch connection {
        case .client(let slot): queueClient(slot)
        case .upstream(let slot): queueUpstream(slot)
        }
    }

    /// Puts the outbox into a client's stream. False when the stream is gone.
    mutating func deliverToClientStream(_ stream: ClientSlot) -> Bool {
        let s = clients[stream]
        let connection = clients[s.pointee.parent].pointee.sharedIndex
        return deliver(on: connection, &s.pointee.stream, &s.pointee.socket) { session, stream, head, count, ends in
            session.sendHead(stream, head, count, ended: ends)
        }
    }

    /// What the client sent has been passed on: it may send as much again.
    mutating func openStreamWindow(_ stream: ClientSlot) {
        let s = clients[stream]
        openWindow(of: s.pointee.stream, on: .client(s.pointee.parent), &s.pointee.unconsumed)
    }

    /// What a server sent has been passed on: it may send as much again.
    mutating func openUpstreamWindow(_ stream: UpstreamSlot) {
        let s = upstreams[stream]
        openWindow(of: s.pointee.stream, on: .upstream(s.pointee.parent), &s.pointee.unconsumed)
    }

    @inline(__always)
    private mutating func openWindow(of stream: Int32, on connection: ConnectionSlot, _ unconsumed: inout UInt32) {
        guard unconsumed > 0 else { return }
        multiplexing[sharedIndex(connection)].consumed(stream, Int(unconsumed), now)
        unconsumed = 0
        frame(connection)
    }

    /// Whether the stream's exchange has a connection that its body can go to.
    func streamIsHeard(_ stream: ClientSlot) -> Bool {
        let upstream = exchanges[clients[stream].pointee.exchange].pointee.upstream
        return upstream.exists && upstreams[upstream].pointee.phase != .connecting
    }

    /// Puts the outbox into an upstream's stream, which its request opens. False when the stream is gone, or cannot be opened.
    mutating func deliverToUpstreamStream(_ slot: UpstreamSlot) -> Bool {
        let s = upstreams[slot]
        let place = servers[s.pointee.server]
        let isTLS = outbox.beginsWithHead && plan.upstreams[Int(place.upstream)].servers[Int(place.index)].tls != nil
        let asksTunnel = exchanges[s.pointee.exchange].pointee.asksUpgrade
        let connection = upstreams[s.pointee.parent].pointee.sharedIndex
        return deliver(on: connection, &s.pointee.stream, &s.pointee.socket) { session, stream, head, count, ends in
            stream = session.sendRequest(
                head, count, isTLS: isTLS, asksTunnel: asksTunnel, ended: ends, tag: slot.index)
            return stream >= 0
        }
    }

    /// Puts the outbox into a stream. `begin` sends its header block.
    @inline(__always)
    private mutating func deliver(
        on connection: Int32, _ stream: inout Int32, _ socket: inout Socket,
        _ begin: (HTTP2Session, inout Int32, UnsafeMutablePointer<UInt8>, Int, _ ends: Bool) -> Bool
    ) -> Bool {
        defer { outbox.clear() }
        let session = multiplexing[connection].session
        multiplexing.mark(connection)
        var first = 0
        if outbox.beginsWithHead {
            first = 1
            let head = outbox.runs[0]
            let ends = outbox.endsMessage && outbox.count == 1
            guard begin(session, &stream, head.iov_base.assumingMemoryBound(to: UInt8.self), head.iov_len, ends) else {
                return false
            }
            // Nothing of it can be held back.
            if ends { return true }
        }
        guard putBody(session, stream, from: first) else { return false }
        if session.pending(stream) >= Self.streamPendingMax { socket.isHeldBack = true }
        return true
    }

    /// Puts the runs after a header block into a session: body, trailers, end.
    @inline(__always)
    private func putBody(_ session: HTTP2Session, _ stream: Int32, from first: Int) -> Bool {
        let bodyRuns = outbox.count - first - (outbox.endsWithTrailers ? 1 : 0)
        let ends = outbox.endsMessage && !outbox.endsWithTrailers
        if bodyRuns > 0 || ends {
            guard session.sendBody(stream, outbox.runs + first, bodyRuns, ended: ends) else { return false }
        }
        guard outbox.endsWithTrailers else { return true }
        let trailers = outbox.runs[outbox.count - 1]
        return session.sendTrailers(stream, trailers.iov_base.assumingMemoryBound(to: UInt8.self), trailers.iov_len)
    }

    /// What a stream's request says of its body: it ends with END_STREAM, whatever its length is said to be.
    func streamBody(_ slot: ClientSlot) -> BodyDecoder {
        if clients[slot].pointee.endsWithHead { return BodyDecoder(.none) }
        guard requestBlock.facts.contains(.contentLength) else { return BodyDecoder(.chunked) }
        return BodyDecoder(.length, length: requestBlock.contentLength)
    }

    mutating func upstreamStreamDrained(_ stream: UpstreamSlot) {
        upstreams[stream].pointee.socket.isHeldBack = false
        requestMoves(stream)
    }
}
