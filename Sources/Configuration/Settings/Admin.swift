extension Settings {
    /// The endpoint for operators: metrics, health, incidents.
    public struct Admin: Sendable, Equatable {
        /// Nil: there is none.
        public var address: Address? = .tcp(host: "127.0.0.1", port: 9180)
        /// By which it may be asked for, besides this machine, IP addresses and its own address.
        public var hosts: [HostPattern] = []

        public init() {}
        public init(address: Address?) { self.address = address }

        static let section = Section(
            "admin", Self(), whenNull: Self(address: nil), shorthand: "address",
            keys: [
                Key(
                    "address", \.address, .listeningOrOff,
                    "where it listens, as a rule on this machine only: it has no password"),
                Key(
                    "hosts", \.hosts, .list(of: .host, type: "list of hosts"),
                    "by which it may be asked for: `ops.example`, or `*.example.com`; `localhost`, IP addresses and its own"
                        + " `address` always may, any other Host or Origin gets 403"),
            ])
    }
}
