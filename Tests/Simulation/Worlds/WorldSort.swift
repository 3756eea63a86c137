/// What a world is about. Each sort has seeds of its own: the same number makes another world of each.
public enum WorldSort: String, CaseIterable, Sendable {
    /// HTTP/1 on both sides.
    case bytes
    /// HTTP/2 on one side or on both.
    case frames
    /// Reloads, upgrades and drains in the middle of either.
    case changes
    /// A kernel that lacks descriptors, and reports events in any order and for nothing.
    case kernel
    /// Servers whose answers have the marks of their requests, as the probe's have, all or most of them.
    case marks
    /// Servers that cannot be reached for a time, while another can. All of them are innocent.
    case outages
    /// TLS on one side or on both, with HTTP/1 or HTTP/2.
    case tls
    /// Servers that are watched over by health checks, some of which fail; perhaps outages as well. All of them are innocent.
    case health
    /// Tunnels: WebSockets over HTTP/2 on one side or on both, and whatever else HTTP/1 switches to.
    case tunnels
    /// Clients of HTTP/2 that flood, break its rules, or are gone in the middle, beside innocent ones. All servers are innocent.
    case clients
    /// Clients of HTTP/1 that send what is no request, too much or too little, or are gone, beside innocent ones. All servers are innocent.
    case requests
    /// Clients that break, flood or hold up TLS, in their handshakes and after them, beside innocent ones. All servers are innocent.
    case records
    /// Servers that are given by name, and move. All of them are innocent.
    case names
    /// Links with little to give, or with gaps, and timeouts that are just longer. All servers are innocent.
    case links

    /// Clients are what is faulty in its worlds; all servers are innocent.
    var hasFaultyClients: Bool { self == .clients || self == .requests || self == .records }

    /// What is held in any three thousand of its worlds, at the least once each.
    public var held: [String] {
        if self == .requests { return Misdeed.Name.allCases.flatMap { [$0.rawValue, "\($0) in TLS"] } }
        if self == .records { return TLSDeed.Name.allCases.map(\.rawValue) }
        if self == .names {
            return [
                "changed addresses", "failed look-ups", "requests under way", "streams under way",
                "checks of servers that have moved", "checks at a further address", "servers that were taken back",
            ]
        }
        if self == .links { return ["longer than client_body"] }
        guard self == .clients else { return [] }
        let ends = FrameEnd.allCases.filter { $0 != .streamClosed && $0 != .headerTooLarge }.map(\.rawValue)
        return ends + [
            "in TLS", "preface", "preface in TLS", "borne", "tooManyStreams", "431", "large trailers", "reset with 1",
            "reset with 3", "reset with 5",
        ]
    }
}
