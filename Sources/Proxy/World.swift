import CShim
import Logging
import Report

/// What a worker is given from outside, and shares with the others.
public final class World: Sendable {
    let counters: [WorkerCounters]
    let recorder: IncidentRecorder
    let gauges: ServerGauges?
    let log: Logger
    /// One a worker.
    let mailboxes: [Mailbox]
    /// One a server, in the order of the plan's upstreams.
    private let facts: [ServerFacts]
    private let counts: SharedCounts

    var serverCount: Int { facts.count }

    /// The world of a new plan. What `earlier` knows about servers that the plan names again stays true.
    public init(
        plan: Plan, counters: [WorkerCounters], recorder: IncidentRecorder, gauges: ServerGauges?, log: Logger,
        carryingOver earlier: World? = nil, wakes: Bool = true
    ) {
        self.counters = counters
        self.recorder = recorder
        self.gauges = gauges
        self.log = log
        mailboxes = counters.map { _ in Mailbox(fd: wakes ? so_eventfd() : -1) }
        facts = plan.upstreams.flatMap { upstream in
            upstream.servers.map { server in
                earlier?.facts.first { $0.upstream == upstream.name && $0.server == server.name }
                    ?? ServerFacts(upstream: upstream.name, server: server.name)
            }
        }
        counts = earlier?.counts ?? SharedCounts()
    }

    /// What the workers share about a server: relaxed atomics only.
    func shared(_ server: Int) -> UnsafeMutablePointer<SharedServer> { facts[server].shared }

    /// A number for a new upstream connection, unique in the process, from 1.
    func nextConnectionNumber() -> UInt64 { so_fetch_add(counts.connectionNumber, 1) + 1 }

    /// Counts client connections over all workers; gives the count before.
    func changeClients(by difference: Int64) -> UInt64 { so_fetch_add(counts.clients, difference) }
}
