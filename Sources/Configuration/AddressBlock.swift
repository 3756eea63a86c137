import Glibc

/// Whom to believe: a block of IP addresses, such as `10.0.0.0/8`, `::1` or `fd00::/8`, or `unix` for every peer on a
/// Unix-domain socket.
public struct AddressBlock: Hashable, Sendable, CustomStringConvertible {
    public static let unix = AddressBlock(bytes: [], prefixBits: 0)

    /// Four or sixteen bytes in network order, the bits after the prefix zero; none for `unix`.
    public let bytes: [UInt8]
    public let prefixBits: Int

    private init(bytes: [UInt8], prefixBits: Int) {
        self.bytes = bytes
        self.prefixBits = prefixBits
    }

    /// Reads an address (then all its bits count) or a block; nil when the text is neither.
    public init?(_ text: String) {
        if text == "unix" {
            self = .unix
            return
        }
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let address = String(parts[0])
        guard var bytes = Self.bytes(ofIPv4: address) ?? Self.bytes(ofIPv6: address) else { return nil }
        var bits = bytes.count * 8
        if parts.count == 2 {
            guard parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }), let given = Int(parts[1]), given <= bits
            else { return nil }
            bits = given
        }
        for index in bytes.indices { bytes[index] &= Self.mask(ofByte: index, prefixBits: bits) }
        self.bytes = bytes
        prefixBits = bits
    }

    public var description: String {
        if bytes.isEmpty { return "unix" }
        var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        _ = unsafe inet_ntop(bytes.count == 4 ? AF_INET : AF_INET6, bytes, &buffer, socklen_t(INET6_ADDRSTRLEN))
        let address = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return prefixBits == bytes.count * 8 ? address : "\(address)/\(prefixBits)"
    }

    static func bytes(ofIPv4 text: String) -> [UInt8]? { parse(text, family: AF_INET, count: 4) }
    static func bytes(ofIPv6 text: String) -> [UInt8]? { parse(text, family: AF_INET6, count: 16) }

    private static func parse(_ text: String, family: Int32, count: Int) -> [UInt8]? {
        // A C string ends at NUL: what follows it would go unseen.
        guard !text.utf8.contains(0) else { return nil }
        var bytes = [UInt8](repeating: 0, count: count)
        return unsafe inet_pton(family, text, &bytes) == 1 ? bytes : nil
    }

    private static func mask(ofByte index: Int, prefixBits: Int) -> UInt8 {
        let bits = min(max(prefixBits - index * 8, 0), 8)
        return bits == 0 ? 0 : 0xFF << UInt8(8 - bits)
    }
}
