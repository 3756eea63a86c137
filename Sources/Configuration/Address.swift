import Glibc

/// Where to listen or to connect: `host:port`, `[v6]:port`, `:port` or `unix:/path`.
///
/// An empty host means every local address. Names are resolved at start, not here; IPv6 is kept in its canonical form.
public enum Address: Hashable, Sendable, CustomStringConvertible {
    case tcp(host: String, port: UInt16)
    case unix(path: String)

    /// `sun_path` of Linux without its final NUL.
    public static let unixPathBytesMax = 107
    /// RFC 1035, section 2.3.4, without the root's dot.
    public static let hostBytesMax = 253

    /// Why a text is no address.
    public struct Malformed: Error, Equatable {
        public let reason: String
    }

    /// Reads an address as people write it.
    public static func parse(_ text: String) throws(Malformed) -> Address {
        if text.hasPrefix("unix:") { return try parseUnix(text.dropFirst(5)) }
        guard let colon = text.lastIndex(of: ":") else { throw Malformed(reason: "the port is missing") }
        let port = try parsePort(text[text.index(after: colon)...])
        let host = text[..<colon]
        if host.hasPrefix("[") || host.hasSuffix("]") {
            guard host.hasPrefix("["), host.hasSuffix("]"), let v6 = canonicalIPv6(host.dropFirst().dropLast()) else {
                throw Malformed(reason: "'\(Quoting.shown(String(host)))' is not an IPv6 address in brackets")
            }
            return .tcp(host: v6, port: port)
        }
        if host.contains(":") { throw Malformed(reason: "an IPv6 address stands in brackets, as in [::1]:8080") }
        guard host.isEmpty || isHost(host) else {
            throw Malformed(reason: "'\(Quoting.shown(String(host)))' is not a host name or IPv4 address")
        }
        return .tcp(host: String(host), port: port)
    }

    public var description: String {
        switch self {
        case .tcp(let host, let port): host.utf8.contains(0x3A) ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }

    private static func parseUnix(_ path: Substring) throws(Malformed) -> Address {
        guard path.utf8.first == 0x2F else { throw Malformed(reason: "the path after 'unix:' must begin with '/'") }
        guard path.utf8.count <= unixPathBytesMax else {
            throw Malformed(
                reason: "a socket's path has at most \(unixPathBytesMax) bytes, this one \(path.utf8.count)")
        }
        guard !Quoting.hasControls(path) else { throw Malformed(reason: "the path contains control characters") }
        return .unix(path: String(path))
    }

    private static func parsePort(_ text: Substring) throws(Malformed) -> UInt16 {
        guard !text.isEmpty else { throw Malformed(reason: "the port is missing") }
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = UInt16(text) else {
            throw Malformed(reason: "'\(Quoting.shown(String(text)))' is not a port (0 to 65535)")
        }
        return port
    }

    /// The address, with its zone if there is one, as `inet_ntop` writes it; nil when it is not IPv6.
    private static func canonicalIPv6(_ text: Substring) -> String? {
        let parts = text.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
        guard let bytes = AddressBlock.bytes(ofIPv6: String(parts[0])) else { return nil }
        var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard unsafe inet_ntop(AF_INET6, bytes, &buffer, socklen_t(INET6_ADDRSTRLEN)) != nil else { return nil }
        let address = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard parts.count == 2 else { return address }
        guard !parts[1].isEmpty, parts[1].utf8.allSatisfy(isHostByte) else { return nil }
        return "\(address)%\(parts[1])"
    }

    /// A host name, or four decimal octets: a name whose last label is a number would be read as IPv4 by the resolver.
    static func isHost(_ text: Substring) -> Bool {
        guard !text.isEmpty, text.utf8.count <= hostBytesMax, text.utf8.allSatisfy(isHostByte) else { return false }
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        guard labels.allSatisfy({ !$0.isEmpty && $0.utf8.count <= 63 }) else { return false }
        if labels[labels.count - 1].utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            return AddressBlock.bytes(ofIPv4: String(text)) != nil
        }
        return true
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
        default: false
        }
    }
}
