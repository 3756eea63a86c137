import Detector
import Synchronization

/// The registry: the workers' counters, what threads off the hot path count, and what earlier configurations have counted.
///
/// Safe for any thread. Its locks are never held by a worker for long: counting on the hot path takes none.
public final class Metrics: Sendable {
    private struct Block {
        var schema: MetricsSchema
        var generation: Int
        var counters: WorkerCounters
    }

    private struct Registry {
        var schema: MetricsSchema
        var generation = 0
        var blocks: [Block] = []
        var servers: ServerGauges
        /// What retired blocks had counted, so that no counter goes back when the configuration is reloaded.
        var folded = Samples()
    }

    /// What is counted seldom enough for a lock.
    struct Rare {
        var incidents: [IncidentSeries: UInt64] = [:]
        var exemplars: [IncidentSeries: Exemplar] = [:]
        var suppressed: [Kind: UInt64] = [:]
        var dropped: [SinkLabel: UInt64] = [:]
        var accessLinesDropped: UInt64 = 0
        var probeReports: [ProbeReportLabel: UInt64] = [:]
        var isReloadSuccessful = true
        var reloadNanoseconds: UInt64
    }

    public let version: String
    /// Crashes of worker processes before this one.
    public let restarts: UInt64
    /// Since when it counts.
    public let startNanoseconds = WallTime.nowNanoseconds()
    private let registry: Mutex<Registry>
    private let rare: Mutex<Rare>

    public init(schema: MetricsSchema, version: String, restarts: UInt64 = 0) {
        self.version = version
        self.restarts = restarts
        registry = Mutex(Registry(schema: schema, servers: ServerGauges(schema: schema, carryingOver: nil)))
        rare = Mutex(Rare(reloadNanoseconds: WallTime.nowNanoseconds()))
    }

    deinit { registry.withLock { $0.blocks.forEach { $0.counters.free() } } }

    // MARK: Workers

    /// The schema in force.
    public var schema: MetricsSchema { registry.withLock { $0.schema } }

    /// Servers' states under the schema in force.
    public var servers: ServerGauges { registry.withLock { $0.servers } }

    /// Counters for one worker, laid out for the schema in force.
    public func makeCounters() -> WorkerCounters {
        registry.withLock { registry in
            let counters = WorkerCounters(layout: registry.schema.layout)
            registry.blocks.append(Block(schema: registry.schema, generation: registry.generation, counters: counters))
            return counters
        }
    }

    /// Takes over a reloaded configuration. Workers go on with the counters they have until they make new ones and retire the old.
    public func install(_ schema: MetricsSchema) {
        registry.withLock { registry in
            registry.servers = ServerGauges(schema: schema, carryingOver: registry.servers)
            registry.schema = schema
            registry.generation += 1
        }
        rare.withLock { rare in
            guard rare.incidents.count > ReportLimit.retiredSeriesMax else { return }
            rare.incidents = rare.incidents.filter { schema.knows(.incidents, $0.key.labels) }
            rare.exemplars = rare.exemplars.filter { rare.incidents[$0.key] != nil }
        }
    }

    /// Keeps what a worker has counted and frees its memory: the worker must not touch these counters again.
    public func retire(_ counters: WorkerCounters) {
        registry.withLock { registry in
            guard let place = registry.blocks.firstIndex(where: { unsafe $0.counters.words == counters.words }) else { return }
            let block = registry.blocks.remove(at: place)
            block.schema.collect([block.counters], into: &registry.folded, zeros: false)
            block.counters.free()
            guard registry.folded.count > ReportLimit.retiredSeriesMax else { return }
            registry.folded = registry.folded.filtered(registry.schema.knows)
        }
    }

    // MARK: Rare events

    /// Counts an incident. Exact: whatever becomes of its record.
    public func count(_ incident: Incident) {
        let series = IncidentSeries(
            kind: incident.kind, certainty: incident.certainty, route: incident.route,
            upstream: incident.upstream?.name ?? MetricsSchema.none)
        let exemplar = Exemplar(traceID: incident.request?.traceID, timeNanoseconds: incident.timeNanoseconds)
        rare.withLock { rare in
            rare.incidents[series, default: 0] += 1
            if let exemplar { rare.exemplars[series] = exemplar }
        }
    }

    public func countSuppressed(_ kind: Kind) { rare.withLock { $0.suppressed[kind, default: 0] += 1 } }

    public func countDropped(_ sink: SinkLabel, _ count: UInt64 = 1) {
        guard count > 0 else { return }
        rare.withLock { $0.dropped[sink, default: 0] += count }
    }

    public func countAccessLinesDropped(_ count: UInt64) {
        guard count > 0 else { return }
        rare.withLock { $0.accessLinesDropped += count }
    }

    public func countProbeReports(_ label: ProbeReportLabel) { rare.withLock { $0.probeReports[label, default: 0] += 1 } }

    /// Notes an attempt to load the configuration.
    public func configurationLoaded(successfully: Bool, timeNanoseconds: UInt64 = WallTime.nowNanoseconds()) {
        rare.withLock { rare in
            rare.isReloadSuccessful = successfully
            if successfully { rare.reloadNanoseconds = timeNanoseconds }
        }
    }

    // MARK: Scrapes

    /// The text of `/metrics`.
    public func exposition(_ format: ExpositionFormat) -> [UInt8] {
        var (samples, schema) = registry.withLock { registry in (Self.samples(of: registry), registry.schema) }
        let rare = rare.withLock { $0 }
        for series in schema.incidentSeries {
            samples.add(.incidents, series.labels, [0])
        }
        var exemplars: [[String]: Exemplar] = [:]
        for (series, count) in rare.incidents {
            samples.add(.incidents, series.labels, [count])
            exemplars[series.labels] = rare.exemplars[series]
        }
        for kind in Kind.allCases { samples.add(.incidentsSuppressed, [kind.rawValue], [rare.suppressed[kind] ?? 0]) }
        for sink in SinkLabel.allCases { samples.add(.incidentsDropped, [sink.rawValue], [rare.dropped[sink] ?? 0]) }
        samples.add(.accessLinesDropped, [], [rare.accessLinesDropped])
        for label in ProbeReportLabel.allCases { samples.add(.probeReports, [label.rawValue], [rare.probeReports[label] ?? 0]) }
        return Exposition(
            format: format, samples: samples, exemplars: exemplars, version: version,
            isReloadSuccessful: rare.isReloadSuccessful, reloadNanoseconds: rare.reloadNanoseconds,
            restarts: restarts,
            process: ProcessStatistics.read()
        ).text()
    }

    /// What has been counted so far, and under which names.
    var counted: (samples: Samples, incidents: [IncidentSeries: UInt64], schema: MetricsSchema) {
        let (samples, schema) = registry.withLock { registry in (Self.samples(of: registry), registry.schema) }
        return (samples, rare.withLock { $0.incidents }, schema)
    }

    private static func samples(of registry: Registry) -> Samples {
        var samples = Samples()
        let current = registry.blocks.filter { $0.generation == registry.generation }.map(\.counters)
        registry.schema.collect(current, into: &samples, zeros: true)
        for block in registry.blocks where block.generation != registry.generation {
            block.schema.collect([block.counters], into: &samples, zeros: false)
        }
        samples.add(registry.folded)
        let servers = registry.servers
        for (upstream, description) in registry.schema.upstreams.enumerated() {
            for (server, address) in description.servers.enumerated() {
                let isUp: UInt64 = servers.isUp(upstream: upstream, server: server) ? 1 : 0
                let isQuarantined: UInt64 = servers.isQuarantined(upstream: upstream, server: server) ? 1 : 0
                samples.add(.upstreamServerUp, [description.name, address], [isUp])
                samples.add(.upstreamServerQuarantined, [description.name, address], [isQuarantined])
            }
        }
        return samples
    }
}
