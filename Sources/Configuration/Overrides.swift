/// What the command line says; each flag that is given replaces what the file says.
///
/// Kept as the texts that were typed, so that a bad one is reported under its flag together with the file's problems.
public struct Overrides: Sendable, Equatable {
    /// `--listen ADDR`...: replace all listeners.
    public var listen: [String] = []
    /// `--upstream ADDR`...: the servers of the one upstream `default`; replace all upstreams and routes.
    public var upstreams: [String] = []
    /// `--admin ADDR|off`
    public var admin: String?
    /// `--incidents PATH|-`
    public var incidents: String?
    /// `--workers N|auto`
    public var workers: String?

    public init(
        listen: [String] = [], upstreams: [String] = [], admin: String? = nil, incidents: String? = nil,
        workers: String? = nil
    ) {
        self.listen = listen
        self.upstreams = upstreams
        self.admin = admin
        self.incidents = incidents
        self.workers = workers
    }
}
