import CShim
import EventLoop
import Glibc
import Logging
import Names
import Report

/// Watches over the upstreams' servers, a turn at a time: active checks, the end of ejections, names.
///
/// What it finds stands in the shared servers, where workers read it.
package struct Watching {
    private let plan: Plan
    private let fleetState: FleetState
    private let kernel: Kernel
    private var checks: [HealthCheck] = []
    private let records: RecordPort
    private var named: [NameWatch] = []
    private let makeResolver: () -> (any NameLookups)?
    /// Those that are asking, the newest last: one that nobody answers must not keep the others from the system's new settings.
    private var resolvers: [any NameLookups] = []
    /// Servers that are passed over, by their place: they come back without anybody's doing.
    private var ejected: [(place: ServerIndex, upstream: Int, server: Int)] = []

    package init(
        _ plan: Plan, _ fleetState: FleetState, kernel: Kernel,
        resolver: @escaping () -> (any NameLookups)? = { NameResolver() }
    ) {
        makeResolver = resolver
        self.plan = plan
        self.fleetState = fleetState
        self.kernel = kernel
        records = RecordPort(isNeeded: plan.upstreams.contains { $0.health != nil && $0.servers.contains { $0.tls != nil } })
        let now = kernel.now()
        forEachServer(plan) { place, upstream, server in
            if let named = plan.upstreams[upstream].servers[server].named {
                self.named.append(NameWatch(place: place, upstream: upstream, server: server, named, now: now))
            }
            guard let health = plan.upstreams[upstream].health else { return }
            let address = plan.upstreams[upstream].servers[server]
            checks.append(
                HealthCheck(
                    place: place, upstream: upstream, server: server, health: health,
                    host: address.address.isUnix ? "localhost" : address.name,
                    tls: address.tls.map { HealthCheckTLS($0, records) },
                    frames: plan.upstreams[upstream].protocol.checksInFrames ? plan.upstreamFrameLimits : nil,
                    kernel: kernel, now: now))
        }
    }

    private func forEachServer(_ plan: Plan, _ body: (ServerIndex, Int, Int) -> Void) {
        var place = 0
        for (index, upstream) in plan.upstreams.enumerated() {
            for server in upstream.servers.indices {
                body(ServerIndex(place), index, server)
                place += 1
            }
        }
    }

    /// Waits for what happens next, and works it off.
    package mutating func turn() {
        var now = kernel.now()
        for index in checks.indices where checks[index].isDue(now) {
            let address = nextAddress(index, now)
            note(checks[index].begin(address, now: now), index, now)
        }
        noteEjections(now)
        askNames(now)
        var polled = [pollfd(fd: fleetState.watchWakeUp, events: Int16(POLLIN), revents: 0)]
        for check in checks { polled.append(pollfd(fd: check.descriptor, events: check.interest, revents: 0)) }
        var places: [Range<Int>] = []
        for resolver in resolvers {
            let first = polled.count
            polled += resolver.descriptors
            places.append(first..<polled.count)
        }
        _ = kernel.poll(&polled, polled.count, milliseconds: milliseconds(now))
        now = kernel.now()
        if polled[0].revents != 0 {
            var count: UInt64 = 0
            _ = so_read(fleetState.watchWakeUp, &count, 8)
        }
        for index in checks.indices {
            if polled[index + 1].revents != 0 { note(checks[index].advance(), index, now) }
            note(checks[index].expire(now), index, now)
        }
        for (resolver, place) in zip(resolvers, places) {
            resolver.attend(polled[place])
            for answer in resolver.take() { note(answer.outcome, ofName: answer.key, now) }
        }
        resolvers.removeAll { !$0.isAsking }
    }

    package mutating func stop() {
        for index in checks.indices { checks[index].stop() }
        for resolver in resolvers { resolver.cancel() }
    }

    private func milliseconds(_ now: UInt64) -> Int32 {
        var wake = checks.map(\.wakesAt).min() ?? .max
        for (place, _, _) in ejected { wake = min(wake, so_load(&fleetState.shared(place).pointee.ejectedUntil)) }
        for name in named where !name.isAsking { wake = min(wake, name.dueAt) }
        for case let milliseconds? in resolvers.map(\.milliseconds) {
            wake = min(wake, now + UInt64(max(milliseconds, 0)) * 1_000_000)
        }
        guard wake != .max else { return -1 }
        return wake <= now ? 0 : Int32(clamping: (wake - now + 999_999) / 1_000_000)
    }

    // MARK: Health

    /// Each of a server's addresses has its turn, as for its other connections.
    private mutating func nextAddress(_ index: Int, _ now: UInt64) -> SocketAddress {
        let check = checks[index]
        guard let next = fleetState.addresses(check.place)?.next(turn: check.addressTurn, now) else {
            return plan.upstreams[check.upstream].servers[check.server].address
        }
        checks[index].addressTurn &+= 1
        (checks[index].addressPlace, checks[index].addressGeneration) = (next.place, next.generation)
        return next.address
    }

    /// What has come of a check. One that could not be connected goes on at its server's next address, as a request would.
    private mutating func note(_ outcome: HealthCheck.Outcome, _ index: Int, _ now: UInt64) {
        var outcome = outcome
        while case .unreachable(let reason) = outcome {
            let (place, generation) = (checks[index].addressPlace, checks[index].addressGeneration)
            let isAnother = fleetState.addresses(checks[index].place)?.noteFailure(place, generation: generation, now) ?? false
            outcome = isAnother ? checks[index].connect(nextAddress(index, now)) : .unhealthy(reason)
        }
        let check = checks[index]
        let shared = fleetState.shared(check.place)
        let isUp = so_load(&shared.pointee.isUp) != 0
        if outcome != .unfinished { checks[index].isUnmade = false }
        switch outcome {
        case .unfinished: return
        case .healthy:
            let change = checks[index].record.checkSucceeded(isUp: isUp)
            so_store(&shared.pointee.failedChecks, 0)
            if let time = Outage.ended(&shared.pointee.outage, now) {
                so_store(&shared.pointee.returnTime, min(time, Plan.returnTimeMax))
                so_store(&shared.pointee.returnsAt, now)
                so_store(&shared.pointee.ejectedUntil, 0)
            }
            guard change == .up else { return }
            so_store(&shared.pointee.returnTime, min(2 * check.health.interval, Plan.returnTimeMax))
            so_store(&shared.pointee.returnsAt, now)
            so_store(&shared.pointee.ejectedUntil, 0)
            so_store(&shared.pointee.failures, 0)
            so_store(&shared.pointee.isUp, 1)
            fleetState.gauges?.setUp(upstream: check.upstream, server: check.server, true)
            fleetState.log.info("server up", metadata: names(check.upstream, check.server))
        case .unhealthy(let reason), .unreachable(let reason):
            let change = checks[index].record.checkFailed(isUp: isUp)
            so_store(&shared.pointee.failedChecks, UInt64(checks[index].record.failuresInRow))
            guard change == .down else {
                if checks[index].record.failuresInRow == 1, isUp {
                    fleetState.log.info("health check failed", metadata: names(check.upstream, check.server, reason))
                }
                return
            }
            so_store(&shared.pointee.isUp, 0)
            fleetState.gauges?.setUp(upstream: check.upstream, server: check.server, false)
            fleetState.log.warning("server down", metadata: names(check.upstream, check.server, reason))
        case .unmade(let reason):
            checks[index].isUnmade = true
            guard !check.isUnmade else { return }
            fleetState.log.warning("health check not made", metadata: names(check.upstream, check.server, reason))
        }
    }

    // MARK: Names

    private mutating func askNames(_ now: UInt64) {
        guard named.contains(where: { $0.isDue(now) }) else { return }
        // A new one reads the system's settings anew.
        let resolver = makeResolver()
        for index in named.indices where named[index].isDue(now) {
            if let resolver { named[index].ask(resolver, key: index) } else { note(.failed("no resolver"), ofName: index, now) }
        }
        // The hosts file answers at once.
        for answer in resolver?.take() ?? [] { note(answer.outcome, ofName: answer.key, now) }
        if let resolver, resolver.isAsking { resolvers.append(resolver) }
    }

    /// An answer takes the place of the addresses before; a failure leaves them.
    private mutating func note(_ outcome: NameResolver.Outcome, ofName index: Int, _ now: UInt64) {
        let name = named[index]
        switch outcome {
        case .found(let found, let seconds):
            named[index].answered(seconds: seconds, now)
            guard let table = fleetState.addresses(name.place), table.replace(Plan.reachable(found, kernel)) else { return }
            var metadata = names(name.upstream, name.server)
            metadata["addresses"] = "\(table.descriptions.joined(separator: ","))"
            fleetState.log.info("name resolved", metadata: metadata)
        case .failed(let error):
            named[index].failed(now)
            _ = so_fetch_add(&fleetState.shared(name.place).pointee.failedLookUps, 1)
            if name.failuresInRow == 0 {
                fleetState.log.warning("name not resolved", metadata: names(name.upstream, name.server, error))
            }
        }
    }

    // MARK: Ejections

    /// Notes which servers are passed over now, and logs those that are not any more.
    ///
    /// Gauges are set whatever was known: an ejection may have begun and ended since the last turn.
    private mutating func noteEjections(_ now: UInt64) {
        for (place, upstream, server) in ejected where so_load(&fleetState.shared(place).pointee.ejectedUntil) <= now {
            guard so_load(&fleetState.shared(place).pointee.isUp) != 0 else { continue }
            fleetState.log.info("server no longer ejected", metadata: names(upstream, server))
        }
        var still: [(ServerIndex, Int, Int)] = []
        forEachServer(plan) { place, upstream, server in
            let isUp = so_load(&fleetState.shared(place).pointee.isUp) != 0
            let isEjected = so_load(&fleetState.shared(place).pointee.ejectedUntil) > now
            fleetState.gauges?.setUp(upstream: upstream, server: server, isUp && !isEjected)
            if isEjected { still.append((place, upstream, server)) }
        }
        ejected = still
    }

    private func names(_ upstream: Int, _ server: Int, _ reason: String? = nil) -> Logger.Metadata {
        var metadata: Logger.Metadata = [
            "upstream": "\(plan.upstreams[upstream].name)", "server": "\(plan.upstreams[upstream].servers[server].name)",
        ]
        if let reason { metadata["error"] = "\(reason)" }
        return metadata
    }
}
