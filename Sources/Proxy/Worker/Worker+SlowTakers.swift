import EventLoop
import HTTP2
import Report

/// Peers that take what is theirs little by little.
///
/// A stream's bytes wait in its session, and a connection's in the kernel: whoever takes some of them now and then has not stood still,
/// though no timer has heard of it. It is looked at when a deadline is over. Each function: the new deadline; nil where it is over.
extension Worker {
    /// A server that has not been looked at before is looked at again so soon: until then it is not known whether it stands still, and its
    /// client waits. Clients have their whole time once more: a link can be gone for as long.
    private static var secondLookTime: UInt64 { 5_000_000_000 }

    /// The server has been taking more of a request: its time to answer begins with the last of it.
    func requestTimeEnds(_ slot: UpstreamSlot) -> UInt64? {
        let u = upstreams[slot]
        let time = responseHeaderTimeout(exchanges[u.pointee.exchange])
        return u.pointee.isStream ? later(movedAt(slot), time) : takingTimeEnds(u, time)
    }

    /// The client has been taking more of what it has been sent.
    func answerTimeEnds(_ slot: ClientSlot) -> UInt64? {
        let c = clients[slot]
        let time = plan.timeouts.clientBody
        guard c.pointee.isStream else {
            return c.pointee.socket.isBlocked && c.pointee.holdsAnswer ? takingTimeEnds(c, time) : nil
        }
        guard
            c.pointee.socket.isHeldBack || c.pointee.awaitsRoom || c.pointee.abortsWhenDrained || c.pointee.phase == .lingering
        else { return nil }
        let parent = clients[c.pointee.parent]
        guard let moved = c.pointee.awaitsRoom ? session(of: slot).movedAt : movedAt(slot) else { return nil }
        // What the connection's socket does not take is for its own deadline.
        if parent.pointee.socket.isBlocked { return now + time }
        // What would open a window stands behind the client's own bodies, where these fill its link.
        let heard = max(moved, session(of: slot).dataCameAt)
        return later(heard, time) ?? (c.pointee.awaitsRoom ? nil : arrivalTimeEnds(slot, time))
    }

    /// Bytes of the stream are on their way: its window cannot open before they are there.
    private func arrivalTimeEnds(_ slot: ClientSlot, _ time: UInt64) -> UInt64? {
        let parent = clients[clients[slot].pointee.parent]
        let shared = multiplexing[parent.pointee.sharedIndex]
        let left = kernel.unacknowledged(parent.pointee.socket.fd)
        // What has been sent after them is in the way of nobody.
        guard let behind = shared.session.bytesFramedSince(clients[slot].pointee.stream), Int(left) > behind else { return nil }
        return later(shared.arrivedSince(progress(parent.pointee.socket.fd, left: left), now), time)
    }

    /// The client is taking the last of what it has been sent: it is idle when it has it, and about to ask again.
    func idleTimeEnds(_ slot: ClientSlot) -> UInt64? {
        // A drain has a deadline of its own, and a handshake is no answer.
        let c = clients[slot]
        return isLeaving || c.pointee.socket.security == .handshaking ? nil : takingTimeEnds(c, plan.timeouts.clientBody)
    }

    /// Something of a tunnel has been taken, on either side.
    func tunnelTimeEnds(_ client: ClientSlot) -> UInt64? {
        let c = clients[client]
        let e = exchanges[c.pointee.exchange]
        let (upstream, time) = (e.pointee.upstream, tunnelIdleTimeout(e))
        let here = c.pointee.isStream ? later(movedAt(client), time) : takingTimeEnds(c, time)
        guard upstream.exists else { return here }
        let u = upstreams[upstream]
        let there = u.pointee.isStream ? later(movedAt(upstream), time) : takingTimeEnds(u, time)
        return here.map { max($0, there ?? 0) } ?? there
    }

    // MARK: Streams

    private func session(of stream: ClientSlot) -> HTTP2Session {
        multiplexing[clients[clients[stream].pointee.parent].pointee.sharedIndex].session
    }

    /// When a client took some of what waits for it on a stream. nil: nothing does.
    private func movedAt(_ stream: ClientSlot) -> UInt64? {
        let session = session(of: stream)
        return session.movedAt(clients[stream].pointee.stream, connection: session.movedAt)
    }

    /// When a server did.
    private func movedAt(_ stream: UpstreamSlot) -> UInt64? {
        let shared = multiplexing[upstreams[upstreams[stream].pointee.parent].pointee.sharedIndex]
        return shared.session.movedAt(upstreams[stream].pointee.stream, connection: shared.movedAt)
    }

    private func later(_ moved: UInt64?, _ time: UInt64) -> UInt64? {
        moved.flatMap { $0 + time > now ? $0 + time : nil }
    }

    // MARK: Connections

    func takingTimeEnds(_ c: UnsafeMutablePointer<ClientConnection>, _ time: UInt64) -> UInt64? {
        takingTimeEnds(c.pointee.socket.fd, &c.pointee.unconsumed, time, second: time)
    }

    private func takingTimeEnds(_ u: UnsafeMutablePointer<UpstreamConnection>, _ time: UInt64) -> UInt64? {
        takingTimeEnds(u.pointee.socket.fd, &u.pointee.unconsumed, time, second: min(time, Self.secondLookTime))
    }

    /// How far the peer's kernel has come; over a Unix socket, whose kernel does not say it, what its process has left. Not what is left
    /// elsewhere: of a peer that takes as much a second all the time, that may be the same whenever it is looked at.
    private func progress(_ fd: Int32, left: Int32) -> Int64 {
        let acknowledged = kernel.bytesAcknowledged(fd)
        return acknowledged < 0 ? Int64(left) : acknowledged &+ 1
    }

    /// By what the peer has taken since it was looked at last.
    private func takingTimeEnds(_ fd: Int32, _ before: inout UInt32, _ time: UInt64, second: UInt64) -> UInt64? {
        let left = kernel.unacknowledged(fd)
        guard left > 0 else { return nil }
        // 0: it has not been looked at.
        let mark = max(1, UInt32(truncatingIfNeeded: progress(fd, left: left)))
        defer { before = mark }
        guard mark != before else { return nil }
        return now + (before == 0 ? second : time)
    }
}
