import Detector
import EventLoop
import Facts
import HTTP1
import HTTP2
import Report
import Wire

/// The names of timers, and how long is waited for what.
extension Worker {
    var hangupTimer: Int32 { timers.timer(.hangups) }
    var queueTimer: Int32 { timers.timer(.queues) }
    var streamSurplusTimer: Int32 { timers.timer(.streamSurplus) }
    static func clientTimer(_ slot: ClientSlot) -> Int32 { slot.index }
    func serverTimer(_ server: ServerIndex) -> Int32 { timers.timer(.server(server)) }
    func upstreamTimer(_ slot: UpstreamSlot) -> Int32 { timers.timer(.upstream(slot)) }

    @inline(__always)
    func bodyIdleTimeout(_ e: UnsafeMutablePointer<Exchange>) -> UInt64 {
        routeActions[Int(e.pointee.request.route)].bodyIdleTimeout
    }

    @inline(__always)
    func responseHeaderTimeout(_ e: UnsafeMutablePointer<Exchange>) -> UInt64 {
        routeActions[Int(e.pointee.request.route)].responseHeaderTimeout
    }

    /// The client has caught up: what its upstream owes is due again.
    mutating func resumeDeadline(_ slot: UpstreamSlot) {
        let exchange = upstreams[slot].pointee.exchange
        guard exchange.exists, exchanges[exchange].pointee.answer.wasHeldBack, timers.deadline(upstreamTimer(slot)) == 0 else {
            return
        }
        let e = exchanges[exchange]
        switch answerPhase(slot) {
        case .head: timers.set(upstreamTimer(slot), now + responseHeaderTimeout(e))
        case .body: timers.set(upstreamTimer(slot), now + bodyIdleTimeout(e))
        case .idle, .tunnel: break
        }
    }

    // MARK: Whose turn it is

    /// Whether nothing but the client holds up what is left of its request: there is a connection for it, which takes bytes, and the
    /// server has been heard if it was asked whether it wants them. Where it is not so, the client's deadline blames nobody, and where
    /// it is, the server's does not.
    func isAwaited(_ client: ClientSlot) -> Bool {
        let c = clients[client]
        guard c.pointee.phase == .body else { return false }
        guard !c.pointee.discardsBody, c.pointee.exchange.exists else { return true }
        let e = exchanges[c.pointee.exchange]
        guard e.pointee.upstream.exists, !c.pointee.endsWithInput else { return false }
        let u = upstreams[e.pointee.upstream]
        guard u.pointee.phase != .connecting, !u.pointee.socket.isBlocked else { return false }
        let isAsking = e.pointee.state.body == .due && e.pointee.request.expectsContinue
        return !isAsking || e.pointee.state.headWritten
    }

    /// Whether the client has had its time to send: others on its connection may have filled the window that is for all, or their bodies
    /// may have filled its link, for a client need not send them side by side.
    func hadTurn(_ client: ClientSlot) -> Bool {
        let c = clients[client]
        guard c.pointee.isStream, c.pointee.phase == .body else { return true }
        let shared = multiplexing[clients[c.pointee.parent].pointee.sharedIndex]
        return !shared.session.isWindowShut
            && now - max(shared.windowOpenedAt, shared.session.dataCameAt) >= plan.timeouts.clientBody
    }

    /// From now on the client's body is read, again: its time begins anew.
    mutating func restartBodyDeadline(_ client: ClientSlot) {
        guard clients[client].pointee.phase == .body else { return }
        timers.set(Worker.clientTimer(client), now + plan.timeouts.clientBody)
    }

    /// A server takes more of what its client sends: its time to answer, or a tunnel's, begins anew.
    mutating func requestMoves(_ slot: UpstreamSlot) {
        let exchange = upstreams[slot].pointee.exchange
        guard exchange.exists else { return }
        let e = exchanges[exchange]
        // An interim answer has been none yet.
        if answerPhase(slot) == .head, timers.deadline(upstreamTimer(slot)) != 0 {
            timers.set(upstreamTimer(slot), now + responseHeaderTimeout(e))
        }
        // A client that takes nothing has a deadline of its own.
        if e.pointee.state.isTunnel, !clients[e.pointee.client].pointee.socket.isBlocked { touchTunnel(e.pointee.client, e) }
        guard !upstreams[slot].pointee.socket.isBlocked else { return }
        restartBodyDeadline(e.pointee.client)
        queueClient(e.pointee.client)
    }

    /// More of a request's body has come, or its end: then its client owes nothing, unless it holds its answer back.
    @inline(__always)
    mutating func requestHasCome(_ client: ClientSlot, ended: Bool) {
        let owes = !ended || clients[client].pointee.socket.isBlocked
        timers.set(Worker.clientTimer(client), owes ? now + plan.timeouts.clientBody : 0)
    }

    /// The request's end goes to its server: from now on it owes the answer. One that has begun goes on as it was: while its client
    /// holds it back there is no deadline.
    @inline(__always)
    mutating func requestHasEnded(_ e: UnsafeMutablePointer<Exchange>) {
        let timer = upstreamTimer(e.pointee.upstream)
        if e.pointee.state.answer == .awaited {
            timers.set(timer, now + responseHeaderTimeout(e))
        } else if timers.deadline(timer) != 0 {
            let isInterim = answerPhase(e.pointee.upstream) == .head
            timers.set(timer, now + (isInterim ? responseHeaderTimeout(e) : bodyIdleTimeout(e)))
        }
    }

    /// How far an answer in progress has come.
    func answerPhase(_ slot: UpstreamSlot) -> ResponseDecoder.Phase {
        let u = upstreams[slot]
        guard u.pointee.hop.framesBodies else { return u.pointee.decoder.phase }
        let e = exchanges[u.pointee.exchange]
        return e.pointee.answer.status == 0 ? .head : e.pointee.state.isTunnel ? .tunnel : .body
    }

    /// A tunnel is in use: its idle time begins anew.
    mutating func touchTunnel(_ client: ClientSlot, _ e: UnsafeMutablePointer<Exchange>) {
        e.pointee.answer.wasHeldBack = false
        timers.set(Worker.clientTimer(client), now + tunnelIdleTimeout(e))
    }

    func tunnelIdleTimeout(_ e: UnsafeMutablePointer<Exchange>) -> UInt64 {
        let own = plan.routes[Int(e.pointee.request.route)].tunnelIdleTimeout
        let idle = own > 0 ? own : plan.upstreams[Int(e.pointee.upstreamIndex)].tunnelIdleTimeout
        return idle > 0 ? idle : bodyIdleTimeout(e)
    }

    /// The date as RFC 9110 section 5.6.7 writes it.
    func httpDate() -> String { WallTime.imfFixdate(nanoseconds: kernel.wallClock()) }
}
