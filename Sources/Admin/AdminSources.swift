import Report

/// What the endpoint shows, given by those who know it. Called on the endpoint's own thread.
public struct AdminSources: Sendable {
    /// Whether traffic may be sent here; if not, why.
    public struct Readiness: Sendable {
        public var problems: [String]
        public var isReady: Bool { problems.isEmpty }
        public init(problems: [String] = []) { self.problems = problems }
    }

    public var metrics: Metrics
    public var ring: IncidentRing
    public var readiness: @Sendable () -> Readiness
    /// A JSON document for `/upstreams`.
    public var upstreams: @Sendable () -> [UInt8]
    /// A JSON document for `/config`, without secrets.
    public var configuration: @Sendable () -> [UInt8]

    /// Names of the traces that were captured.
    public var captures: @Sendable () -> [String]
    /// One of them.
    public var capture: @Sendable (String) -> [UInt8]?

    /// Hosts that may be asked for besides this machine: `ops.example`, `*.example.com`.
    public var hosts: @Sendable () -> [String]

    public init(
        metrics: Metrics, ring: IncidentRing, readiness: @escaping @Sendable () -> Readiness,
        upstreams: @escaping @Sendable () -> [UInt8], configuration: @escaping @Sendable () -> [UInt8],
        hosts: @escaping @Sendable () -> [String] = { [] }, captures: @escaping @Sendable () -> [String] = { [] },
        capture: @escaping @Sendable (String) -> [UInt8]? = { _ in nil }
    ) {
        self.metrics = metrics
        self.ring = ring
        self.readiness = readiness
        self.upstreams = upstreams
        self.configuration = configuration
        self.hosts = hosts
        self.captures = captures
        self.capture = capture
    }
}
