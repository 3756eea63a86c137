import Detector
import Synchronization

/// Where what the probe reports and what the wire shows of one exchange find each other: recorded as one incident, in whatever order they come.
///
/// A report waits a little for the wire's incident, until the workers have had their turns, and that for a report, once a probe has
/// shown itself. Bounded: past the limits both are recorded at once, each by itself.
public final class ApplicationDesk: Sendable {
    /// What a mark's numbers stand for, of one plan.
    public struct Names: Sendable {
        public struct Server: Sendable {
            public var upstream: String
            public var address: String
            public init(upstream: String, address: String) {
                self.upstream = upstream
                self.address = address
            }
        }
        public var routes: [String]
        public var servers: [Server]
        public init(routes: [String], servers: [Server]) {
            self.routes = routes
            self.servers = servers
        }
    }

    static let reportsMax = 1024
    static let incidentsMax = 256
    static let plansMax = 8
    /// Inquiries between two looks at what is due, so that no flood of reports keeps the workers busy.
    static let inquiriesMax = 64
    /// The wire's incident is collected for 100 ms, and may stand on an idle connection a little longer.
    static let reportWaits: UInt64 = 400_000_000
    static let incidentWaits: UInt64 = 150_000_000
    /// So long a report waits for workers that have no turns.
    static let patience: UInt64 = 5_000_000_000
    /// So long a report that has been recorded keeps a hang-up of its exchange from being recorded too.
    static let memory: UInt64 = 2_000_000_000

    private struct Waiting {
        var report: ApplicationReport
        var since: UInt64
        /// The rounds of the workers that had begun when it came.
        var round: UInt64
        /// When it was recorded.
        var recordedAt: UInt64?

        func isDue(_ now: UInt64, _ rounds: WorkerRounds) -> Bool {
            guard recordedAt == nil, since + reportWaits <= now else { return false }
            return rounds.over >= round + WorkerRounds.needed || since + patience <= now
        }
    }

    private struct KnownPlan {
        var salt: UInt16
        var names: Names
        weak var workers: (any DeskWorkers)?
    }

    private struct State {
        var reports: [Waiting] = []
        var incidents: [(incident: Incident, until: UInt64)] = []
        var plans: [KnownPlan] = []
        var rounds = WorkerRounds()
        var hasProbe = false
        var inquiries = 0
    }

    private let state = Mutex(State())

    public init() {}

    /// A plan that marks are given out by from now on.
    public func learn(_ names: Names, salt: UInt16) {
        state.withLock { state in
            state.plans.append(KnownPlan(salt: salt, names: names))
            if state.plans.count > Self.plansMax { state.plans.removeFirst() }
        }
    }

    /// Who serves the marks of this plan.
    public func ask(salt: UInt16, _ workers: any DeskWorkers) {
        state.withLock { state in
            if let place = state.plans.lastIndex(where: { $0.salt == salt }) { state.plans[place].workers = workers }
        }
    }

    /// A worker has had a turn in this round.
    public func passed(_ round: UInt64) { state.withLock { $0.rounds.passed(round) } }

    /// The exchange of this mark has this client.
    public func identify(_ mark: ExchangeMark, _ client: Incident.Client) {
        state.withLock { state in
            for place in state.reports.indices
            where state.reports[place].recordedAt == nil && state.reports[place].report.mark == mark {
                state.reports[place].report.client = client
            }
        }
    }

    /// An incident that the wire has shown. Returns what is to be recorded now: it, perhaps with what the application did; nil while it waits.
    func take(_ incident: Incident, now: UInt64) -> Incident? {
        guard incident.origin == .upstream, incident.application == nil, incident.kind.mayBeExplained,
            incident.request != nil || incident.upstream != nil
        else { return incident }
        return state.withLock { state in
            guard state.hasProbe else { return incident }
            if let place = Self.place(of: incident, in: state.reports) {
                // The wire's hang-up adds nothing to what is recorded as the application's.
                if incident.kind == .hangupAfterEnd {
                    state.reports[place].report.client = incident.client
                    return nil
                }
                guard state.reports[place].recordedAt == nil else { return incident }
                state.reports[place].recordedAt = now
                return Self.joined(incident, state.reports[place].report)
            }
            guard state.incidents.count < Self.incidentsMax else { return incident }
            state.incidents.append((incident, now + Self.incidentWaits))
            return nil
        }
    }

    /// The report that the incident belongs to: rather one that waits than one that another incident has had, rather by the request than by the connection.
    private static func place(of incident: Incident, in reports: [Waiting]) -> Int? {
        let places = reports.indices.filter { belongs(incident, to: reports[$0].report) }
        let waiting = places.filter { reports[$0].recordedAt == nil }
        return waiting.first { reports[$0].report.requestID == incident.request?.id } ?? waiting.first ?? places.first
    }

    /// A report of the probe. Returns the incidents to record now.
    public func take(_ report: ApplicationReport, now: UInt64) -> [Incident] {
        let released = file(report, now: now)
        if let mark = report.mark { workers(of: mark)?.identify(mark) }
        return released
    }

    private func workers(of mark: ExchangeMark) -> (any DeskWorkers)? {
        state.withLock { state in
            guard state.inquiries < Self.inquiriesMax, let workers = state.plans.last(where: { $0.salt == mark.salt })?.workers
            else { return nil }
            state.inquiries += 1
            return workers
        }
    }

    private func file(_ report: ApplicationReport, now: UInt64) -> [Incident] {
        state.withLock { state in
            state.hasProbe = true
            if let place = state.reports.firstIndex(where: { $0.report.id == report.id }) {
                if let outcome = report.correctedOutcome { state.reports[place].report.application?.outcome = outcome }
                return []
            }
            guard report.application != nil else { return [] }
            var waiting = Waiting(report: report, since: now, round: state.rounds.begun)
            var released: [Incident] = []
            if let place = state.incidents.firstIndex(where: { Self.belongs($0.incident, to: report) }) {
                let incident = state.incidents.remove(at: place).incident
                if incident.kind == .hangupAfterEnd {
                    waiting.report.client = incident.client
                } else {
                    waiting.recordedAt = now
                    released.append(Self.joined(incident, report))
                }
            }
            if state.reports.count >= Self.reportsMax {
                let oldest = state.reports.removeFirst()
                if oldest.recordedAt == nil { released.append(Self.alone(oldest.report, state.plans)) }
            }
            state.reports.append(waiting)
            return released
        }
    }

    /// What has waited long enough at `now`, by when every report that had been sent has been taken.
    public func due(now: UInt64) -> [Incident] {
        defer { askWorkers(now: now) }
        return state.withLock { state in
            var released: [Incident] = []
            state.inquiries = 0
            for place in state.reports.indices where state.reports[place].isDue(now, state.rounds) {
                state.reports[place].recordedAt = now
                released.append(Self.alone(state.reports[place].report, state.plans))
            }
            state.reports.removeAll { $0.recordedAt.map { $0 + Self.memory <= now } ?? false }
            let ready = state.incidents.filter { $0.until <= now }
            state.incidents.removeAll { $0.until <= now }
            return released + ready.map(\.incident)
        }
    }

    /// Begins another round of the workers, where a report waits for one.
    private func askWorkers(now: UInt64) {
        let round: (number: UInt64, plans: [KnownPlan])? = state.withLock { state in
            guard state.reports.contains(where: { $0.recordedAt == nil }), state.rounds.mayBegin(now: now) else { return nil }
            return (state.rounds.begin(now: now), state.plans)
        }
        guard let round else { return }
        let count = round.plans.reduce(0) { $0 + ($1.workers?.pass(round.number) ?? 0) }
        state.withLock { $0.rounds.asked(count) }
    }

    /// Everything that still waits, at the end.
    public func rest() -> [Incident] { due(now: .max - Self.memory) }

    /// By the request's id. What went to the wire is found by its connection too: there the wire alone may not know whose it was.
    private static func belongs(_ incident: Incident, to report: ApplicationReport) -> Bool {
        if let id = report.requestID, incident.request?.id == id { return true }
        guard report.application?.outcome == "sent", let mark = report.mark, let upstream = incident.upstream else {
            return false
        }
        return upstream.connection == mark.connection && incident.kind != .hangupAfterEnd && incident.kind != .truncatedResponse
    }

    private static func joined(_ incident: Incident, _ report: ApplicationReport) -> Incident {
        var incident = incident
        incident.application = report.application
        guard report.attribution == .certain else { return incident }
        // Whoever has sent it has said so.
        incident.attribution = .certain
        incident.candidates = []
        if let request = report.request, let id = report.requestID, id != incident.request?.id {
            incident.request = request
            incident.response = report.status.map { Incident.Response(status: $0) }
            if let mark = report.mark { incident.upstream?.exchange = mark.ordinal }
            incident.message = report.message
        }
        return incident
    }

    /// A report that nothing on the wire belongs to.
    private static func alone(_ report: ApplicationReport, _ plans: [KnownPlan]) -> Incident {
        let mark = report.mark
        let names = mark.flatMap { mark in plans.last { $0.salt == mark.salt }?.names }
        let route = mark.flatMap { mark in
            names.flatMap { $0.routes.indices.contains(Int(mark.route)) ? $0.routes[Int(mark.route)] : nil }
        }
        var incident = report.incident(route: route ?? MetricsSchema.none)
        if let mark, let names, names.servers.indices.contains(Int(mark.server)) {
            let server = names.servers[Int(mark.server)]
            incident.upstream = Incident.Upstream(
                name: server.upstream, address: server.address, connection: mark.connection, exchange: mark.ordinal)
        }
        return incident
    }
}
