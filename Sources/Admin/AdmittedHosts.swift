import Glibc

/// Whom the endpoint answers: requests that name this machine, an IP address, the endpoint's own address or a host of the
/// configuration.
///
/// A page in an operator's browser may send requests here under a name of its own that its DNS server points to this machine
/// (DNS rebinding). Such a name stands in Host, and the page's own in Origin.
package struct AdmittedHosts {
    /// The host of the endpoint's address in lower case; empty when it has none.
    private let own: String
    /// A browser cannot connect to a Unix socket.
    private let admitsAll: Bool

    /// `address` as it is configured: `host:port`, `[v6]:port`, `:port` or `unix:/path`.
    package init(address: String) {
        admitsAll = address.hasPrefix("unix:")
        own = Self.host(ofAuthority: address) ?? ""
    }

    /// `names` as in `admin.hosts`: `ops.example`, or `*.example.com` for the subdomains.
    package func admit(_ request: AdminRequest, names: [String]) -> Bool {
        admitsAll
            || request.hosts.allSatisfy { admits(Self.host(ofAuthority: $0), names) }
                && request.origins.allSatisfy { admits(Self.host(ofOrigin: $0), names) }
    }

    private func admits(_ host: String?, _ names: [String]) -> Bool {
        guard let host, !host.isEmpty else { return false }
        return Self.isLiteral(host) || host == "localhost" || host.hasSuffix(".localhost") || host == own
            || names.contains { name in
                let name = name.lowercased()
                return name.hasPrefix("*.")
                    ? host.hasSuffix(name.dropFirst()) && host.utf8.count >= name.utf8.count : host == name
            }
    }

    /// `http://host:port`; nil for what is no web page's, `null` too.
    private static func host(ofOrigin origin: String) -> String? {
        let origin = origin.lowercased()
        for scheme in ["http://", "https://"] where origin.hasPrefix(scheme) {
            return host(ofAuthority: String(origin.dropFirst(scheme.count)))
        }
        return nil
    }

    /// The host without its port and the root's dot, in lower case; nil when there is something else too.
    private static func host(ofAuthority authority: String) -> String? {
        var host = authority.lowercased()[...]
        var port = Substring()
        if host.hasPrefix("[") {
            guard let end = host.lastIndex(of: "]") else { return nil }
            port = host[host.index(after: end)...]
            host = host[...end]
        } else if let colon = host.firstIndex(of: ":") {
            port = host[colon...]
            host = host[..<colon]
        }
        guard port.isEmpty || port.hasPrefix(":"), port.dropFirst().utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        if host.hasSuffix(".") { host = host.dropLast() }
        return String(host)
    }

    private static func isLiteral(_ host: String) -> Bool {
        var bytes = in6_addr()
        if host.hasPrefix("["), host.hasSuffix("]") {
            return unsafe inet_pton(AF_INET6, String(host.dropFirst().dropLast()), &bytes) == 1
        }
        return unsafe inet_pton(AF_INET, host, &bytes) == 1
    }
}
