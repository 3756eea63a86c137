import EventLoop
import Glibc
import Names
import Proxy
import Simulation

/// Servers that are given by name: what their names lead to, and that requests keep to it.
extension SimulatedWorld {
    /// The addresses of a server from a time on, as the proxy knows them.
    struct AddressTable {
        var from: UInt64
        var addresses: [String]
        /// Addresses that have refused a connection since then, and when that was last known.
        var refusedAt: [String: UInt64] = [:]
        var refusals: [String: Int] = [:]
    }

    fileprivate struct LookUp {
        let server: Int
        let askedAt: UInt64
        let play: NameHabits.Play
    }

    /// Which of a server's tables a connection was made by.
    struct Lineage {
        let server: Int
        let address: String
        let table: Int
    }

    /// What a world knows of its servers' names.
    struct Names {
        let habits: NameHabits
        var tables: [[AddressTable]]
        var failures: [Int]
        /// What must be logged next.
        var due: [String] = []
        fileprivate var lookUps: [LookUp] = []
        /// When addresses have been down.
        fileprivate(set) var downs: [String: [ClosedRange<UInt64>]] = [:]
        fileprivate(set) var downSince: [String: UInt64] = [:]
        fileprivate var serverOf: [String: Int] = [:]
        fileprivate var silent: Set<String> = []

        init(_ habits: NameHabits, servers: Int) {
            self.habits = habits
            tables = Array(repeating: [], count: servers)
            failures = Array(repeating: 0, count: servers)
        }

        /// Whether nobody is sure to be found at an address at a time. One that could not be connected to is passed over for a while.
        func isDown(_ address: String, at time: UInt64) -> Bool {
            if let since = downSince[address], since <= time { return true }
            return downs[address]?.contains { $0.lowerBound <= time && time <= $0.upperBound + 11_200_000_000 } ?? false
        }

        func table(_ server: Int, at time: UInt64) -> AddressTable? { tables[server].last { $0.from <= time } }
    }

    // MARK: Plans

    /// A plan is in force.
    func noteNames(of plan: Plan) {
        guard names != nil else { return }
        for (server, one) in plan.upstreams[0].servers.enumerated() {
            if let named = one.named { nameLeads(server, to: named.addresses, isLogged: false) }
        }
    }

    func planNames() {
        guard let habits = names?.habits else { return }
        network.connects = { [unowned self] in connects(to: $0) }
        network.serve(Self.nameservers[0].description, nameService(isSilent: false))
        network.serve(Self.nameservers[1].description, nameService(isSilent: false))
        if let time = habits.serverMovesAt {
            network.after(time) { [unowned self] in
                note("world", "the nameserver moves")
                network.serve(Self.nameservers[0].description, nameService(isSilent: true))
            }
        }
        for change in habits.changes {
            names!.serverOf[change.address] = change.server
            if change.at == 0 { make(change) } else { network.after(change.at) { [unowned self] in make(change) } }
        }
    }

    private func make(_ change: NameHabits.Change) {
        if network.time > start { note("world", "server \(change.server) at \(change.address) \(change.kind)") }
        let link = weather.upstreamLink
        if let since = names!.downSince.removeValue(forKey: change.address) {
            names!.downs[change.address, default: []].append(since...network.time)
        }
        if change.kind != .comes { names!.downSince[change.address] = network.time }
        if change.kind == .silent { names!.silent.insert(change.address) } else { names!.silent.remove(change.address) }
        switch change.kind {
        case .comes: network.serve(change.address, service(change.server, at: change.address))
        case .refuses: network.serve(change.address, .refuses(error: ECONNREFUSED, link: link))
        case .silent: network.serve(change.address, .silent(link))
        case .dies:
            deaths.append(network.time)
            network.serve(change.address, .refuses(error: ECONNREFUSED, link: link))
            for upstream in upstreams where upstream.lineage?.address == change.address { upstream.die() }
            for upstream in streamUpstreams where upstream.lineage?.address == change.address { upstream.die() }
            dieInChecks(change.server, at: change.address)
        }
    }

    // MARK: Checks

    func namedServer(at address: String) -> Int? { names!.serverOf[address] }
    /// The number of the table that holds.
    func namedTable(_ server: Int) -> Int { names.map { $0.tables[server].count } ?? 0 }

    /// An address at which somebody is, and was all the while that a failure there would be remembered.
    func untried(_ server: Int, besides tried: Set<String>) -> String? {
        guard let table = names?.tables[server].last else { return nil }
        return table.addresses.first {
            !tried.contains($0) && table.refusedAt[$0] == nil && !names!.isDown($0, at: network.time)
        }
    }

    /// It has several addresses, and at each somebody is, and was for long.
    func hasOthers(_ server: Int) -> Bool {
        guard let table = names?.tables[server].last, table.addresses.count > 1 else { return false }
        return table.refusedAt.isEmpty && !table.addresses.contains { names!.isDown($0, at: network.time) }
    }

    /// Nobody has been missing where a server's name leads, and has led, for so long.
    func wasFound(_ server: Int, for time: UInt64) -> Bool {
        guard let table = names?.tables[server].last else { return true }
        let since = network.time - min(network.time, time)
        return table.from <= since
            && table.addresses.allSatisfy { address in
                names!.downSince[address] == nil && !(names!.downs[address]?.contains { $0.upperBound > since } ?? false)
            }
    }

    // MARK: Looking up

    private static let nameservers = [SocketAddress(200, 1, isIPv6: false), SocketAddress(200, 2, isIPv6: false)]

    /// Whom the system's settings name.
    var nameserver: SocketAddress {
        guard let time = names?.habits.serverMovesAt, network.time - start >= time else { return Self.nameservers[0] }
        return Self.nameservers[1]
    }

    private func nameService(isSilent: Bool) -> SimulatedNetwork.Service {
        .accepts { [unowned self] _ in
            var link = Link()
            link.jitter = 1_000_000
            return (NameServerPeer(self, isSilent: isSilent), link)
        }
    }

    /// Its number.
    func beginLookUp(of server: Int, with asked: SocketAddress) -> Int {
        if asked.description != nameserver.description { fail("name \(server) is looked up where no nameserver is any more") }
        let play = names!.habits.play(&nameNumbers)
        names!.lookUps.append(LookUp(server: server, askedAt: network.time, play: play))
        return names!.lookUps.count - 1
    }

    func hasAtOnce(_ number: Int) -> NameResolver.Outcome? {
        switch names!.lookUps[number].play {
        case .atOnce: answer(to: number)
        case .refused: .failed("could not contact dns servers")
        default: nil
        }
    }

    /// nil: there is no answer.
    func delay(of number: Int) -> UInt64? {
        names!.lookUps[number].play == .silent ? nil : names!.habits.delay(at: network.time, &nameNumbers)
    }

    func answer(to number: Int) -> NameResolver.Outcome {
        let lookUp = names!.lookUps[number]
        var time = network.time
        switch lookUp.play {
        case .failed(let reason): return .failed(reason)
        case .asked: time = lookUp.askedAt
        case .lagging(let lag): time = max(start, time - min(time, lag))
        default: break
        }
        let found = names!.habits.addresses(of: lookUp.server, at: time - start, &nameNumbers)
        return found.isEmpty
            ? .failed("the name has no address") : .found(found, seconds: names!.habits.seconds(&nameNumbers))
    }

    // MARK: What is known

    /// An answer holds from now on: which of its addresses, and that the log says so where that changes something.
    func nameLeads(_ server: Int, to addresses: [SocketAddress], isLogged: Bool = true) {
        var kept: [String] = []
        for address in names!.habits.reachable(addresses).map(\.description) where kept.count < 16 && !kept.contains(address) {
            kept.append(address)
        }
        kept.sort()
        guard kept != names!.tables[server].last?.addresses else { return }
        names!.tables[server].append(AddressTable(from: network.time, addresses: kept))
        for upstream in upstreams where upstream.isServing(server) { hold("requests under way") }
        for upstream in streamUpstreams where upstream.isServing(server) { hold("streams under way") }
        if isLogged { names!.due.append("name resolved server-\(server)") }
        hold("changed addresses")
    }

    func nameFailed(_ server: Int, isFirstInRow: Bool) {
        names!.failures[server] += 1
        if isFirstInRow { names!.due.append("name not resolved server-\(server)") }
        hold("failed look-ups")
    }

    func noteLoggedOfName(_ message: String, _ server: String) {
        if message == "cannot connect", let number = server.last?.wholeNumberValue { return judgeFailure(of: number) }
        guard message.hasPrefix("name ") else { return }
        if names!.due.first == "\(message) \(server)" {
            names!.due.removeFirst()
        } else {
            fail("\(message) \(server) is logged")
        }
    }

    /// A server fails only when none of its addresses can be connected to.
    private func judgeFailure(of server: Int) {
        guard !lacksDescriptors, tls?.habits.upstreams == nil, let table = names!.tables[server].last else { return }
        hold("failed servers")
        let others = table.addresses.filter { table.refusedAt[$0] == nil && !names!.isDown($0, at: network.time) }
        if let other = others.first { fail("server \(server) is said to fail, and nobody has tried \(other)") }
    }

    func turnOfNamesEnds() {
        if let due = names?.due.first { fail("\(due) was not logged") }
        names?.due = []
        judgeDeparted()
    }

    /// `/upstreams` says what holds.
    func holdAddresses(against json: String) {
        for (server, tables) in names!.tables.enumerated() {
            guard let table = tables.last,
                let place = json.firstRange(of: "\"address\":\"server-\(server)\",\"addresses\":["),
                let end = json[place.upperBound...].firstRange(of: "],\"")?.lowerBound
            else { return fail("/upstreams does not name the addresses of server \(server): \(json)") }
            let shown = json[place.upperBound..<end].split(separator: ",").map { String($0.dropFirst().dropLast()) }.sorted()
            if shown != table.addresses { fail("server \(server) is at \(table.addresses), and /upstreams says \(shown)") }
            let failures = "\"failed_lookups\":\(names!.failures[server]),"
            if !json[end...].dropFirst().dropFirst().hasPrefix(failures) {
                fail("server \(server) has not \(failures) in /upstreams: \(json[end...].prefix(40))")
            }
        }
    }

    // MARK: Connections

    /// A connection is begun: it leads to where its server's name does.
    private func connects(to address: String) {
        guard let server = names!.serverOf[address] else { return }
        let place = names!.tables[server].count - 1
        guard names!.tables[server][place].addresses.contains(address) else {
            return fail("a connection is made to \(address), where server \(server) is no longer")
        }
        if health?.checking != nil {
            hold(place == 0 ? "checks of servers where they were" : "checks of servers that have moved")
            return
        }
        guard !lacksDescriptors, names!.downSince[address] != nil, !names!.silent.contains(address) else { return }
        let table = names!.tables[server][place]
        // It is known by now that nobody is there.
        let known = 4 * weather.upstreamLink.latency + weather.upstreamLink.jitter + 50_000_000
        names!.tables[server][place].refusals[address, default: 0] += 1
        if let last = table.refusedAt[address], network.time > last + known, network.time < last + 9_900_000_000 {
            let others = table.addresses.filter { table.refusedAt[$0] == nil && !names!.isDown($0, at: network.time) }
            // Of those that were made for who has left nothing is learned.
            let leavers = stories.values.filter { $0.request.abort != nil }.count
            if !others.isEmpty, table.refusals[address]! > leavers {
                fail("\(address), which refuses, is tried before \(others[0])")
            }
        } else if table.refusedAt[address].map({ network.time > $0 + known }) ?? true {
            names!.tables[server][place].refusedAt[address] = network.time
        }
    }

    func lineage(_ server: Int, at address: String?) -> Lineage? {
        guard let address, names != nil else { return nil }
        return Lineage(server: server, address: address, table: names!.tables[server].count - 1)
    }

    /// When other addresses took the place of those by which a connection was made.
    private func outdatedAt(_ lineage: Lineage) -> UInt64? {
        let tables = names!.tables[lineage.server]
        return lineage.table + 1 < tables.count ? tables[lineage.table + 1].from : nil
    }

    /// A request has reached a server, on a connection that had not been outdated when it was sent.
    func noteArrival(of story: Story, over lineage: Lineage?) {
        guard let lineage, let time = outdatedAt(lineage) else { return }
        if time < story.sentAt {
            let since = (story.sentAt - time) / 1000
            fail("request \(story.id) was sent to \(lineage.address) on a connection that was outdated \(since) us before")
        }
    }

    /// Connections by addresses that hold no longer are gone when they have nothing to do, or at the latest when they have been idle.
    private func judgeDeparted() {
        guard !weather.upstreamReadsSlowly, !weather.upstreamLink.isDrip else { return }
        for upstream in upstreams where upstream.isUsable {
            judgeDeparted(upstream.lineage, upstream.number, answeredAt: upstream.answeredAt, upstream.idleSince)
        }
        for upstream in streamUpstreams where upstream.maySpeak {
            judgeDeparted(upstream.lineage, upstream.number, answeredAt: upstream.answeredAt, upstream.idleSince)
        }
    }

    private func judgeDeparted(_ lineage: Lineage?, _ number: Int, answeredAt: UInt64, _ idleSince: UInt64?) {
        guard let lineage, let idleSince, let outdatedAt = outdatedAt(lineage) else { return }
        let allowed: UInt64 = answeredAt > outdatedAt ? 1_500_000_000 : 5_500_000_000
        guard network.time > idleSince + allowed else { return }
        fail(
            "connection \(number) to \(lineage.address) is open, outdated, and idle for \((network.time - idleSince) / 1_000_000) ms"
        )
    }

    /// Half of the clients come when something has just moved.
    func comingTime(within time: UInt64) -> UInt64 {
        guard let habits = names?.habits, random.chance(perMille: 500) else { return random.upTo(time) }
        let moves = habits.moves.joined().map(\.at)
        return random.pick(moves) + random.upTo(5_000_000_000)
    }
}

extension ScriptedUpstream {
    /// It would take a request.
    var isUsable: Bool { isOpen && !isDead && !hasStopped && !hasEnded && !isTunnel }
    /// An exchange is going on with it.
    func isServing(_ server: Int) -> Bool {
        lineage?.server == server && isUsable && !served.isEmpty && served.last?.story.outcome == .nothing
    }

    /// When its last client had its answer; nil where somebody waits, or it is not known.
    var idleSince: UInt64? {
        guard !served.isEmpty, served.allSatisfy({ $0.isAnswered && $0.story.outcome == .whole }) else { return nil }
        return served.map(\.story.finishedAt).max()
    }
}

extension StreamUpstream {
    func isServing(_ server: Int) -> Bool {
        lineage?.server == server && maySpeak && served.contains { $0.isInProgress && $0.story.outcome == .nothing }
    }

    var idleSince: UInt64? {
        guard !served.isEmpty, served.allSatisfy({ $0.isAnswered && $0.story.outcome == .whole }) else { return nil }
        return served.map { max($0.story.finishedAt, askedAt) }.max()
    }
}
