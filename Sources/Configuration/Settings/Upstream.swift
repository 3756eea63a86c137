import Detector

extension Settings {
    /// A service behind the proxy: one or more servers that are equal to clients.
    public struct Upstream: Sendable, Equatable {
        public enum Balance: String, CaseIterable, Sendable {
            case roundRobin = "round_robin"
            case leastConnections = "least_connections"
            case randomTwo = "random_two"
            case stickyCookie = "sticky_cookie"
        }

        public var name: String
        /// Never empty; addresses are unique.
        public var servers: [Server]
        public var `protocol` = HTTPFamily.http1
        /// Nil: cleartext.
        public var tls: TLS?
        public var balance = Balance.leastConnections
        public var connections = Connections()
        public var waitQueue = WaitQueue()
        public var timeouts = Timeouts()
        public var retry = Retry()
        public var health = Health()
        public var eject = Eject()

        public init(name: String, servers: [Server]) {
            self.name = name
            self.servers = servers
        }

        static let section = Section(
            "upstreams.NAME", Self(name: "", servers: []),
            keys: [
                Key(
                    "servers", \.servers, .sections(Server.section), required: true,
                    "at least one; an item may be just an address"),
                Key("protocol", \.protocol, .choice, "what the servers speak; HTTP/2 in cleartext by prior knowledge"),
                Key(
                    "tls", \.tls, .optional(.section(TLS.section)), default: "`null`",
                    "`{}` for TLS to the servers, `null` for cleartext"),
                Key("balance", \.balance, .choice, "which server gets the next request"),
                Key("connections", \.connections, .section(Connections.section), "the pool of connections"),
                Key("wait_queue", \.waitQueue, .section(WaitQueue.section), "requests for which no connection is free"),
                Key("timeouts", \.timeouts, .section(Timeouts.section), "how long a server may take"),
                Key("retry", \.retry, .section(Retry.section), "a second try on another connection"),
                Key("health", \.health, .section(Health.section), "active health checks"),
                Key("eject", \.eject, .section(Eject.section), "passive health checks"),
            ],
            check: check)

        private static let check: Section<Self>.Check = { upstream, node, decoder in
            if let mark = decoder.mark(of: "servers"), upstream.servers.isEmpty {
                decoder.fail("an upstream needs at least one server", at: mark)
            }
            var seen: Set<Address> = []
            for (index, server) in upstream.servers.enumerated() {
                guard let mark = decoder.mark(of: "servers", "\(index)", "address") else { continue }
                if server != Server.unread, !seen.insert(server.address).inserted {
                    decoder.fail("the server \(server.address) is listed twice", at: mark)
                }
            }
        }
    }
}
