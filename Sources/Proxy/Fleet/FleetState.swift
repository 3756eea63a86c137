import CShim
import Capture
import Glibc
import Logging
import Report

/// What a worker is given from outside, and shares with the others.
public final class FleetState: Sendable {
    let counters: [WorkerCounters]
    let recorder: IncidentRecorder
    /// Nil when requests are not logged.
    let accessLog: AccessLog?
    /// Nil when connections are not captured.
    let captures: CaptureStore?
    let gauges: ServerGauges?
    let log: Logger
    /// One a worker.
    let mailboxes: [Mailbox]
    let waitingRoom: WaitingRoom
    /// A client's connection with this descriptor or a higher one is the last for the time being.
    let clientDescriptorMax: Int32
    /// Wakes the thread that watches over the servers; -1 when there is none.
    let watchWakeUp: Int32
    /// One a server, in the order of the plan's upstreams.
    private let facts: [ServerFacts]
    private let counts: SharedCounts

    var serverCount: Int { facts.count }

    /// The fleetState of a new plan. What `earlier` knows about servers that the plan names again stays true.
    public init(
        plan: Plan, counters: [WorkerCounters], recorder: IncidentRecorder, accessLog: AccessLog? = nil,
        captures: CaptureStore? = nil, gauges: ServerGauges?,
        log: Logger, carryingOver earlier: FleetState? = nil, wakes: Bool = true
    ) {
        self.counters = counters
        self.recorder = recorder
        self.accessLog = accessLog
        self.captures = captures
        self.gauges = gauges
        self.log = log
        mailboxes = counters.map { _ in Mailbox(fd: wakes ? so_eventfd() : -1) }
        watchWakeUp = wakes ? so_eventfd() : -1
        // Descriptors of a simulation are none.
        clientDescriptorMax = wakes ? Self.clientDescriptorMax : .max
        facts = plan.upstreams.flatMap { upstream in
            upstream.servers.map { server in
                guard let known = earlier?.facts.first(where: { $0.upstream == upstream.name && $0.server == server.name })
                else {
                    return ServerFacts(upstream: upstream.name, server)
                }
                if let named = server.named { _ = known.addresses?.replace(named.addresses) }
                return known
            }
        }
        waitingRoom = WaitingRoom(upstreams: plan.upstreams.count, servers: facts.count, workers: counters.count)
        counts = earlier?.counts ?? SharedCounts()
        if earlier != nil { forgetUnchecked(plan) }
        // The desk remembers plans for longer than they are served.
        recorder.desk?.ask(salt: plan.salt, self)
    }

    deinit { if watchWakeUp >= 0 { _ = so_close(watchWakeUp) } }

    /// Nobody would bring a server back that checks had found down, now that there are none, or that is now the only one. To be
    /// called once more when the plan before is not watched any longer.
    package func forgetUnchecked(_ plan: Plan) {
        var place = 0
        for (index, upstream) in plan.upstreams.enumerated() {
            for server in upstream.servers.indices {
                if upstream.health == nil { so_store(&shared(ServerIndex(place)).pointee.isUp, 1) }
                if upstream.health == nil, upstream.servers.count == 1 {
                    so_store(&shared(ServerIndex(place)).pointee.ejectedUntil, 0)
                    gauges?.setUp(upstream: index, server: server, true)
                }
                place += 1
            }
        }
    }

    /// What the workers share about a server: relaxed atomics only.
    func shared(_ server: ServerIndex) -> UnsafeMutablePointer<SharedServer> { facts[server.place].shared }

    /// The addresses of a server that is given by name.
    func addresses(_ server: ServerIndex) -> AddressTable? { facts[server.place].addresses }

    /// Whether the next descriptor would be one for a client. Costs two system calls.
    var hasRoomForClient: Bool {
        guard clientDescriptorMax < .max else { return true }
        let lowestFree = dup(watchWakeUp)
        if lowestFree >= 0 { _ = so_close(lowestFree) }
        return lowestFree >= 0 && lowestFree < clientDescriptorMax
    }

    /// All but an eighth of the descriptors that this process may have. The lowest free number is given out first.
    private static var clientDescriptorMax: Int32 {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return .max }
        return Int32(clamping: limit.rlim_cur - min(max(limit.rlim_cur / 8, 8), 4096))
    }

    /// A number for a new upstream connection, unique in the process, from 1.
    func nextConnectionNumber() -> UInt64 { so_fetch_add(counts.connectionNumber, 1) + 1 }

    /// Counts client connections over all workers; gives the count before.
    func changeClients(by difference: Int64) -> UInt64 { so_fetch_add(counts.clients, difference) }

    /// A worker passes a server over from now on: its gauge says so, until the watch sees it come back.
    func serverEjected(upstream: Int, server: Int) {
        gauges?.setUp(upstream: upstream, server: server, false)
        wakeWatch()
    }

    func wakeWatch() {
        guard watchWakeUp >= 0 else { return }
        var one: UInt64 = 1
        _ = so_write(watchWakeUp, &one, 8)
    }
}

extension FleetState: DeskWorkers {
    public func identify(_ mark: ExchangeMark) {
        for mailbox in mailboxes { mailbox.post(.identify(mark)) }
    }

    public func pass(_ round: UInt64) -> Int { mailboxes.filter { $0.post(.pass(round)) }.count }
}
