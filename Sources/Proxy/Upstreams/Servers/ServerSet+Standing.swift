import CShim

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

/// Passive health: what clients' own requests show about a server.
///
///     in order ──so many failures in a row──▶ ejected ──time is over, or an answer──▶ returning, with a share that grows
///         └──refused a connection──▶ refusing (`Outage`) ──a connection is there──▶ returning
extension ServerSet {
    /// What a failure has come to.
    struct Failed: Equatable {
        /// In a row, over all workers.
        var failures: UInt64
        /// From now on it is passed over for the time that its upstream says.
        var isEjected: Bool
        var isFirstInRow: Bool { failures == 1 }
    }

    @inline(__always)
    func isUp(_ server: ServerIndex) -> Bool { so_load(&servers[server.place].shared.pointee.isUp) != 0 }

    func isEjected(_ server: ServerIndex, _ now: UInt64) -> Bool {
        so_load(&servers[server.place].shared.pointee.ejectedUntil) > now
    }

    /// Nothing shows that a connection to it could not be made, whatever it answers.
    func isReachable(_ server: ServerIndex) -> Bool {
        let shared = servers[server.place].shared
        return !Outage.isRefusing(&shared.pointee.outage)
            && so_load(&shared.pointee.connectedAt) >= so_load(&shared.pointee.refusedAt)
    }

    /// Ejected, or refusing connections; unless it is time for a trial.
    func isPassedOver(_ server: ServerIndex, _ now: UInt64, mayTry: Bool = false) -> Bool {
        let shared = servers[server.place].shared
        if Outage.isRefusing(&shared.pointee.outage) { return !Outage.trialIsDue(&shared.pointee.outage, now) }
        return isEjected(server, now) && !(mayTry && Outage.trialIsDue(&shared.pointee.outage, now))
    }

    /// A request goes to the server; it may be the one that tries whether it is back.
    @inline(__always)
    mutating func requestGoes(to server: ServerIndex, _ now: UInt64) {
        Outage.requestGoes(&servers[server.place].shared.pointee.outage, now)
    }

    /// A server has failed a request. One that refuses connections is passed over until one is made again; after so many
    /// failures in a row any is passed over for a while; never the last one that is left.
    mutating func failed(_ server: ServerIndex, _ failure: ServerFailure, _ now: UInt64) -> Failed {
        let shared = servers[server.place].shared
        let upstream = upstreams[upstream(server)]
        if failure == .refused || failure == .unreachable { so_store(&shared.pointee.refusedAt, now) }
        var failed = Failed(failures: so_fetch_add(&shared.pointee.failures, 1) + 1, isEjected: false)
        guard upstream.ejectFailures > 0 else { return failed }
        // Whoever tries it is sent elsewhere when it still refuses.
        if failure == .refused, upstream.servers.count > 1, upstream.isRetrying { Outage.refused(&shared.pointee.outage, now) }
        guard failed.failures >= upstream.ejectFailures, !isEjected(server, now), isAnotherUsable(server, now) else {
            return failed
        }
        let until = now + upstream.ejectTime
        so_store(&shared.pointee.returnTime, min(upstream.ejectTime, Plan.returnTimeMax))
        so_store(&shared.pointee.returnsAt, until)
        so_store(&shared.pointee.ejectedUntil, until)
        if failure == .hungUp { Outage.doubted(&shared.pointee.outage, now) }
        failed.isEjected = true
        return failed
    }

    /// A server has answered: its failures are not in a row any more. True when it was ejected meanwhile, has been asked all the
    /// same, and is back with this.
    ///
    /// - Parameter sentAt: when the request went out.
    @inline(__always)
    mutating func answered(_ server: ServerIndex, sentAt: UInt64, _ now: UInt64) -> Bool {
        // Written only where that changes something: the word is shared by all workers.
        so_load(&servers[server.place].shared.pointee.failures) != 0 && recovered(server, sentAt: sentAt, now)
    }

    private mutating func recovered(_ server: ServerIndex, sentAt: UInt64, _ now: UInt64) -> Bool {
        let shared = servers[server.place].shared
        let until = so_load(&shared.pointee.ejectedUntil)
        let ejectTime = upstreams[upstream(server)].ejectTime
        var isBack = false
        if until > now {
            // An answer to what was sent before says nothing of the server as it is now.
            guard sentAt + ejectTime >= until else { return false }
            isBack = returns(server, after: now + ejectTime - until, now)
        }
        so_store(&shared.pointee.failures, 0)
        return isBack
    }

    /// A connection to a server is there. True when it was ejected, and is back with this.
    @inline(__always)
    mutating func connected(_ server: ServerIndex, _ now: UInt64) -> Bool {
        so_store(&servers[server.place].shared.pointee.connectedAt, now)
        guard let time = Outage.ended(&servers[server.place].shared.pointee.outage, now) else { return false }
        return returns(server, after: time, now)
    }

    /// A server that was passed over for so long gets requests again, little at first. True when that ends an ejection.
    private mutating func returns(_ server: ServerIndex, after time: UInt64, _ now: UInt64) -> Bool {
        let shared = servers[server.place].shared
        so_store(&shared.pointee.returnTime, min(time, Plan.returnTimeMax))
        so_store(&shared.pointee.returnsAt, now)
        guard isEjected(server, now) else { return false }
        so_store(&shared.pointee.ejectedUntil, 0)
        return true
    }

    private func isAnotherUsable(_ server: ServerIndex, _ now: UInt64) -> Bool {
        for other in of(upstream(server)) where other != server {
            // One that refuses may be due for a trial: that is no use yet.
            if isUp(other), !isEjected(other, now), !Outage.isRefusing(&servers[other.place].shared.pointee.outage) {
                return true
            }
        }
        return false
    }
}
