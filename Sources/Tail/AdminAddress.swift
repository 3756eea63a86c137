import Configuration
import Glibc
import Records

/// Where an admin endpoint is: an address as `--admin` takes it, or its URL.
struct AdminAddress {
    let text: String
    let address: Address
    /// What stands before `/incidents`.
    let prefix: String
    /// For the Host field.
    let host: String

    /// Nil for what is no address: a file's name, then.
    init?(_ text: String) throws(UsageFault) {
        self.text = text
        if text.hasPrefix("https://") {
            throw UsageFault("\(text): the admin endpoint speaks plain HTTP; reach it through a tunnel, or on its own machine")
        }
        guard text.hasPrefix("http://") else {
            guard let address = try? Address.parse(text) else { return nil }
            (self.address, prefix) = (address, "")
            host = Self.host(address)
            return
        }
        let rest = text.dropFirst(7)
        let authority = String(rest.prefix { $0 != "/" && $0 != "?" })
        let hasPort = (authority.split(separator: "]").last ?? "").contains(":") && !authority.hasSuffix("]")
        guard !authority.isEmpty, let address = try? Address.parse(hasPort ? authority : authority + ":80") else {
            throw UsageFault("\(text): no host and port that could be connected to")
        }
        var path = String(rest.dropFirst(authority.count).prefix { $0 != "?" })
        while path.hasSuffix("/") { path.removeLast() }
        for end in ["/incidents/stream", "/incidents"] where path.hasSuffix(end) { path.removeLast(end.count) }
        (self.address, prefix, host) = (address, path, authority)
    }

    private static func host(_ address: Address) -> String {
        switch address {
        case .unix: "localhost"
        case .tcp(let host, let port): host.isEmpty ? "localhost:\(port)" : "\(Address.tcp(host: host, port: port))"
        }
    }
}
