import EventLoop
import Report
import Synchronization

/// The thread on which servers are watched over (`Watching`), off the loops.
public final class ServerWatch: Sendable {
    private let isStopping: Stop
    private let thread: NamedThread
    private let fleetState: FleetState

    /// A flag that the thread and its owner share.
    private final class Stop: Sendable {
        let isAsked = Atomic(false)
    }

    /// Nil when there is nothing to watch over, or no thread to do it.
    init?(plan: Plan, fleetState: FleetState) {
        let isNeeded = plan.upstreams.contains {
            $0.health != nil || $0.servers.count > 1 || $0.servers.contains { $0.named != nil }
        }
        guard isNeeded, fleetState.watchWakeUp >= 0 else { return nil }
        let stop = Stop()
        isStopping = stop
        self.fleetState = fleetState
        guard
            let thread = NamedThread(
                "watch",
                {
                    var watching = Watching(plan, fleetState, kernel: Kernel())
                    while !stop.isAsked.load(ordering: .acquiring) { watching.turn() }
                    watching.stop()
                })
        else { return nil }
        self.thread = thread
    }

    /// Ends the thread, and waits for that. Once only.
    func stop() {
        isStopping.isAsked.store(true, ordering: .releasing)
        fleetState.wakeWatch()
        thread.join()
    }
}
