import CShim
import Wire

/// Which server gets the next request. No memory is taken: an upstream's servers are looked at where they stand.
extension Worker {
    /// What may be asked of a server, the best first. The first level that any server reaches is the one to choose from.
    private enum Eligibility: Int { case free, other, passedOver, usable, up }

    /// A server's share when it has its whole weight, so that a part of it can be told in whole numbers.
    private static var sharePerWeight: Int32 { 16 }

    /// The server to use, by the upstream's way of balancing. Those that are down get nothing; those that are ejected or refuse
    /// connections, those without a free connection and the one to avoid are passed over while there are others.
    /// `sticky`, unless -1: the one, by its place in the upstream, to which the client belongs as long as it can be used.
    /// `mayTry`: a server that is only perhaps back may be asked, for the request can be sent again.
    mutating func chooseServer(_ upstream: Int, avoiding avoided: Int, sticky: Int = -1, mayTry: Bool = false) -> Int? {
        let first = firstServer[upstream]
        let end = firstServer[upstream + 1]
        if end - first == 1 { return isUp(first) ? first : nil }
        if sticky >= 0, isEligible(first + sticky, .other, avoided, mayTry) { return first + sticky }
        guard let level = bestLevel(first, end, avoided, mayTry) else { return nil }
        switch plan.upstreams[upstream].balance {
        case .roundRobin: return inTurn(first, end, level, avoided, mayTry, equalTo: -1)
        case .leastConnections: return leastLoaded(first, end, level, avoided, mayTry)
        case .randomTwo: return lessLoadedOfTwo(first, end, level, avoided, mayTry)
        }
    }

    private func bestLevel(_ first: Int, _ end: Int, _ avoided: Int, _ mayTry: Bool) -> Eligibility? {
        for place in 0...Eligibility.up.rawValue {
            let level = Eligibility(rawValue: place)!
            for server in first..<end where isEligible(server, level, avoided, mayTry) { return level }
        }
        return nil
    }

    /// Whether a request that is not bound to a server would find one with a connection.
    func anyHasRoom(_ upstream: Int) -> Bool { bestLevel(firstServer[upstream], firstServer[upstream + 1], -1, false) == .free }

    private func isEligible(_ server: Int, _ level: Eligibility, _ avoided: Int, _ mayTry: Bool) -> Bool {
        guard isUp(server) else { return false }
        switch level {
        case .free: return server != avoided && !isPassedOver(server, mayTry) && hasRoom(server)
        case .other: return server != avoided && !isPassedOver(server, mayTry)
        // Better one that failed lately than the one that has just failed this request.
        case .passedOver: return server != avoided
        case .usable: return !isPassedOver(server, mayTry)
        case .up: return true
        }
    }

    func isUp(_ server: Int) -> Bool { so_load(&servers[server].shared.pointee.isUp) != 0 }

    func isEjected(_ server: Int) -> Bool { so_load(&servers[server].shared.pointee.ejectedUntil) > now }

    /// Ejected, or refusing connections; unless it is time for a trial.
    func isPassedOver(_ server: Int, _ mayTry: Bool = false) -> Bool {
        let shared = servers[server].shared
        if Outage.isRefusing(&shared.pointee.outage) { return !Outage.trialIsDue(&shared.pointee.outage, now) }
        return isEjected(server) && !(mayTry && Outage.trialIsDue(&shared.pointee.outage, now))
    }

    func hasRoom(_ server: Int) -> Bool {
        var shared = servers[server].multiplexed.first
        while shared >= 0 {
            if hasStream(shared) { return true }
            shared = upstreams[shared].pointee.next
        }
        return connectionPool.hasConnection(server) || (connectionPool.mayOpen(server) && now >= descriptorsLackUntil)
    }

    // MARK: Shares

    /// What a server may have of the requests: its weight, or less when it has come back a short time ago.
    private func share(_ server: Int) -> Int32 {
        let whole = Int32(servers[server].weight) * Self.sharePerWeight
        let shared = servers[server].shared
        let returnsAt = so_load(&shared.pointee.returnsAt)
        guard returnsAt != 0, now >= returnsAt else { return whole }
        let time = so_load(&shared.pointee.returnTime)
        let passed = now - returnsAt
        guard passed < time else { return whole }
        return max(1, Int32(UInt64(whole) * passed / time))
    }

    /// Whether one server is less busy than another for its share.
    private func isLessLoaded(_ a: Int, _ b: Int) -> Bool { load(a, against: b) < load(b, against: a) }

    private func load(_ server: Int, against other: Int) -> Int64 { Int64(servers[server].activeCount) * Int64(share(other)) }

    // MARK: Ways of balancing

    /// Smooth weighted turns: each candidate earns its share, and the richest pays for all. `equal`, unless -1, is a server
    /// as busy as which the candidates have to be.
    private mutating func inTurn(
        _ first: Int, _ end: Int, _ level: Eligibility, _ avoided: Int, _ mayTry: Bool, equalTo equal: Int
    ) -> Int? {
        var chosen = -1
        var sum: Int32 = 0
        for server in first..<end where isEligible(server, level, avoided, mayTry) {
            if equal >= 0, load(server, against: equal) != load(equal, against: server) { continue }
            let earned = share(server)
            servers[server].turnCredit += earned
            sum += earned
            if chosen < 0 || servers[server].turnCredit > servers[chosen].turnCredit { chosen = server }
        }
        guard chosen >= 0 else { return nil }
        servers[chosen].turnCredit -= sum
        return chosen
    }

    /// Those that are equally little busy have their turns, so that idle servers share by their weights too.
    private mutating func leastLoaded(_ first: Int, _ end: Int, _ level: Eligibility, _ avoided: Int, _ mayTry: Bool) -> Int? {
        var least = -1
        for server in first..<end where isEligible(server, level, avoided, mayTry) {
            if least < 0 || isLessLoaded(server, least) { least = server }
        }
        return least < 0 ? nil : inTurn(first, end, level, avoided, mayTry, equalTo: least)
    }

    private mutating func lessLoadedOfTwo(_ first: Int, _ end: Int, _ level: Eligibility, _ avoided: Int, _ mayTry: Bool)
        -> Int?
    {
        guard let a = drawn(first, end, level, avoided, mayTry, besides: -1) else { return nil }
        guard let b = drawn(first, end, level, avoided, mayTry, besides: a) else { return a }
        return isLessLoaded(b, a) ? b : a
    }

    /// One server drawn by lot, each by its share.
    private mutating func drawn(
        _ first: Int, _ end: Int, _ level: Eligibility, _ avoided: Int, _ mayTry: Bool, besides other: Int
    ) -> Int? {
        var sum: UInt64 = 0
        for server in first..<end where server != other && isEligible(server, level, avoided, mayTry) {
            sum += UInt64(share(server))
        }
        guard sum > 0 else { return nil }
        var place = random.next() % sum
        for server in first..<end where server != other && isEligible(server, level, avoided, mayTry) {
            let share = UInt64(share(server))
            if place < share { return server }
            place -= share
        }
        return nil
    }
}
