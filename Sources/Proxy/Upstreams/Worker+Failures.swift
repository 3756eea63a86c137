import CShim
import Logging
import Wire

/// How a server has failed a request.
enum ServerFailure {
    /// It could not be connected to, which showed at once.
    case refused
    /// It could not be connected to in time, or not with all that belongs to a connection.
    case unreachable
    case hungUp, silent
    /// It answered that it, or what stands behind it, is not there (502, 503, 504).
    case answered
}

/// Passive health: what clients' own requests tell about a server.
extension Worker {
    /// A server has failed a request. One that refuses connections is passed over until one is made again; after so many
    /// failures in a row any is passed over for a while; never the last one that is left.
    mutating func serverFailed(_ server: Int, _ failure: ServerFailure, _ error: @autoclosure () -> String) {
        let shared = servers[server].shared
        if failure == .refused || failure == .unreachable { so_store(&shared.pointee.refusedAt, now) }
        let failures = so_fetch_add(&shared.pointee.failures, 1) + 1
        let upstream = plan.upstreams[Int(servers[server].upstream)]
        if failures == 1, let heldBack = failureLog.take(now) {
            let cannotConnect = failure == .refused || failure == .unreachable
            tell(
                cannotConnect ? "cannot connect" : "server failed", server,
                [("error", error())] + (heldBack > 0 ? [("held_back", "\(heldBack)")] : []))
        }
        guard upstream.ejectFailures > 0 else { return }
        // Whoever tries it is sent elsewhere when it still refuses.
        if failure == .refused, upstream.servers.count > 1, upstream.retryAttempts > 0 {
            Outage.refused(&shared.pointee.outage, now)
        }
        guard failures >= UInt64(upstream.ejectFailures), !isEjected(server), isAnotherUsable(server) else { return }
        let until = now + upstream.ejectTime
        so_store(&shared.pointee.returnTime, min(upstream.ejectTime, Plan.returnTimeMax))
        so_store(&shared.pointee.returnsAt, until)
        so_store(&shared.pointee.ejectedUntil, until)
        if failure == .hungUp { Outage.doubted(&shared.pointee.outage, now) }
        tell(
            "server ejected", server,
            [("failures", "\(failures)"), ("for_ms", "\(upstream.ejectTime / 1_000_000)"), ("error", error())])
        world.serverEjected(upstream: Int(servers[server].upstream), server: Int(servers[server].index))
    }

    /// A server has answered. Unless it says that there is nobody, its failures are not in a row any more; and one that was
    /// ejected meanwhile, and has been asked all the same, is back.
    @inline(__always)
    mutating func serverAnswered(_ server: Int, status: Int, sentAt: UInt64) {
        if status >= 502, status <= 504 { return serverFailed(server, .answered, "answered \(status)") }
        // Written only where that changes something: the word is shared by all workers.
        if so_load(&servers[server].shared.pointee.failures) != 0 { serverRecovered(server, sentAt: sentAt) }
    }

    private mutating func serverRecovered(_ server: Int, sentAt: UInt64) {
        let shared = servers[server].shared
        let until = so_load(&shared.pointee.ejectedUntil)
        let ejectTime = plan.upstreams[Int(servers[server].upstream)].ejectTime
        if until > now {
            // An answer to what was sent before says nothing of the server as it is now.
            guard sentAt + ejectTime >= until else { return }
            serverReturns(server, after: now + ejectTime - until)
        }
        so_store(&shared.pointee.failures, 0)
    }

    /// A connection to a server is there.
    @inline(__always)
    mutating func serverConnected(_ server: Int) {
        so_store(&servers[server].shared.pointee.connectedAt, now)
        if let time = Outage.ended(&servers[server].shared.pointee.outage, now) { serverReturns(server, after: time) }
    }

    /// A server that was passed over for so long gets requests again, little at first.
    private mutating func serverReturns(_ server: Int, after time: UInt64) {
        let shared = servers[server].shared
        so_store(&shared.pointee.returnTime, min(time, Plan.returnTimeMax))
        so_store(&shared.pointee.returnsAt, now)
        guard so_load(&shared.pointee.ejectedUntil) > now else { return }
        so_store(&shared.pointee.ejectedUntil, 0)
        world.wakeWatch()
    }

    private func isAnotherUsable(_ server: Int) -> Bool {
        let upstream = Int(servers[server].upstream)
        for other in firstServer[upstream]..<firstServer[upstream + 1] where other != server {
            if isUp(other), !isPassedOver(other) { return true }
        }
        return false
    }

    private func tell(_ message: Logger.Message, _ server: Int, _ facts: [(String, String)]) {
        let upstream = plan.upstreams[Int(servers[server].upstream)]
        var metadata: Logger.Metadata = [
            "upstream": "\(upstream.name)", "server": "\(upstream.servers[Int(servers[server].index)].name)",
        ]
        for (key, value) in facts { metadata[key] = "\(value)" }
        world.log.warning(message, metadata: metadata)
    }
}
