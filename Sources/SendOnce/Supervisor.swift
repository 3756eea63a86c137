import CShim
import Glibc
import Logging
import Proxy

/// The process that people start. It runs the proxy in a worker process and sees to it that there is one: it passes orders
/// on, keeps the listening sockets through crashes, and replaces the program by a newer one.
///
///     starting ──ready──▶ serving ──crash──▶ waiting (longer each time) ──▶ starting
///        └─ends──▶ exit with its code          └──SIGTERM──▶ ending ──all have ended──▶ exit
///     serving ──SIGUSR2──▶ a candidate of the newer program ──ready──▶ the old one retires, the supervisor becomes the newer
///                                       └──ends, or takes too long──▶ the old one goes on
final class Supervisor {
    static let signalNumbers = Service.signalNumbers + [SIGCHLD]
    /// A worker process that has served for so long before it crashed is started again at once.
    static let soundTime: UInt64 = 10_000_000_000
    static let delayMin: UInt64 = 100_000_000
    static let delayMax: UInt64 = 10_000_000_000
    /// What a newer program may take until it serves.
    static let upgradeTime: UInt64 = 60_000_000_000
    /// What a second order to end leaves to the worker processes.
    static let killTime: UInt64 = 1_000_000_000

    let log: Logger
    private let signals: Int32
    private let notify = ServiceNotification()
    /// Listening sockets as they were when a worker process last said that it serves.
    var kept: [NamedDescriptor]
    var restarts: UInt64 = 0
    /// The one that serves, or is about to.
    var worker: WorkerProcess?
    /// Of a newer program.
    private var candidate: WorkerProcess?
    /// As soon as there is a worker process that serves meanwhile.
    private var isUpgradeWanted = false
    /// Those that serve to the end whom they have.
    var retiring: [WorkerProcess] = []
    private var hasServed = false
    private var crashesInRow = 0
    private var startTime: UInt64?
    private var upgradeDeadline: UInt64?
    private var ordersToEnd = 0
    private var killTime: UInt64?
    private var exitCode: Int32 = 0

    private init(log: Logger) throws {
        self.log = log
        signals = so_signalfd(Self.signalNumbers, Int32(Self.signalNumbers.count), 1)
        guard signals >= 0 else { throw Failure.runtime("no descriptors left") }
        kept = Inheritance.fromServiceManager()
    }

    /// Supervises, to the end of this process.
    static func run(log: Logger) throws -> Never {
        let supervisor = try Supervisor(log: log)
        supervisor.resume()
        if supervisor.worker == nil { try supervisor.start() }
        while true {
            supervisor.wait()
            supervisor.hear()
            supervisor.readSignals()
            supervisor.reap()
            try supervisor.keepTime()
        }
    }

    // MARK: Starting

    /// Starts a worker process of the version that runs.
    private func start() throws {
        startTime = nil
        switch startWorker(.running) {
        case .success(let started): worker = started
        case .failure(let error):
            if !hasServed { throw Failure.runtime("cannot start the worker process: \(error.reason)") }
            log.error("cannot start the worker process", metadata: ["error": "\(error.reason)"])
            scheduleStart()
        }
    }

    private func startWorker(_ program: Succeeding.Program) -> Result<WorkerProcess, SystemError> {
        var ends: [Int32] = [-1, -1]
        let paired = so_socket_pair(&ends)
        guard paired >= 0 else { return .failure(SystemError(result: paired)) }
        let process = Succeeding.startWorker(
            program,
            Inheritance(
                sockets: kept, restarts: restarts, followsCrash: hasServed && program == .running,
                supervisor: SupervisorLink(descriptor: ends[1])))
        _ = so_close(ends[1])
        guard process > 0 else {
            _ = so_close(ends[0])
            return .failure(SystemError(result: process))
        }
        return .success(WorkerProcess(process: process, link: ends[0]))
    }

    private func scheduleStart() {
        let delay = crashesInRow == 0 ? 0 : min(Self.delayMax, Self.delayMin << UInt64(min(crashesInRow - 1, 10)))
        crashesInRow += 1
        startTime = so_monotonic_ns() + delay
        log.notice("the worker process is started again", metadata: ["after_ms": "\(delay / 1_000_000)"])
    }

    // MARK: Waiting

    private func wait() {
        var waited = [pollfd(fd: signals, events: Int16(POLLIN), revents: 0)]
        for process in [worker, candidate].compactMap(\.self) + retiring {
            waited.append(pollfd(fd: process.link, events: Int16(POLLIN), revents: 0))
        }
        let now = so_monotonic_ns()
        let next = [startTime, upgradeDeadline, killTime].compactMap(\.self).min()
        let milliseconds = next.map { $0 <= now ? 0 : Int32(clamping: ($0 - now + 999_999) / 1_000_000) } ?? -1
        poll(&waited, nfds_t(waited.count), milliseconds)
    }

    /// Does what is due.
    private func keepTime() throws {
        let now = so_monotonic_ns()
        if let killTime, now >= killTime {
            self.killTime = nil
            for process in [worker].compactMap(\.self) + retiring { kill(process.process, SIGKILL) }
        }
        if let upgradeDeadline, now >= upgradeDeadline, let candidate {
            self.upgradeDeadline = nil
            kill(candidate.process, SIGKILL)
        }
        if let startTime, now >= startTime, ordersToEnd == 0 { try start() }
    }

    // MARK: Signals

    private func readSignals() {
        while case let number = so_next_signal(signals), number > 0 {
            switch number {
            case SIGTERM, SIGINT: end(number)
            case SIGHUP:
                notify.send("RELOADING=1\nMONOTONIC_USEC=\(so_monotonic_ns() / 1000)")
                worker?.order(SIGHUP)
            case SIGUSR1: ([worker, candidate] + retiring).forEach { $0?.order(SIGUSR1) }
            case SIGUSR2: upgrade()
            default: break
            }
        }
    }

    private func end(_ number: Int32) {
        ordersToEnd += 1
        startTime = nil
        if ordersToEnd == 1 { notify.send("STOPPING=1") } else { killTime = so_monotonic_ns() + Self.killTime }
        // The worker processes are to be the last who have them: then nobody can come any more.
        closeKept()
        if let candidate { kill(candidate.process, SIGKILL) }
        ([worker] + retiring).forEach { $0?.order(number) }
        exitIfAllHaveEnded()
    }

    private func closeKept() {
        for socket in kept { _ = so_close(socket.descriptor) }
        kept = []
    }

    private func exitIfAllHaveEnded() {
        if ordersToEnd > 0, worker == nil, candidate == nil, retiring.isEmpty { exit(exitCode) }
    }

    // MARK: What worker processes report

    private func hear() {
        while let news = worker?.news() {
            switch news {
            case .ready(let sockets):
                if worker?.readySince == nil { worker?.readySince = so_monotonic_ns() }
                hasServed = true
                keep(sockets)
                notify.send("READY=1\nSTATUS=serving")
                if isUpgradeWanted { upgrade() }
            case .refused: notify.send("READY=1\nSTATUS=serving; the last reload was refused")
            }
        }
        if case .ready(let sockets)? = candidate?.news() { promote(sockets) }
    }

    private func keep(_ sockets: [NamedDescriptor]) {
        closeKept()
        if ordersToEnd == 0 { kept = sockets } else { sockets.forEach { _ = so_close($0.descriptor) } }
    }

    private func reap() {
        var status: Int32 = 0
        while case let process = waitpid(-1, &status, WNOHANG), process > 0 {
            let end = ProcessEnd(waitStatus: status)
            if process == worker?.process {
                // What it said last may not have been heard.
                hear()
                workerEnded(end)
            } else if process == candidate?.process {
                candidate?.close()
                candidate = nil
                upgradeDeadline = nil
                upgradeFailed("the new one ended with \(end)")
            } else if let place = retiring.firstIndex(where: { $0.process == process }) {
                retiring[place].close()
                retiring.remove(at: place)
                if end.exitCode != 0 { log.error("a retiring worker process crashed", metadata: ["end": "\(end)"]) }
            }
        }
        exitIfAllHaveEnded()
    }

    private func workerEnded(_ end: ProcessEnd) {
        let served = worker?.readySince.map { so_monotonic_ns() - $0 }
        worker?.close()
        worker = nil
        if ordersToEnd > 0 {
            exitCode = end.exitCode
            return
        }
        // It could not start: it has said why.
        guard hasServed else { exit(end.exitCode == 0 ? 1 : end.exitCode) }
        restarts += 1
        log.critical("the worker process ended by itself", metadata: ["end": "\(end)", "restarts": "\(restarts)"])
        if let served, served >= Self.soundTime { crashesInRow = 0 }
        scheduleStart()
    }

    // MARK: Upgrade

    /// Starts the program anew from its file, which may be another version by now, beside the one that serves.
    private func upgrade() {
        guard ordersToEnd == 0 else { return }
        guard candidate == nil else { return log.warning("SIGUSR2: an upgrade is under way already") }
        isUpgradeWanted = worker?.readySince == nil
        guard !isUpgradeWanted else { return log.info("the upgrade waits until the worker process serves") }
        log.info("upgrading")
        switch startWorker(.installed) {
        case .success(let started):
            candidate = started
            upgradeDeadline = so_monotonic_ns() + Self.upgradeTime
        case .failure(let error): upgradeFailed("the new one cannot be executed: \(error.reason)")
        }
    }

    private func upgradeFailed(_ reason: String) {
        log.error("upgrade failed, the running version goes on", metadata: ["reason": "\(reason)"])
        notify.send("READY=1\nSTATUS=serving; the last upgrade failed")
    }

    /// The newer program serves: the earlier one retires, and this process becomes the newer one too.
    private func promote(_ sockets: [NamedDescriptor]) {
        guard var promoted = candidate else { return }
        promoted.readySince = so_monotonic_ns()
        candidate = nil
        upgradeDeadline = nil
        keep(sockets)
        if let earlier = worker {
            retiring.append(earlier)
            earlier.order(SIGUSR2)
        }
        worker = promoted
        startTime = nil
        log.info("upgraded")
        Succeeding.becomeSupervisor(self)
        log.error(
            "the supervisor stays what it was: the new version cannot be executed",
            metadata: ["error": "\(String(cString: strerror(errno)))"])
    }

    /// Takes over from the supervisor that this process was before it executed a newer program.
    private func resume() {
        guard let state = Succeeding.state() else { return }
        kept = state.sockets
        restarts = state.restarts
        worker = state.worker
        retiring = state.retiring
        hasServed = true
        notify.send("READY=1\nSTATUS=serving")
    }
}
