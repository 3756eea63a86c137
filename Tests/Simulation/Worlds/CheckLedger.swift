import EventLoop
import Proxy
import Simulation

/// What one watch does about its servers, as its system calls show it, held against what it is told to do: when checks begin and end,
/// and which server is out after them.
final class CheckLedger: SimulatedThreadObserver {
    private struct Check {
        let begunAt: UInt64
        let peer: CheckPeer?
        var received = 0
        /// Its server has ended or reset the connection, or has never made one.
        var hasLeft = false
    }

    /// One server's checks.
    private struct Account {
        var begunAt: UInt64?
        var endedAt: UInt64 = 0
        var descriptor: Int32?
        var failures = 0
        var successes = 0
    }

    private unowned let world: SimulatedWorld
    private let settings: Plan.Health
    /// False: its plan has no checks, and it makes none.
    private let isChecked: Bool
    private let startedAt: UInt64
    private var accounts: [Account]
    private var checks: [Int32: Check] = [:]
    private var servers: [Int32: Int] = [:]
    private var connecting = 0
    private var turnBegunAt: UInt64 = 0
    /// What it ends now has come to nothing.
    var isStopping = false

    init(_ world: SimulatedWorld, _ settings: Plan.Health?) {
        self.world = world
        self.settings = settings ?? Plan.Health(path: "")
        isChecked = settings != nil
        startedAt = world.network.time
        accounts = Array(repeating: Account(), count: world.weather.servers)
    }

    /// A thread has its turn at the latest so long after its time: others have theirs, and may lose their core.
    private var slack: UInt64 { world.weather.preemptionsPerMille == 0 ? 5_000_000 : 150_000_000 }

    // MARK: Turns

    func turnBegins() { turnBegunAt = world.network.time }

    func turnEnds() {
        world.turnOfWatchEnds()
        guard isChecked else { return }
        for server in accounts.indices {
            guard let fd = accounts[server].descriptor, let check = checks[fd] else {
                holdToTime(server)
                continue
            }
            if check.hasLeft { world.fail("a check of server \(server) goes on although its server has left") }
            let age = turnBegunAt - min(turnBegunAt, check.begunAt)
            if age > settings.timeout + slack { world.fail("a check of server \(server) is \(age / 1_000_000) ms old") }
        }
    }

    private func holdToTime(_ server: Int) {
        let dueAt = accounts[server].begunAt.map { max($0 + settings.interval, accounts[server].endedAt) } ?? startedAt
        guard turnBegunAt > dueAt + slack else { return }
        world.fail("a check of server \(server) comes \((turnBegunAt - dueAt) / 1_000_000) ms late")
    }

    // MARK: What it does

    func willConnect(_ address: String) {
        guard let server = accounts.indices.first(where: { world.address($0) == address }) else {
            return world.fail("something else is checked: \(address)")
        }
        if !isChecked { world.fail("server \(server) is checked although nobody wants that") }
        connecting = server
        world.beginCheck(server, path: settings.path)
        if accounts[server].descriptor != nil { world.fail("two checks of server \(server) at once") }
        if let begunAt = accounts[server].begunAt, turnBegunAt < begunAt + settings.interval {
            world.fail("server \(server) was checked after \((turnBegunAt - begunAt) / 1000) us")
        }
        holdToTime(server)
        accounts[server].begunAt = turnBegunAt
    }

    func hasConnected(_ result: Int32) {
        let peer = world.takeCheck()
        guard result < 0 else {
            accounts[connecting].descriptor = result
            servers[result] = connecting
            return checks[result] = Check(begunAt: turnBegunAt, peer: peer)
        }
        accounts[connecting].endedAt = world.network.time
        // What is lacking is ours.
        if Kernel.isOutOfResources(result) { return world.note("watch", "has no descriptor for server \(connecting)") }
        conclude(connecting, passed: false)
    }

    func hasRead(_ fd: Int32, _ count: Int) {
        if count > 0 { checks[fd]?.received += count } else { checks[fd]?.hasLeft = true }
    }

    func hasFailed(_ fd: Int32, _ error: Int32) { checks[fd]?.hasLeft = true }

    func hasClosed(_ fd: Int32) {
        guard let check = checks.removeValue(forKey: fd), let server = servers.removeValue(forKey: fd) else {
            return world.fail("the watch closes \(fd), which is no check's")
        }
        accounts[server].descriptor = nil
        accounts[server].endedAt = world.network.time
        if isStopping { return }
        let passed = check.peer?.goodAfter.map { check.received >= $0 } ?? false
        let wasBad = check.peer?.play.mayFailEarly ?? false
        if !passed, !check.hasLeft, !wasBad, world.network.time < check.begunAt + settings.timeout {
            world.fail("a check of server \(server) was given up after \((world.network.time - check.begunAt) / 1000) us")
        }
        conclude(server, passed: passed)
    }

    /// A check has shown something.
    private func conclude(_ server: Int, passed: Bool) {
        world.note("watch", "a check of server \(server) has \(passed ? "passed" : "failed")")
        if passed {
            accounts[server].failures = 0
            accounts[server].successes += 1
            if world.isOut(server), accounts[server].successes >= settings.healthyAfter {
                world.expect(server, isOut: false)
            }
        } else {
            accounts[server].successes = 0
            accounts[server].failures += 1
            if !world.isOut(server), accounts[server].failures >= settings.unhealthyAfter {
                world.expect(server, isOut: true)
            }
        }
    }
}
