import EventLoop
import Names
import Proxy
import Simulation

/// What one watch does about its servers' names, held against what it is told to do: when each is looked up, and what is made of answers.
final class NameLedger {
    private struct Account {
        var dueAt: UInt64
        var isAsking = false
        var failuresInRow = 0
    }

    private unowned let world: SimulatedWorld
    private let plan: Plan
    private let fleetState: FleetState
    private var accounts: [Account]
    private var turnBegunAt: UInt64 = 0
    private var hasTaken = false
    /// Those that it has been given, and that are there yet.
    private var resolvers: [SimulatedResolver] = []

    init(_ world: SimulatedWorld, _ plan: Plan, _ fleetState: FleetState) {
        self.world = world
        self.plan = plan
        self.fleetState = fleetState
        accounts = plan.upstreams[0].servers.map { server in
            Account(dueAt: world.network.time + Self.holds(server.named?.seconds ?? 0))
        }
        hasTaken = true
    }

    /// Answers are relied on from a second to an hour, those that do not say for five seconds.
    private static func holds(_ seconds: Int) -> UInt64 {
        UInt64(seconds == 0 ? 5 : max(1, min(3600, seconds))) * 1_000_000_000
    }

    private var slack: UInt64 { world.weather.preemptionsPerMille == 0 ? 5_000_000 : 150_000_000 }

    // MARK: Turns

    func turnBegins() { turnBegunAt = world.network.time }

    func turnEnds() {
        for (server, account) in accounts.enumerated() where !account.isAsking && turnBegunAt > account.dueAt + slack {
            world.fail("name \(server) is looked up \((turnBegunAt - account.dueAt) / 1_000_000) ms late")
        }
        world.turnOfNamesEnds()
        guard hasTaken else { return }
        hasTaken = false
        world.holdAddresses(against: String(decoding: fleetState.upstreamsJSON(plan), as: UTF8.self))
    }

    func made(_ resolver: SimulatedResolver) {
        resolvers.removeAll { !$0.isAsking }
        resolvers.append(resolver)
    }

    /// The watch has ended.
    func end() {
        for resolver in resolvers where resolver.isAsking {
            world.fail("a watch has ended, and its look-ups have not")
            resolver.cancel()
        }
    }

    // MARK: What it does

    func asks(_ host: String, _ port: UInt16, _ server: Int) {
        world.note("watch", "looks up \(host)")
        if host != "host-\(server)" || port != 8000 { world.fail("the name \(host):\(port) is looked up for server \(server)") }
        if accounts[server].isAsking { world.fail("two look-ups of name \(server) at once") }
        if world.network.time + slack < accounts[server].dueAt {
            world.fail("name \(server) is looked up \((accounts[server].dueAt - world.network.time) / 1_000_000) ms early")
        }
        accounts[server].isAsking = true
    }

    /// The watch has its answer, and works by it from now on.
    func takes(_ server: Int, _ outcome: NameResolver.Outcome) {
        hasTaken = true
        accounts[server].isAsking = false
        switch outcome {
        case .found(let addresses, let seconds):
            world.note("watch", "server \(server) is at \(addresses.count) addresses, for \(seconds) s")
            accounts[server].failuresInRow = 0
            accounts[server].dueAt = world.network.time + Self.holds(seconds)
            world.nameLeads(server, to: addresses)
        case .failed(let reason):
            world.note("watch", "name \(server) is not resolved: \(reason)")
            accounts[server].failuresInRow += 1
            accounts[server].dueAt = world.network.time + Self.holds(0)
            world.nameFailed(server, isFirstInRow: accounts[server].failuresInRow == 1)
        }
    }
}
