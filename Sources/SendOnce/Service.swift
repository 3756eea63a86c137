import Admin
import CShim
import Configuration
import Glibc
import Logging
import Proxy
import Report

/// Everything that `run` starts, and in which order it ends.
final class Service {
    private let settings: Settings
    private let log: Logger
    private let signals: Int32
    let metrics: Metrics
    let recorder: IncidentRecorder
    let accessLog: AccessLog?
    let fleet: Fleet
    let admin: AdminServer?

    /// Starts the proxy. Throws `Failure` with what cannot be had.
    init(_ settings: Settings, log: Logger) throws {
        self.settings = settings
        self.log = log
        raiseDescriptorLimit()
        // Before any thread is started: they all inherit the blocked set.
        signals = so_signalfd([SIGTERM, SIGINT, SIGHUP, SIGUSR1], 4, 0)
        let plan: Plan
        do throws(Plan.ResolveError) {
            plan = try Plan.make(settings)
        } catch {
            if let problems = error.problems { throw Failure.badConfiguration(problems) }
            throw Failure.runtime("cannot resolve \(error)")
        }
        for warning in plan.warnings { log.warning("\(warning)") }
        metrics = Metrics(
            schema: plan.metricsSchema(listeners: settings.listeners.map { "\($0.address)" }), version: Version.text)
        let incidents = settings.incidents
        let incidentLog: IncidentLog
        do {
            incidentLog = try IncidentLog(
                path: incidents.path, rotateBytes: UInt64(incidents.rotate.sizeBytes), keep: incidents.rotate.keep,
                metrics: metrics,
                report: { log.error("\($0)") })
        } catch {
            throw Failure.runtime("\(error)")
        }
        recorder = IncidentRecorder(
            metrics: metrics, log: incidentLog, policy: EvidencePolicy(incidents.evidence),
            limit: IncidentLimit(incidents.limit))
        accessLog = try Self.accessLog(settings.accessLog, metrics, log)
        let workers = settings.workers.resolved
        let counters = (0..<workers).map { [metrics] _ in metrics.makeCounters() }
        let world = World(
            plan: plan, counters: counters, recorder: recorder, accessLog: accessLog, gauges: metrics.servers, log: log)
        do {
            fleet = try Fleet(plan: plan, listeners: settings.listeners.map(\.address), workers: workers, world: world)
        } catch {
            throw Failure.runtime("\(error)")
        }
        admin = try Self.startAdmin(settings, metrics, recorder, fleet)
        metrics.configurationLoaded(successfully: true)
        for address in fleet.addresses { log.info("listening", metadata: ["address": "\(address)", "role": "proxy"]) }
        if let admin { log.info("listening", metadata: ["address": "\(admin.address)", "role": "admin"]) }
    }

    private static func accessLog(_ settings: Settings.AccessLog, _ metrics: Metrics, _ log: Logger) throws -> AccessLog? {
        guard let path = settings.path else { return nil }
        do {
            return try AccessLog(
                path: path, rotateBytes: UInt64(settings.rotate.sizeBytes), keep: settings.rotate.keep, metrics: metrics,
                report: { log.error("\($0)") })
        } catch {
            throw Failure.runtime("\(error)")
        }
    }

    private static func startAdmin(_ settings: Settings, _ metrics: Metrics, _ recorder: IncidentRecorder, _ fleet: Fleet)
        throws -> AdminServer?
    {
        guard let address = settings.admin.address else { return nil }
        let configuration = Array(settings.redactedJSON.utf8)
        let sources = AdminSources(
            metrics: metrics, ring: recorder.ring,
            readiness: { AdminSources.Readiness(problems: fleet.isDraining ? ["draining"] : fleet.world.problems(fleet.plan)) },
            upstreams: { fleet.world.upstreamsJSON(fleet.plan) }, configuration: { configuration })
        do {
            return try AdminServer(address: "\(address)", sources: sources)
        } catch {
            fleet.drain()
            throw Failure.runtime("\(error)")
        }
    }

    /// Serves until SIGTERM or SIGINT; then drains. A second signal ends at once.
    func runUntilSignalled() throws {
        while true {
            switch so_next_signal(signals) {
            case SIGUSR1:
                recorder.log?.reopen()
                accessLog?.reopen()
                log.info("log files reopened")
            case SIGHUP: log.warning("SIGHUP: this version does not reload its configuration")
            case SIGTERM, SIGINT:
                stop()
                return
            default: continue
            }
        }
    }

    private func stop() {
        log.info("draining", metadata: ["deadline_ms": "\(settings.timeouts.drainMilliseconds)"])
        fleet.drain()
        let log = log
        let signals = signals
        let second = NamedThread("signals") {
            while true {
                let number = so_next_signal(signals)
                guard number == SIGTERM || number == SIGINT else { continue }
                log.warning("second signal: ending now")
                Glibc.exit(0)
            }
        }
        fleet.join()
        admin?.stop()
        recorder.log?.close()
        accessLog?.close()
        log.info("ended")
        _ = second
        Glibc.exit(0)
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
