import EventLoop
import Glibc
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
        /// What the kernel has said of that; 0: nothing.
        var error: Int32 = 0
    }

    /// A check that no connection could be made for, as far as that is known: its server may have other addresses.
    private struct Unconnected {
        var tried: Set<String> = []
        /// As its name led then: of other addresses none has been tried.
        var table = 0
        var mayGoOn = false
    }

    /// One server's checks.
    private struct Account {
        var begunAt: UInt64?
        var endedAt: UInt64 = 0
        var descriptor: Int32?
        var failures = 0
        var successes = 0
        var unconnected = Unconnected()
        /// Where it was asked last, by which of its name's tables.
        var last: (address: String, table: Int)?
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
        world.settleCheck()
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
        guard let server = world.checkedServer(at: address) else {
            return world.fail("something else is checked: \(address)")
        }
        if !isChecked { world.fail("server \(server) is checked although nobody wants that") }
        if !accounts[server].unconnected.mayGoOn { world.settleCheck() }
        connecting = server
        world.beginCheck(server, path: settings.path)
        if accounts[server].descriptor != nil { world.fail("two checks of server \(server) at once") }
        if goesOn(server, at: address) { return }
        if let begunAt = accounts[server].begunAt, turnBegunAt < begunAt + settings.interval {
            world.fail("server \(server) was checked after \((turnBegunAt - begunAt) / 1000) us")
        }
        holdToTime(server)
        accounts[server].begunAt = turnBegunAt
        holdToTurn(server, address)
    }

    /// Where nobody is missing, each address has its turn.
    private func holdToTurn(_ server: Int, _ address: String) {
        let table = world.namedTable(server)
        defer { accounts[server].last = (address, table) }
        guard let last = accounts[server].last, last == (address, table), world.hasOthers(server) else { return }
        world.fail("server \(server) is checked at \(address) again, and nowhere else")
    }

    /// It is the same check as before, at another of its server's addresses.
    private func goesOn(_ server: Int, at address: String) -> Bool {
        let table = world.namedTable(server)
        let before = accounts[server].unconnected
        accounts[server].unconnected = Unconnected(tried: [address], table: table)
        guard before.mayGoOn else { return false }
        world.health?.settle = nil
        world.hold("checks at a further address")
        guard before.table == table else { return true }
        if before.tried.contains(address) { world.fail("a check of server \(server) tries \(address) once more") }
        accounts[server].unconnected.tried.formUnion(before.tried)
        return true
    }

    func hasConnected(_ result: Int32) {
        let peer = world.takeCheck()
        guard result < 0 else {
            accounts[connecting].descriptor = result
            servers[result] = connecting
            return checks[result] = Check(begunAt: accounts[connecting].begunAt ?? turnBegunAt, peer: peer)
        }
        accounts[connecting].endedAt = world.network.time
        // What is lacking is ours.
        if Kernel.isOutOfResources(result) { return world.note("watch", "has no descriptor for server \(connecting)") }
        isRefused(connecting)
    }

    /// It has failed, unless it goes on at another address: what is said, or done, next shows that.
    private func isRefused(_ server: Int) {
        guard world.names != nil else { return conclude(server, passed: false) }
        world.settleCheck()
        accounts[server].unconnected.mayGoOn = true
        world.health?.settle = { [unowned self] in
            let unconnected = accounts[server].unconnected
            accounts[server].unconnected = Unconnected()
            if let other = world.untried(server, besides: unconnected.tried) {
                world.fail("a check of server \(server) has failed, and nobody has tried \(other)")
            }
            conclude(server, passed: false)
        }
    }

    func hasRead(_ fd: Int32, _ count: Int) {
        if count > 0 { checks[fd]?.received += count } else { checks[fd]?.hasLeft = true }
    }

    func hasFailed(_ fd: Int32, _ error: Int32) {
        checks[fd]?.hasLeft = true
        checks[fd]?.error = error
    }

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
        if check.error == ECONNREFUSED { isRefused(server) } else { conclude(server, passed: passed) }
    }

    /// A check has shown something.
    private func conclude(_ server: Int, passed: Bool) {
        world.settleCheck()
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
