import Detector
import EventLoop
import Facts
import HTTP1
import HTTP2
import Logging
import Report
import Wire

/// Choosing a server, and what is logged of one that fails.
extension Worker {
    /// The server for a request; nil when none of the upstream's can be used.
    mutating func chooseServer(_ upstream: Int, _ demand: ServerSet.Demand) -> ServerIndex? {
        let candidates = servers.of(upstream)
        if candidates.count > 1 {
            for server in candidates { servers.noteRoom(server, hasRoom(server)) }
        }
        return servers.choose(upstream, demand, &random)
    }

    /// Whether a request that is not bound to a server would find one with a connection.
    mutating func anyHasRoom(_ upstream: Int) -> Bool {
        for server in servers.of(upstream) { servers.noteRoom(server, hasRoom(server)) }
        return servers.anyHasRoom(upstream, now)
    }

    /// Whether a request would find a connection to the server, or a stream of one, or may open one.
    @inline(__always)
    func hasRoom(_ server: ServerIndex) -> Bool {
        var slot = servers[server].sharedConnections.first
        while slot.exists {
            if hasStream(slot) { return true }
            slot = upstreams[slot].pointee.next
        }
        return connectionPool.hasConnection(server) || (connectionPool.mayOpen(server) && now >= descriptorsLackUntil)
    }

    /// A server has failed a request.
    mutating func serverFailed(_ server: ServerIndex, _ failure: ServerFailure, _ error: @autoclosure () -> String) {
        let failed = servers.failed(server, failure, now)
        if failed.isFirstInRow, let heldBack = logLimits.failures.take(now) {
            let cannotConnect = failure == .refused || failure == .unreachable
            logFailure(
                cannotConnect ? "cannot connect" : "server failed", server,
                [("error", error())] + (heldBack > 0 ? [("held_back", "\(heldBack)")] : []))
        }
        guard failed.isEjected else { return }
        let time = plan.upstreams[servers.upstream(server)].ejectTime
        logFailure(
            "server ejected", server,
            [("failures", "\(failed.failures)"), ("for_ms", "\(time / 1_000_000)"), ("error", error())])
        fleetState.serverEjected(upstream: servers.upstream(server), server: Int(servers[server].index))
    }

    /// A server has answered. Unless it says that there is nobody, it is in order.
    @inline(__always)
    mutating func serverAnswered(_ server: ServerIndex, status: Int, sentAt: UInt64) {
        if status >= 502, status <= 504 { return serverFailed(server, .answered, "answered \(status)") }
        if servers.answered(server, sentAt: sentAt, now) { fleetState.wakeWatch() }
    }

    /// A connection to a server is there.
    @inline(__always)
    mutating func serverConnected(_ server: ServerIndex) {
        if servers.connected(server, now) { fleetState.wakeWatch() }
    }

    private func logFailure(_ message: Logger.Message, _ server: ServerIndex, _ facts: [(String, String)]) {
        let upstream = plan.upstreams[servers.upstream(server)]
        var metadata: Logger.Metadata = [
            "upstream": "\(upstream.name)", "server": "\(upstream.servers[Int(servers[server].index)].name)",
        ]
        for (key, value) in facts { metadata[key] = "\(value)" }
        fleetState.log.warning(message, metadata: metadata)
    }

    @inline(__always)
    func hasStream(_ slot: UpstreamSlot) -> Bool {
        let u = upstreams[slot]
        guard !u.pointee.mustClose, !isOutdated(slot) else { return false }
        let shared = multiplexing[u.pointee.sharedIndex]
        guard shared.streamCount < shared.streamsMax else { return false }
        // Those that wait for its SETTINGS are no streams yet.
        let isEarly = u.pointee.phase == .connecting || shared.holdsTunnels
        guard !isEarly || shared.streamCount < servers[u.pointee.server].streamsAtFirst else { return false }
        return u.pointee.phase == .connecting || shared.session.canOpenStream
    }

    /// Whether a shared connection takes no more requests, and carries none.
    func isSpent(_ slot: UpstreamSlot) -> Bool {
        let u = upstreams[slot]
        return u.pointee.mustClose && u.pointee.phase == .shared && multiplexing[u.pointee.sharedIndex].streamCount == 0
    }
}
