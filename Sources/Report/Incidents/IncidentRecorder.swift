import Synchronization

/// Where incidents go: counted always; past the limit, into the ring and the log. Safe for any thread, waits for no I/O.
public final class IncidentRecorder: Sendable {
    private struct Rules {
        var record: IncidentRecord
        var limiter: IncidentLimiter
    }

    public let metrics: Metrics
    public let ring: IncidentRing
    public let log: IncidentLog?
    /// Where the probe's reports come in; nil without a socket for them.
    public let desk: ApplicationDesk?
    private let rules: Mutex<Rules>
    /// Who else takes each record that is written; must not wait.
    private let follower = Mutex<(@Sendable ([UInt8]) -> Void)?>(nil)

    public init(
        metrics: Metrics, ring: IncidentRing = IncidentRing(), log: IncidentLog?, policy: EvidencePolicy = EvidencePolicy(),
        limit: IncidentLimit = IncidentLimit(), desk: ApplicationDesk? = nil
    ) {
        self.metrics = metrics
        self.ring = ring
        self.log = log
        self.desk = desk
        rules = Mutex(Rules(record: IncidentRecord(policy: policy), limiter: IncidentLimiter(limit: limit)))
    }

    /// Counts the incident and, unless the limit of its key holds it back, keeps and writes its record.
    public func record(_ incident: Incident) {
        let now = WallTime.monotonicNanoseconds()
        guard let desk else { return record(incident, monotonicNanoseconds: now) }
        guard let ready = desk.take(incident, now: now) else { return }
        record(ready, monotonicNanoseconds: now)
    }

    /// A report of the probe, with whatever of the wire belongs to it.
    public func receive(_ report: ApplicationReport) {
        let now = WallTime.monotonicNanoseconds()
        for incident in desk?.take(report, now: now) ?? [] { record(incident, monotonicNanoseconds: now) }
    }

    /// Records what had waited for its other half long enough at this time, by when all reports have been received; without a time, everything.
    public func settle(asOf time: UInt64? = nil) {
        guard let desk else { return }
        let now = WallTime.monotonicNanoseconds()
        for incident in time.map(desk.due(now:)) ?? desk.rest() { record(incident, monotonicNanoseconds: now) }
    }

    func record(_ incident: Incident, monotonicNanoseconds now: UInt64) {
        metrics.count(incident)
        let key = IncidentLimiter.Key(
            kind: incident.kind, route: incident.route, upstream: incident.upstream?.name ?? MetricsSchema.none)
        let admitted = rules.withLock { rules in
            rules.limiter.admit(key, nowNanoseconds: now).map { (suppressed: $0, record: rules.record) }
        }
        guard let admitted else { return metrics.countSuppressed(incident.kind) }
        var incident = incident
        incident.suppressed = admitted.suppressed
        let json = admitted.record.json(incident)
        ring.append(incident, json: json)
        log?.append(json)
        follower.withLock { $0 }?(json)
    }

    /// From now on `take` gets each record that is written, as the log has it; nil for nobody.
    public func follow(_ take: (@Sendable ([UInt8]) -> Void)?) { follower.withLock { $0 = take } }

    /// Takes over a reloaded configuration; the buckets stay as full as they are.
    public func reconfigure(policy: EvidencePolicy, limit: IncidentLimit) {
        rules.withLock { rules in
            rules.record.policy = policy
            rules.limiter.limit = limit
        }
    }
}
