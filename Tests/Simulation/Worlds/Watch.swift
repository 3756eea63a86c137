import EventLoop
import Proxy
import Simulation

/// The watch over the servers of one plan, on a thread of its own.
final class Watch {
    private var watching: Watching
    private let thread: SimulatedThread
    private let ledger: CheckLedger
    private let nameLedger: NameLedger?
    private unowned let world: SimulatedWorld
    /// Turns that it has left when its plan is not in force any more.
    var turnsLeft: Int?

    init(_ world: SimulatedWorld, _ plan: Plan, _ fleetState: FleetState) {
        self.world = world
        thread = world.network.makeThread()
        ledger = CheckLedger(world, plan.upstreams[0].health)
        let names = world.names == nil ? nil : NameLedger(world, plan, fleetState)
        nameLedger = names
        watching = Watching(plan, fleetState, kernel: Kernel(simulated: thread)) { [unowned world] in
            guard let names else { return nil }
            let resolver = SimulatedResolver(world, names)
            names.made(resolver)
            return resolver
        }
        thread.observer = ledger
    }

    func turn() {
        let calls = world.network.calls
        ledger.turnBegins()
        nameLedger?.turnBegins()
        watching.turn()
        ledger.turnEnds()
        nameLedger?.turnEnds()
        world.bound(callsOfWatch: world.network.calls - calls)
        turnsLeft = turnsLeft.map { $0 - 1 }
    }

    func stop() {
        ledger.isStopping = true
        watching.stop()
        nameLedger?.end()
        thread.end()
    }
}
