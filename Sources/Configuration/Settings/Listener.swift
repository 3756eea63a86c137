extension Settings {
    /// An address on which clients connect.
    public struct Listener: Sendable, Equatable {
        public enum ProxyProtocol: String, CaseIterable, Sendable { case off, v1v2 }

        /// What listens when no listener is configured.
        public static let defaultAddress = Address.tcp(host: "127.0.0.1", port: 8080)

        public var address: Address
        /// Not empty, each once.
        public var protocols: [HTTPFamily] = HTTPFamily.allCases
        public var tls: TLS?
        public var proxyProtocol = ProxyProtocol.off

        public init(address: Address) { self.address = address }

        static let section = Section(
            "listeners[]", Self(address: defaultAddress), shorthand: "address",
            keys: [
                Key("address", \.address, .listening, required: true, "where to listen; port 0 lets the kernel choose"),
                Key(
                    "protocols", \.protocols, .list(of: .choice),
                    "what clients may speak: in cleartext HTTP/2 by prior knowledge, with TLS by ALPN"),
                Key(
                    "tls", \.tls, .optional(.section(TLS.section)), default: "`null`",
                    "certificates; `null` for cleartext"),
                Key(
                    "proxy_protocol", \.proxyProtocol, .choice,
                    "whether a PROXY header (version 1 or 2) comes before the first request"),
            ],
            check: { listener, node, decoder in
                let mark = decoder.mark(of: "protocols") ?? node.mark
                if listener.protocols.isEmpty { decoder.fail("a listener needs at least one protocol", at: mark) }
                if Set(listener.protocols).count < listener.protocols.count {
                    decoder.fail("a protocol is listed twice", at: mark)
                }
            })
    }

    /// The versions of HTTP that a side may be set to speak.
    public enum HTTPFamily: String, CaseIterable, Sendable { case http1, http2 }
}
