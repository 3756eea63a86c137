import CShim

/// Which server gets the next request. No memory is taken: an upstream's servers are looked at where they stand.
extension ServerSet {
    /// What a request asks of its server.
    struct Demand {
        var now: UInt64
        /// Those that have failed it.
        var failed = FailedServers()
        /// The one, by its number in the upstream, to which its client belongs as long as it can be used, or -1.
        var sticky = -1
        /// A server that is only perhaps back may be asked, for the request can be sent again.
        var mayTry = false
        /// It has been sent before: who may still be gone is not tried with it while there is another.
        var isRetry = false
    }

    /// What may be asked of a server, the best first. The first level that any server reaches is the one to choose from.
    private enum Eligibility: Int { case free, other, reachable, passedOver, usable, up }

    /// A server's share when it has its whole weight, so that a part of it can be given in whole numbers.
    private static var sharePerWeight: Int32 { 16 }

    /// Whether a request would find a connection to the server, as the worker has just seen. `choose` goes by it.
    @inline(__always)
    mutating func noteRoom(_ server: ServerIndex, _ hasRoom: Bool) { servers[server.place].hasRoom = hasRoom }

    /// The server to use, by the upstream's way of balancing. Those that are down get nothing; those that are ejected or refuse
    /// connections, those without a free connection and those that have failed the request are passed over while there are others.
    mutating func choose(_ upstream: Int, _ demand: Demand, _ random: inout RandomNumbers) -> ServerIndex? {
        let candidates = of(upstream)
        if candidates.count == 1 { return isUp(candidates.lowerBound) ? candidates.lowerBound : nil }
        if demand.sticky >= 0 {
            let sticky = candidates.lowerBound.advanced(by: demand.sticky)
            if isEligible(sticky, .other, demand) { return sticky }
        }
        guard let level = bestLevel(candidates, demand) else { return nil }
        switch upstreams[upstream].balance {
        case .roundRobin: return inTurn(candidates, level, demand, equalTo: .none)
        case .leastConnections: return leastLoaded(candidates, level, demand)
        case .randomTwo: return lessLoadedOfTwo(candidates, level, demand, &random)
        }
    }

    /// Whether a request that is not bound to a server would find one with a connection.
    func anyHasRoom(_ upstream: Int, _ now: UInt64) -> Bool { bestLevel(of(upstream), Demand(now: now)) == .free }

    /// Whether no server is left that is up and has not failed the request.
    func allHaveFailed(_ upstream: Int, _ failed: FailedServers) -> Bool {
        !of(upstream).contains { isUp($0) && !failed.contains($0) }
    }

    private func bestLevel(_ candidates: Range<ServerIndex>, _ demand: Demand) -> Eligibility? {
        for place in 0...Eligibility.up.rawValue {
            let level = Eligibility(rawValue: place)!
            for server in candidates where isEligible(server, level, demand) { return level }
        }
        return nil
    }

    private func isEligible(_ server: ServerIndex, _ level: Eligibility, _ demand: Demand) -> Bool {
        guard isUp(server) else { return false }
        switch level {
        case .free:
            return !demand.failed.contains(server) && !isPassedOver(server, demand) && servers[server.place].hasRoom
        case .other: return !demand.failed.contains(server) && !isPassedOver(server, demand)
        // Better one that failed lately than one that has failed this request, and better one that can be connected to.
        case .reachable: return !demand.failed.contains(server) && isReachable(server)
        case .passedOver: return !demand.failed.contains(server)
        case .usable: return !isPassedOver(server, demand)
        case .up: return true
        }
    }

    private func isPassedOver(_ server: ServerIndex, _ demand: Demand) -> Bool {
        isPassedOver(server, demand.now, mayTry: demand.mayTry)
            || demand.isRetry && Outage.isRefusing(&servers[server.place].shared.pointee.outage)
    }

    // MARK: Shares

    /// What a server may have of the requests: its weight, or less when it has come back a short time ago.
    private func share(_ server: ServerIndex, _ now: UInt64) -> Int32 {
        let whole = Int32(servers[server.place].weight) * Self.sharePerWeight
        let shared = servers[server.place].shared
        let returnsAt = so_load(&shared.pointee.returnsAt)
        guard returnsAt != 0, now >= returnsAt else { return whole }
        let time = so_load(&shared.pointee.returnTime)
        let passed = now - returnsAt
        guard passed < time else { return whole }
        return max(1, Int32(UInt64(whole) * passed / time))
    }

    /// Whether one server is less busy than another for its share.
    private func isLessLoaded(_ a: ServerIndex, _ b: ServerIndex, _ now: UInt64) -> Bool {
        load(a, against: b, now) < load(b, against: a, now)
    }

    private func load(_ server: ServerIndex, against other: ServerIndex, _ now: UInt64) -> Int64 {
        Int64(servers[server.place].activeCount) * Int64(share(other, now))
    }

    // MARK: Ways of balancing

    /// Smooth weighted turns: each candidate earns its share, and the richest pays for all. `equal`, unless none, is a server
    /// as busy as which the candidates have to be.
    private mutating func inTurn(
        _ candidates: Range<ServerIndex>, _ level: Eligibility, _ demand: Demand, equalTo equal: ServerIndex
    ) -> ServerIndex? {
        let now = demand.now
        var chosen = ServerIndex.none
        var sum: Int32 = 0
        for server in candidates where isEligible(server, level, demand) {
            if equal.exists, load(server, against: equal, now) != load(equal, against: server, now) { continue }
            let earned = share(server, now)
            servers[server.place].turnCredit += earned
            sum += earned
            if chosen.isNone || servers[server.place].turnCredit > servers[chosen.place].turnCredit { chosen = server }
        }
        guard chosen.exists else { return nil }
        servers[chosen.place].turnCredit -= sum
        return chosen
    }

    /// Those that are equally little busy have their turns, so that idle servers share by their weights too.
    private mutating func leastLoaded(_ candidates: Range<ServerIndex>, _ level: Eligibility, _ demand: Demand) -> ServerIndex?
    {
        var least = ServerIndex.none
        for server in candidates where isEligible(server, level, demand) {
            if least.isNone || isLessLoaded(server, least, demand.now) { least = server }
        }
        return least.isNone ? nil : inTurn(candidates, level, demand, equalTo: least)
    }

    private func lessLoadedOfTwo(
        _ candidates: Range<ServerIndex>, _ level: Eligibility, _ demand: Demand, _ random: inout RandomNumbers
    ) -> ServerIndex? {
        guard let a = drawn(candidates, level, demand, besides: .none, &random) else { return nil }
        guard let b = drawn(candidates, level, demand, besides: a, &random) else { return a }
        return isLessLoaded(b, a, demand.now) ? b : a
    }

    /// One server drawn by lot, each by its share.
    private func drawn(
        _ candidates: Range<ServerIndex>, _ level: Eligibility, _ demand: Demand, besides other: ServerIndex,
        _ random: inout RandomNumbers
    ) -> ServerIndex? {
        var sum: UInt64 = 0
        for server in candidates where server != other && isEligible(server, level, demand) {
            sum += UInt64(share(server, demand.now))
        }
        guard sum > 0 else { return nil }
        var place = random.next() % sum
        for server in candidates where server != other && isEligible(server, level, demand) {
            let share = UInt64(share(server, demand.now))
            if place < share { return server }
            place -= share
        }
        return nil
    }
}
