extension Settings {
    /// How long clients may take, and how long the end may.
    public struct Timeouts: Sendable, Equatable {
        public var clientHeaderMilliseconds = 15_000
        public var clientBodyMilliseconds = 60_000
        public var clientIdleMilliseconds = 75_000
        public var drainMilliseconds = 30_000

        public init() {}

        static let section = Section(
            "timeouts", Self(),
            keys: [
                Key("client_header", \.clientHeaderMilliseconds, .duration(), "for a whole request header block"),
                Key(
                    "client_body", \.clientBodyMilliseconds, .duration(),
                    "between two parts of a request's body, while there is a server that takes it, and of an answer that its client takes"
                ),
                Key("client_idle", \.clientIdleMilliseconds, .duration(), "for the next request on a connection"),
                Key(
                    "drain", \.drainMilliseconds, .duration(least: 0),
                    "for exchanges to end after SIGTERM, before they are cut off"),
            ])
    }
}
