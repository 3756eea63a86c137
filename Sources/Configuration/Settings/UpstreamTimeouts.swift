extension Settings.Upstream {
    /// How long the servers of an upstream may take.
    public struct Timeouts: Sendable, Equatable {
        public var connectMilliseconds = 2000
        public var responseHeaderMilliseconds = 60_000
        public var bodyIdleMilliseconds = 60_000
        /// Nil: as `bodyIdleMilliseconds`.
        public var tunnelIdleMilliseconds: Int?

        public init() {}

        static let section = Section(
            "upstreams.NAME.timeouts", Self(),
            keys: [
                Key("connect", \.connectMilliseconds, .duration(), "for a connection to open"),
                Key(
                    "response_header", \.responseHeaderMilliseconds, .duration(),
                    "from the request's end, or since the server has taken more of it, to the answer's final header block; then the client gets 504"
                ),
                Key(
                    "body_idle", \.bodyIdleMilliseconds, .duration(),
                    "between two parts of an answer's body; then it is a `stalled_response`"),
                Key(
                    "tunnel_idle", \.tunnelIdleMilliseconds, .optional(.duration()),
                    "without a byte in either direction of a WebSocket or another `Upgrade`; then it is closed; `null`: as `body_idle`"
                ),
            ])
    }
}
