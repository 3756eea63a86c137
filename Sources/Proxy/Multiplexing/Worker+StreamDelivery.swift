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
    mutating func frameClient(_ slot: ClientSlot) { multiplexing.mark(clients[slot].pointee.multiplex) }

    mutating func frameUpstream(_ slot: UpstreamSlot) { multiplexing.mark(upstreams[slot].pointee.multiplex) }

    mutating func frame(_ connection: ConnectionSlot) { multiplexing.mark(multiplexNumber(connection)) }

    func multiplexNumber(_ connection: ConnectionSlot) -> Int32 {
        switch connection {
        case .client(let slot): clients[slot].pointee.multiplex
        case .upstream(let slot): upstreams[slot].pointee.multiplex
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
        case .client(let slot): withUnsafeMutablePointer(to: &clients[slot].pointee.socket) { $0 }
        case .upstream(let slot): withUnsafeMutablePointer(to: &upstreams[slot].pointee.socket) { $0 }
        }
    }

    mutating func queue(_ connection: ConnectionSlot) {
        switch connection {
        case .client(let slot): queueClient(slot)
        case .upstream(let slot): queueUpstream(slot)
        }
    }

    /// Puts the outbox into a stream's session. False when the stream is gone.
    mutating func deliverToClientStream(_ stream: ClientSlot) -> Bool {
        defer { outbox.clear() }
        let s = clients[stream]
        let parent = s.pointee.parent
        let session = multiplexing[clients[parent].pointee.multiplex].session
        frameClient(parent)
        guard put(outbox: session, s.pointee.stream) else { return false }
        if session.pending(s.pointee.stream) >= Self.streamPendingMax { s.pointee.socket.isHeldBack = true }
        return true
    }

    @inline(__always)
    func put(outbox session: HTTP2Session, _ stream: Int32) -> Bool {
        var first = 0
        if outbox.beginsWithHead {
            first = 1
            let head = outbox.runs[0]
            let ends = outbox.endsMessage && outbox.count == 1
            guard session.sendHead(stream, head.iov_base.assumingMemoryBound(to: UInt8.self), head.iov_len, ended: ends)
            else { return false }
            if ends { return true }
        }
        return putBody(session, stream, from: first)
    }

    /// What the client sent has been passed on: it may send as much again.
    mutating func openStreamWindow(_ stream: ClientSlot) {
        let s = clients[stream]
        guard s.pointee.unconsumed > 0 else { return }
        let parent = s.pointee.parent
        multiplexing[clients[parent].pointee.multiplex].consumed(s.pointee.stream, Int(s.pointee.unconsumed), now)
        s.pointee.unconsumed = 0
        frameClient(parent)
    }

    /// Whether the stream's exchange has a connection that its body can go to.
    func streamIsHeard(_ stream: ClientSlot) -> Bool {
        let upstream = exchanges[clients[stream].pointee.exchange].pointee.upstream
        return upstream.exists && upstreams[upstream].pointee.phase != .connecting
    }

    /// Puts the outbox into a stream's session. False when the stream is gone, or cannot be opened.
    mutating func deliverToUpstreamStream(_ stream: UpstreamSlot) -> Bool {
        defer { outbox.clear() }
        let s = upstreams[stream]
        let parent = s.pointee.parent
        let session = multiplexing[upstreams[parent].pointee.multiplex].session
        frameUpstream(parent)
        var first = 0
        if outbox.beginsWithHead {
            first = 1
            let head = outbox.runs[0]
            let ends = outbox.endsMessage && outbox.count == 1
            let place = servers[Int(s.pointee.server)]
            let isTLS = plan.upstreams[Int(place.upstream)].servers[Int(place.index)].tls != nil
            s.pointee.stream = session.sendRequest(
                head.iov_base.assumingMemoryBound(to: UInt8.self), head.iov_len, isTLS: isTLS,
                asksTunnel: exchanges[s.pointee.exchange].pointee.asksUpgrade, ended: ends, tag: stream.index)
            guard s.pointee.stream >= 0 else { return false }
            if ends { return true }
        }
        guard putBody(session, s.pointee.stream, from: first) else { return false }
        if session.pending(s.pointee.stream) >= Self.streamPendingMax { s.pointee.socket.isHeldBack = true }
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

    mutating func openUpstreamWindow(_ stream: UpstreamSlot) {
        let s = upstreams[stream]
        guard s.pointee.unconsumed > 0 else { return }
        multiplexing[upstreams[s.pointee.parent].pointee.multiplex].session.consumed(
            s.pointee.stream, Int(s.pointee.unconsumed))
        s.pointee.unconsumed = 0
        frameUpstream(s.pointee.parent)
    }

    mutating func upstreamStreamDrained(_ stream: UpstreamSlot) {
        upstreams[stream].pointee.socket.isHeldBack = false
        requestMoves(stream)
    }
}
