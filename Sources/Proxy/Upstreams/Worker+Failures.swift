import CShim
import Logging
import Wire

/// Passive health: what clients' own requests tell about a server.
extension Worker {
    /// A server has failed a request: it could not be connected to, hung up or stayed silent without an answer, or
    /// answered that it, or what stands behind it, is not there (502, 503, 504).
    ///
    /// After so many in a row it is passed over for a while; never the last one that is left.
    mutating func serverFailed(_ server: Int, _ error: @autoclosure () -> String, _ message: Logger.Message = "server failed") {
        let shared = servers[server].shared
        let failures = so_fetch_add(&shared.pointee.failures, 1) + 1
        let upstream = plan.upstreams[Int(servers[server].upstream)]
        if failures == 1, let heldBack = failureLog.take(now) {
            tell(message, server, [("error", error())] + (heldBack > 0 ? [("held_back", "\(heldBack)")] : []))
        }
        guard upstream.ejectFailures > 0, failures >= UInt64(upstream.ejectFailures), !isEjected(server),
            isAnotherUsable(server)
        else { return }
        let until = now + upstream.ejectTime
        so_store(&shared.pointee.returnTime, min(upstream.ejectTime, Plan.returnTimeMax))
        so_store(&shared.pointee.returnsAt, until)
        so_store(&shared.pointee.ejectedUntil, until)
        tell(
            "server ejected", server,
            [("failures", "\(failures)"), ("for_ms", "\(upstream.ejectTime / 1_000_000)"), ("error", error())])
        world.serverEjected(upstream: Int(servers[server].upstream), server: Int(servers[server].index))
    }

    /// A server has answered. Unless it says that there is nobody, its failures are not in a row any more.
    @inline(__always)
    mutating func serverAnswered(_ server: Int, status: Int) {
        if status >= 502, status <= 504 { return serverFailed(server, "answered \(status)") }
        // Written only where that changes something: the word is shared by all workers.
        if so_load(&servers[server].shared.pointee.failures) != 0 { so_store(&servers[server].shared.pointee.failures, 0) }
    }

    private func isAnotherUsable(_ server: Int) -> Bool {
        let upstream = Int(servers[server].upstream)
        for other in firstServer[upstream]..<firstServer[upstream + 1] where other != server {
            if isUp(other), !isEjected(other) { return true }
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
