/// Everything that the proxy was configured with: complete, checked against itself, immutable once it is in force.
///
/// Fields are named like the keys of the file; times carry their unit, sizes are bytes.
public struct Settings: Sendable, Equatable {
    /// Never empty.
    public var listeners: [Listener] = []
    public var admin = Admin()
    public var workers = Workers.auto
    /// Never empty; names are unique.
    public var upstreams: [Upstream] = []
    /// Never empty; names are unique, in the order of the file.
    public var routes: [Route] = []
    public var incidents = Incidents()
    public var accessLog = AccessLog()
    public var probe = Probe()
    public var limits = Limits()
    public var timeouts = Timeouts()
    public var trustedProxies: [AddressBlock] = []
    /// Ordered by status.
    public var errorPages: [ErrorPage] = []

    /// Where values stand that must not be shown.
    var secrets: Set<Place> = []
    var positions = Positions()

    init() {}

    static let section = Section(
        "top level", Self(),
        keys: [
            Key(
                "listeners", \.listeners, .sections(Listener.section), default: "one on `\(Listener.defaultAddress)`",
                "where clients connect; an item may be just an address"),
            Key("admin", \.admin, .section(Admin.section), "the admin endpoint; `null` or `off` for none"),
            Key("workers", \.workers, .workers, "event loops; `auto` is one a core"),
            Key(
                "upstreams", \.upstreams, .named(Upstream.section, by: \.name), default: "required",
                "the services behind the proxy; the names label incidents and metrics"),
            Key(
                "routes", \.routes, .sections(Route.section),
                default: "one named `default` from `/` to the only upstream",
                "which requests go where: first match by host, then by longest path"),
            Key(
                "incidents", \.incidents, .section(Incidents.section), "the incident log, and what follows an incident"),
            Key("access_log", \.accessLog, .section(AccessLog.section), "one line an exchange"),
            Key("probe", \.probe, .section(Probe.section), "the probe that Node programs can load"),
            Key("limits", \.limits, .section(Limits.section), "what a client may ask for, and what an upstream may answer"),
            Key("timeouts", \.timeouts, .section(Timeouts.section), "how long a client may take"),
            Key(
                "trusted_proxies", \.trustedProxies, .list(of: .network, type: "list of networks"),
                "whose `X-Forwarded-*` fields and PROXY header are believed; `unix`: every client on a Unix socket"),
            Key(
                "error_pages", \.errorPages, .errorPages,
                "a mapping from status (400…599) to a file: the body of the proxy's own answers with this status"),
        ])
}
