extension Settings.Upstream {
    /// One address of an upstream.
    public struct Server: Sendable, Equatable {
        public var address: Address
        /// Its share of the requests, relative to the other servers.
        public var weight = 1

        public init(address: Address, weight: Int = 1) {
            self.address = address
            self.weight = weight
        }

        /// What stands for a server whose address could not be read. Port 0 cannot be configured.
        static let unread = Self(address: .tcp(host: "", port: 0))

        static let section = Section(
            "upstreams.NAME.servers[]", unread, shorthand: "address",
            keys: [
                Key("address", \.address, .server, required: true, "where it listens; `:3000` is `127.0.0.1:3000`"),
                Key("weight", \.weight, .integer(1...256), "its share of the requests, relative to the other servers"),
            ])
    }
}
