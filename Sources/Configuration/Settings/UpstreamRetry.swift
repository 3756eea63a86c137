extension Settings.Upstream {
    /// Whether a request that got no byte of an answer is sent again.
    public struct Retry: Sendable, Equatable {
        /// After the first one.
        public var attempts = 1

        public init() {}

        static let section = Section(
            "upstreams.NAME.retry", Self(),
            keys: [
                Key(
                    "attempts", \.attempts, .integer(0...16),
                    "how often a request is sent again: only before a single byte of an answer, and only where replay is safe"
                )
            ])
    }
}
