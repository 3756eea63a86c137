import Admin
import Capture
import Configuration
import OTLP
import ProbeReports
import Proxy
import Report

/// Taking over a configuration while serving. It is taken whole or not at all.
extension Service {
    /// What a new configuration needs, had before anything of the old one is given up.
    private struct Prepared {
        var settings: Settings
        var plan: Plan
        var sockets: ListeningSockets
        /// Of a new address; nil when the admin endpoint stays.
        var admin: AdminServer?
    }

    func reload() {
        guard let file else { return log.warning("SIGHUP: there is no configuration file to read again") }
        guard inForce.endsBy == nil else { return }
        do {
            try takeOver(try file.load())
            file.takeEffect()
            metrics.configurationLoaded(successfully: true)
            // Before anybody is notified: after a crash this is the configuration in force.
            inheritance.supervisor?.send(.ready, left)
            log.info("configuration reloaded")
        } catch {
            metrics.configurationLoaded(successfully: false)
            let failure = error as? Failure
            for problem in failure?.problems ?? [] { log.error("problem", metadata: ["at": "\(problem)"]) }
            log.error(
                "reload refused, the configuration in force stays", metadata: ["reason": "\(failure?.message ?? "\(error)")"])
            inheritance.supervisor?.send(.refused, [])
        }
    }

    private func takeOver(_ settings: Settings) throws {
        let earlier = inForce.settings
        let prepared = try prepare(settings)
        let workers = settings.workers.resolved
        let fleet: Fleet
        let accessLog: AccessLog?
        var exporter = self.exporter
        let captures: CaptureStore?
        // Its path may be in use by the one in force, which is given up only when all the rest is had.
        let moved = settings.probe.socket != earlier.probe.socket
        let reports: ReportSocket?
        do {
            if settings.incidents.otlp != earlier.incidents.otlp {
                exporter = try Self.exporter(settings.incidents.otlp, metrics) { [log] in log.warning("\($0)") }
            }
            accessLog = try changedAccessLog(settings.accessLog, earlier.accessLog)
            captures = try changedCaptures(settings.incidents, earlier.incidents)
            reports = moved ? try Self.reports(settings.probe, recorder) : self.reports
            try changeIncidentLog(settings.incidents, earlier.incidents)
            recorder.desk?.learn(prepared.plan.markNames, salt: prepared.plan.salt)
            metrics.install(Self.schema(prepared.plan, settings))
            let counters = (0..<workers).map { _ in metrics.makeCounters() }
            let fleetState = FleetState(
                plan: prepared.plan, counters: counters, recorder: recorder, accessLog: accessLog,
                captures: captures, gauges: metrics.servers,
                log: log, carryingOver: inForce.fleet.fleetState)
            fleet = try Fleet(
                plan: prepared.plan, sockets: prepared.sockets, workers: workers, fleetState: fleetState, ended: ended)
        } catch {
            metrics.install(Self.schema(inForce.fleet.plan, earlier))
            prepared.sockets.close(except: sockets)
            prepared.admin?.stop()
            throw error as? Failure ?? Failure.runtime("\(error)")
        }
        recorder.reconfigure(
            policy: EvidencePolicy(settings.incidents.evidence), limit: IncidentLimit(settings.incidents.limit))
        self.accessLog = accessLog
        if exporter !== self.exporter { export(to: exporter) }
        self.captures = captures
        if moved {
            self.reports?.stop()
            self.reports = reports
        }
        let retired = inForce.fleet
        inForce.replace(settings: settings, fleet: fleet)
        sockets.close(except: prepared.sockets)
        logListeners(prepared)
        sockets = prepared.sockets
        if settings.admin.address != earlier.admin.address {
            admin?.stop()
            admin = prepared.admin
        }
        retired.retire(to: fleet)
        leaving.append(retired)
    }

    private func prepare(_ settings: Settings) throws -> Prepared {
        let plan = try Self.plan(settings, log)
        var none: [NamedDescriptor] = []
        let opened: ListeningSockets
        do {
            opened = try ListeningSockets.open(
                settings.listeners.map(\.address), workers: settings.workers.resolved, earlier: sockets, inherited: &none)
        } catch {
            throw Failure.runtime("\(error)")
        }
        var prepared = Prepared(settings: settings, plan: plan, sockets: opened)
        if let address = settings.admin.address, address != inForce.settings.admin.address {
            do {
                prepared.admin = try startAdmin(address)
            } catch {
                opened.close(except: sockets)
                throw error
            }
        }
        return prepared
    }

    private func changeIncidentLog(_ incidents: Settings.Incidents, _ earlier: Settings.Incidents) throws {
        guard incidents.path != earlier.path || incidents.rotate != earlier.rotate else { return }
        try recorder.log?.change(
            path: incidents.path, rotateBytes: UInt64(incidents.rotate.sizeBytes), keep: incidents.rotate.keep)
    }

    /// The log goes on as it is as long as it is one: earlier workers still write to it.
    private func changedAccessLog(_ settings: Settings.AccessLog, _ earlier: Settings.AccessLog) throws -> AccessLog? {
        guard let accessLog, let path = settings.path else { return try Self.accessLog(settings, metrics, log) }
        if path != earlier.path || settings.rotate != earlier.rotate {
            try accessLog.change(path: path, rotateBytes: UInt64(settings.rotate.sizeBytes), keep: settings.rotate.keep)
        }
        return accessLog
    }

    /// Earlier workers keep the store they have: it ends with the last of them.
    private func changedCaptures(_ settings: Settings.Incidents, _ earlier: Settings.Incidents) throws -> CaptureStore? {
        let isSame = settings.capture == earlier.capture && settings.evidence.query == earlier.evidence.query
        return isSame ? captures : try Self.captures(settings, metrics, log)
    }

    private func logListeners(_ prepared: Prepared) {
        for address in prepared.sockets.addresses where !sockets.addresses.contains(address) {
            log.info("listening", metadata: ["address": "\(address)", "role": "proxy"])
        }
        for address in sockets.addresses where !prepared.sockets.addresses.contains(address) {
            log.info("no longer listening", metadata: ["address": "\(address)", "role": "proxy"])
        }
        if let admin = prepared.admin { log.info("listening", metadata: ["address": "\(admin.address)", "role": "admin"]) }
    }
}
