extension Settings.Upstream {
    /// Active health checks: a request to each server, again and again.
    public struct Health: Sendable, Equatable {
        /// Nil: no active checks.
        public var path: String?
        public var intervalMilliseconds = 5000
        public var timeoutMilliseconds = 1000
        public var unhealthyAfter = 3
        public var healthyAfter = 2

        public init() {}

        static let section = Section(
            "upstreams.NAME.health", Self(),
            keys: [
                Key("path", \.path, .optional(.path), "what is asked for with GET; `null`: no active checks"),
                Key("interval", \.intervalMilliseconds, .duration(), "from one check to the next"),
                Key("timeout", \.timeoutMilliseconds, .duration(), "for the answer to a check"),
                Key(
                    "unhealthy_after", \.unhealthyAfter, .integer(1...1000), "failures in a row that take a server out"),
                Key("healthy_after", \.healthyAfter, .integer(1...1000), "successes in a row that bring it back"),
            ])
    }
}
