extension Settings.Upstream {
    /// TLS to the servers of an upstream.
    public struct TLS: Sendable, Equatable {
        /// PEM file with the authorities to trust; nil: the system's.
        public var ca: String?
        /// The name that the certificate must bear, also sent as SNI; nil: the host of the server's address.
        public var serverName: String?

        public init() {}

        static let section = Section(
            "upstreams.NAME.tls", Self(),
            keys: [
                Key("ca", \.ca, .optional(.file), "PEM file with the authorities to trust; `null`: the system's"),
                Key(
                    "server_name", \.serverName, .optional(.text("host")),
                    "name that the certificate must bear, sent as SNI; `null`: the host of the server's address"),
            ])
    }
}
