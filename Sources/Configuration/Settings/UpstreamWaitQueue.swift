extension Settings.Upstream {
    /// Requests that wait because every connection that is allowed is busy.
    public struct WaitQueue: Sendable, Equatable {
        public var max = 1024
        public var timeoutMilliseconds = 1000

        public init() {}

        static let section = Section(
            "upstreams.NAME.wait_queue", Self(),
            keys: [
                Key("max", \.max, .integer(0...1_000_000), "requests that may wait; further ones get 503"),
                Key("timeout", \.timeoutMilliseconds, .duration(), "how long one may wait before it gets 503"),
            ])
    }
}
