import EventLoop
import Logging
import Proxy
import Report
import Simulation

/// A worker of a fleetState, and what it runs on.
final class Hand {
    var worker: Worker
    let plan: Plan
    let fleetState: FleetState
    let counters: WorkerCounters
    /// nil for the first, whose kernel is the network itself.
    let thread: SimulatedThread?

    /// nil when the memory cannot be reserved. What `earlier` knows of servers is carried over.
    init?(
        _ owner: SimulatedWorld, _ plan: Plan, kernel: SimulatedKernel, _ thread: SimulatedThread? = nil, seed: UInt64,
        after earlier: Hand? = nil
    ) {
        let counters = owner.metrics.makeCounters()
        let fleetState = FleetState(
            plan: plan, counters: [counters], recorder: owner.recorder, gauges: owner.metrics.servers,
            log: Logger(label: "simulated") { _ in
                [.health, .records, .names].contains(owner.sort)
                    ? WorldLog(owner) as any LogHandler : SwiftLogNoOpLogHandler()
            }, carryingOver: earlier?.fleetState,
            wakes: false)
        guard
            let worker = Worker(
                index: 0, kernel: Kernel(simulated: kernel), poll: 3, plan: plan, fleetState: fleetState, seed: seed)
        else { return nil }
        self.worker = worker
        self.plan = plan
        self.fleetState = fleetState
        self.counters = counters
        self.thread = thread
    }
}
