extension Settings {
    /// Hosts that a route serves. In lower case, without a port.
    public enum HostPattern: Sendable, Equatable, CustomStringConvertible {
        case exact(String)
        /// Written `*.example.com`; holds `.example.com`, which a matching host ends with and is longer than.
        case subdomains(suffix: String)

        /// Nil when the text is no host name, IPv4 address, bracketed IPv6 address, or `*.` before a host name.
        init?(_ text: String) {
            let lower = text.lowercased()
            if lower.hasPrefix("*.") {
                guard Address.isHost(lower.dropFirst(2)) else { return nil }
                self = .subdomains(suffix: String(lower.dropFirst()))
            } else if lower.hasPrefix("["), lower.hasSuffix("]") {
                guard AddressBlock.bytes(ofIPv6: String(lower.dropFirst().dropLast())) != nil else { return nil }
                self = .exact(lower)
            } else {
                guard Address.isHost(lower[...]) else { return nil }
                self = .exact(lower)
            }
        }

        public var description: String {
            switch self {
            case .exact(let host): host
            case .subdomains(let suffix): "*\(suffix)"
            }
        }
    }
}

extension Format where Value == Settings.HostPattern {
    static let host = scalar(
        "host", expected: "a host such as shop.example or *.example.com, without a port",
        parse: { Settings.HostPattern($0) }, show: { .text($0.description) })
}
