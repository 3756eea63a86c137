import EventLoop
import HTTP2
import Report

/// HTTP/2 connections of either side: their sessions, and sending their frames once a turn, so that one write carries many.
extension Worker {
    /// Bytes of frames that one write carries at the most.
    static var frameBytes: Int { 64 << 10 }
    /// Body bytes of one stream that wait to be framed before whoever feeds it has to wait.
    static var streamPendingMax: Int { 32 << 10 }

    /// A connection's session has, or may have, frames to send.
    mutating func frameClient(_ slot: Int32) {
        let multiplex = multiplexes[clients[slot].pointee.multiplex]
        guard !multiplex.isUnsent else { return }
        multiplex.isUnsent = true
        unsent.append(clientTag(slot))
    }

    mutating func frameUpstream(_ slot: Int32) {
        let multiplex = multiplexes[upstreams[slot].pointee.multiplex]
        guard !multiplex.isUnsent else { return }
        multiplex.isUnsent = true
        unsent.append(upstreamTag(slot))
    }

    /// Sends what the sessions have to send, at a turn's end. What that stirs up comes in the next turn.
    mutating func sendFrames() {
        var i = 0
        while i < unsent.count {
            let tag = EventTag(bits: unsent[i])
            let slot = tag.slot
            i += 1
            switch tag.kind {
            case .client:
                guard tag.carries(clients.generation(slot)) else { continue }
                sendClientFrames(slot)
            case .upstream:
                guard tag.carries(upstreams.generation(slot)) else { continue }
                sendUpstreamFrames(slot)
            default: continue
            }
        }
        unsent.removeAll(keepingCapacity: true)
    }

    private mutating func sendClientFrames(_ slot: Int32) {
        let c = clients[slot]
        let multiplex = multiplexes[c.pointee.multiplex]
        multiplex.isUnsent = false
        while !c.pointee.socket.isBlocked {
            let count = multiplex.session.write(into: frameBuffer, capacity: Self.frameBytes)
            guard count > 0 else { break }
            outbox.add(frameBuffer, count)
            guard deliver(&c.pointee.socket, .client) else { return clientBroke(slot) }
            while let stream = multiplex.session.nextDrained() { clientStreamDrained(stream) }
            if count < Self.frameBytes / 2 { break }
        }
        clientFramesSent(slot)
    }

    private mutating func sendUpstreamFrames(_ slot: Int32) {
        let u = upstreams[slot]
        let multiplex = multiplexes[u.pointee.multiplex]
        multiplex.isUnsent = false
        guard u.pointee.phase == .multiplexed else { return }
        while !u.pointee.socket.isBlocked {
            let count = multiplex.session.write(into: frameBuffer, capacity: Self.frameBytes)
            guard count > 0 else { break }
            outbox.add(frameBuffer, count)
            guard deliver(&u.pointee.socket, .upstream) else { return upstreamRefusesFrames(slot) }
            while let stream = multiplex.session.nextDrained() { upstreamStreamDrained(stream) }
            if count < Self.frameBytes / 2 { break }
        }
        upstreamFramesSent(slot)
    }
}
