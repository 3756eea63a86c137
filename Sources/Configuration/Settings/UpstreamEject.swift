extension Settings.Upstream {
    /// Passive health checks: what clients' own requests show about a server.
    public struct Eject: Sendable, Equatable {
        /// 0: never.
        public var consecutiveFailures = 5
        public var forMilliseconds = 10_000

        public init() {}

        static let section = Section(
            "upstreams.NAME.eject", Self(),
            keys: [
                Key(
                    "consecutive_failures", \.consecutiveFailures, .integer(0...1000),
                    "failures in a row that take a server out; 0: never"),
                Key("for", \.forMilliseconds, .duration(), "how long it stays out"),
            ])
    }
}
