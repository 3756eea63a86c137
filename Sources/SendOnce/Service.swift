import Admin
import Capture
import CShim
import Configuration
import Glibc
import Logging
import OTLP
import ProbeReports
import Proxy
import Report

/// The proxy as a process: everything that `run` starts, what signals do to it, and in which order it ends.
final class Service {
    static let signalNumbers: [Int32] = [SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2]

    let log: Logger
    let metrics: Metrics
    let recorder: IncidentRecorder
    /// Nil when requests are not logged.
    var accessLog: AccessLog?
    /// Nil when incidents are not exported.
    var exporter: OTLPExporter?
    /// Nil when connections are not captured.
    var captures: CaptureStore?
    /// Nil without a socket for the probe's reports.
    var reports: ReportSocket?
    let inForce: InForce
    /// Nil where flags are all the configuration.
    let file: ConfigurationFile?
    let inheritance: Inheritance
    /// Written when a fleet has ended.
    let ended: Int32
    private let signals: Int32
    private var isEnding = false
    private var supervisorHasEnded = false
    var sockets: ListeningSockets
    var admin: AdminServer?
    /// Fleets that serve to the end whom they have.
    var leaving: [Fleet] = []

    /// Where clients connect, as really bound.
    var addresses: [String] { sockets.addresses }

    /// Starts the proxy. Throws `Failure` with what cannot be had.
    init(
        _ settings: Settings, log: Logger, inheritance given: Inheritance = Inheritance(), file: ConfigurationFile? = nil
    ) throws {
        self.log = log
        self.file = file
        raiseDescriptorLimit()
        // Before any thread is started: they all inherit the blocked set.
        signals = so_signalfd(Self.signalNumbers, Int32(Self.signalNumbers.count), 1)
        ended = so_eventfd()
        guard signals >= 0, ended >= 0 else { throw Failure.runtime("no descriptors left") }
        var inheritance = given
        let plan = try Self.plan(settings, log)
        metrics = Metrics(schema: Self.schema(plan, settings), version: Version.text, restarts: inheritance.restarts)
        recorder = try Self.recorder(settings.incidents, metrics, log)
        accessLog = try Self.accessLog(settings.accessLog, metrics, log)
        exporter = try Self.exporter(settings.incidents.otlp, metrics) { log.warning("\($0)") }
        captures = try Self.captures(settings.incidents, metrics, log)
        let workers = settings.workers.resolved
        do {
            sockets = try ListeningSockets.open(
                settings.listeners.map(\.address), workers: workers, inherited: &inheritance.sockets)
        } catch {
            throw Failure.runtime("\(error)")
        }
        recorder.desk?.learn(plan.markNames, salt: plan.salt)
        reports = try Self.reports(settings.probe, recorder)
        let counters = (0..<workers).map { [metrics] _ in metrics.makeCounters() }
        let fleetState = FleetState(
            plan: plan, counters: counters, recorder: recorder, accessLog: accessLog, captures: captures,
            gauges: metrics.servers, log: log)
        do {
            let fleet = try Fleet(plan: plan, sockets: sockets, workers: workers, fleetState: fleetState, ended: ended)
            inForce = InForce(settings: settings, fleet: fleet)
        } catch {
            throw Failure.runtime("\(error)")
        }
        let adminSocket = settings.admin.address.flatMap { inheritance.takeAdmin($0) }
        self.inheritance = inheritance
        if let address = settings.admin.address { admin = try startAdmin(address, inherited: adminSocket) }
        closeUnclaimed()
        follow(with: exporter)
        metrics.configurationLoaded(successfully: true)
        if file?.isOutdated ?? false { metrics.configurationLoaded(successfully: false) }
        file?.takeEffect()
        inheritance.supervisor?.send(.ready, left)
        for address in sockets.addresses { log.info("listening", metadata: ["address": "\(address)", "role": "proxy"]) }
        if let admin { log.info("listening", metadata: ["address": "\(admin.address)", "role": "admin"]) }
    }

    static func plan(_ settings: Settings, _ log: Logger) throws -> Plan {
        do throws(Plan.ResolveError) {
            let plan = try Plan.make(settings)
            for warning in plan.warnings { log.warning("\(warning)") }
            return plan
        } catch {
            if let problems = error.problems { throw Failure.badConfiguration(problems) }
            throw Failure.runtime("cannot resolve \(error)")
        }
    }

    static func schema(_ plan: Plan, _ settings: Settings) -> MetricsSchema {
        plan.metricsSchema(listeners: settings.listeners.map { "\($0.address)" })
    }

    private static func recorder(_ incidents: Settings.Incidents, _ metrics: Metrics, _ log: Logger) throws -> IncidentRecorder
    {
        do {
            let incidentLog = try IncidentLog(
                path: incidents.path, rotateBytes: UInt64(incidents.rotate.sizeBytes), keep: incidents.rotate.keep,
                metrics: metrics, report: { log.error("\($0)") })
            return IncidentRecorder(
                metrics: metrics, log: incidentLog, policy: EvidencePolicy(incidents.evidence),
                limit: IncidentLimit(incidents.limit), desk: ApplicationDesk())
        } catch {
            throw Failure.runtime("\(error)")
        }
    }

    static func reports(_ settings: Settings.Probe, _ recorder: IncidentRecorder) throws -> ReportSocket? {
        guard let path = settings.socket else { return nil }
        do {
            return try ReportSocket(path: path, recorder: recorder)
        } catch {
            throw Failure.runtime("probe.socket: \(error)")
        }
    }

    static func accessLog(_ settings: Settings.AccessLog, _ metrics: Metrics, _ log: Logger) throws -> AccessLog? {
        guard let path = settings.path else { return nil }
        do {
            return try AccessLog(
                path: path, rotateBytes: UInt64(settings.rotate.sizeBytes), keep: settings.rotate.keep, metrics: metrics,
                report: { log.error("\($0)") })
        } catch {
            throw Failure.runtime("\(error)")
        }
    }

    static func captures(_ incidents: Settings.Incidents, _ metrics: Metrics, _ log: Logger) throws -> CaptureStore? {
        guard let path = incidents.capture.path else { return nil }
        let policy = CapturePolicy(
            bytesMax: incidents.capture.bytesMax, keepsBodies: incidents.capture.body == .keep,
            keepsQuery: incidents.evidence.query == .keep)
        do {
            return try CaptureStore(
                folder: path, keep: incidents.capture.keep, policy: policy, program: "sendonce \(Version.text)",
                metrics: metrics,
                report: { log.error("\($0)") })
        } catch {
            throw Failure.runtime("\(error)")
        }
    }

    func startAdmin(_ address: Address, inherited: Int32? = nil) throws -> AdminServer {
        let sources = AdminSources(
            metrics: metrics, ring: recorder.ring, readiness: { [inForce] in inForce.readiness },
            upstreams: { [inForce] in inForce.upstreams }, configuration: { [inForce] in inForce.configuration },
            hosts: { [inForce] in inForce.settings.admin.hosts.map(\.description) },
            captures: { [inForce] in
                inForce.settings.incidents.capture.path.map { CaptureStore.names(in: $0) } ?? []
            },
            capture: { [inForce] name in
                inForce.settings.incidents.capture.path.flatMap { CaptureStore.read(name, in: $0) }
            })
        do {
            return try AdminServer(address: "\(address)", inherited: inherited, sources: sources)
        } catch {
            throw Failure.runtime("\(error)")
        }
    }

    /// Sockets that this process was given and has no use for.
    private func closeUnclaimed() {
        for socket in inheritance.sockets {
            if !socket.isOurs {
                log.warning("a socket of the service manager fits no listener", metadata: ["name": "\(socket.name)"])
            }
            _ = so_close(socket.descriptor)
        }
    }

    /// What outlives this process.
    var left: [NamedDescriptor] {
        var left = sockets.named
        if let admin, let address = inForce.settings.admin.address {
            left.append(NamedDescriptor(name: Inheritance.adminName(address), descriptor: admin.descriptor))
        }
        if let file, file.inForce >= 0 {
            left.append(NamedDescriptor(name: ConfigurationFile.descriptorName, descriptor: file.inForce))
        }
        return left
    }

    // MARK: Signals

    /// Serves until it is told to end, and all have been served. Never returns.
    func runUntilSignalled() -> Never {
        while true {
            var waited = [signals, ended, inheritance.supervisor?.descriptor ?? -1].map {
                pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
            }
            if supervisorHasEnded { waited[2].fd = -1 }
            poll(&waited, 3, -1)
            readOrders()
            var count: UInt64 = 0
            _ = so_read(ended, &count, 8)
            leaving.removeAll { fleet in
                guard fleet.hasEnded else { return false }
                fleet.join()
                return true
            }
            if isEnding, leaving.isEmpty { end() }
        }
    }

    /// Orders come from the supervisor, where there is one: a signal to the whole process group would count twice.
    private func readOrders() {
        while case let number = so_next_signal(signals), number > 0 {
            if inheritance.supervisor == nil { receive(number) }
        }
        while !supervisorHasEnded, let number = inheritance.supervisor?.order() {
            supervisorHasEnded = number == SupervisorLink.ended
            receive(number)
        }
    }

    private func receive(_ number: Int32) {
        switch number {
        case SIGUSR1:
            recorder.log?.reopen()
            accessLog?.reopen()
            log.info("log files reopened")
        case SIGHUP: reload()
        case SIGUSR2: retire()
        case SIGTERM, SIGINT: drain()
        case SupervisorLink.ended: if inForce.endsBy != .drain { drain() }
        default: break
        }
    }

    /// Ends with a deadline. A second order ends at once.
    private func drain() {
        if inForce.endsBy == .drain {
            log.warning("second signal: ending now")
            _exit(0)
        }
        log.info("draining", metadata: ["deadline_ms": "\(inForce.settings.timeouts.drainMilliseconds)"])
        let isRetiring = inForce.endsBy == .retirement
        inForce.end(by: .drain)
        // Now the workers' own descriptors are the sockets' last: they accept who waits, then nobody can come.
        if !isRetiring { sockets.close() }
        leave { $0.drain(within: inForce.fleet.plan.timeouts.drain) }
    }

    /// Another process has the same sockets, and goes on. Ends when the last client has been served.
    private func retire() {
        guard inheritance.supervisor != nil else {
            return log.warning("SIGUSR2: there is no supervisor that could start another version")
        }
        guard inForce.endsBy == nil else { return }
        log.info("retiring")
        inForce.end(by: .retirement)
        admin?.stop(removingFile: false)
        sockets.close(removingFiles: false)
        leave { $0.retire(to: nil) }
    }

    private func leave(_ order: (Fleet) -> Void) {
        if !isEnding { leaving.append(inForce.fleet) }
        isEnding = true
        leaving.forEach(order)
    }

    private func end() -> Never {
        admin?.stop()
        // After a retirement the path is another process's.
        reports?.stop(removingFile: inForce.endsBy == .drain)
        recorder.log?.close()
        exporter?.close()
        accessLog?.close()
        captures?.close()
        log.info("ended")
        exit(0)
    }
}

/// Each connection is a descriptor, and the soft limit is made for interactive programs.
private func raiseDescriptorLimit() {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
}

extension EvidencePolicy {
    init(_ evidence: Settings.Incidents.Evidence) {
        self.init(
            sample: evidence.sample == .off ? .off : .escaped, sampleBytesMax: evidence.sampleBytesMax,
            keepQuery: evidence.query == .keep)
    }
}

extension IncidentLimit {
    init(_ limit: Settings.Incidents.Limit) { self.init(burst: limit.burst, perSecond: Double(limit.perSecond)) }
}

extension Settings.Workers {
    /// The number of event loops: one for each core that this process may use.
    var resolved: Int {
        switch self {
        case .count(let count): count
        case .auto: max(1, Int(so_usable_cores()))
        }
    }
}
