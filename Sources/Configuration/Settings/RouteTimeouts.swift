extension Settings.Route {
    /// Timeouts that differ from the upstream's for the requests of one route. Nil: the upstream's.
    public struct Timeouts: Sendable, Equatable {
        public var responseHeaderMilliseconds: Int?
        public var bodyIdleMilliseconds: Int?
        public var tunnelIdleMilliseconds: Int?

        public init() {}

        static let section = Section(
            "routes[].timeouts", Self(),
            keys: [
                Key(
                    "response_header", \.responseHeaderMilliseconds, .optional(.duration()),
                    "as in the upstream's `timeouts`; `null`: the upstream's"),
                Key(
                    "body_idle", \.bodyIdleMilliseconds, .optional(.duration()),
                    "as in the upstream's `timeouts`; `null`: the upstream's"),
                Key(
                    "tunnel_idle", \.tunnelIdleMilliseconds, .optional(.duration()),
                    "as in the upstream's `timeouts`; `null`: the upstream's"),
            ])
    }
}
