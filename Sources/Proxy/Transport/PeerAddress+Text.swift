import Glibc

/// Addresses that somebody else has written down.
extension PeerAddress {
    /// The address of 4 or 16 bytes in network order; an IPv4 address mapped into IPv6 is an IPv4 address.
    init(bytes given: some Collection<UInt8>) {
        self.init()
        let all = Array(given)
        let isMapped = all.count == 16 && all[..<10].allSatisfy { $0 == 0 } && all[10] == 0xff && all[11] == 0xff
        let significant = isMapped ? Array(all[12...]) : all
        byteCount = UInt8(significant.count)
        withUnsafeMutableBytes(of: &bytes) { $0.copyBytes(from: significant) }
    }

    /// A numeric address without a port, or with one: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`. Nil for anything else.
    init?(text: UnsafeBufferPointer<UInt8>) {
        guard (2...64).contains(text.count) else { return nil }
        var host = text
        var port = UnsafeBufferPointer<UInt8>(start: nil, count: 0)
        if text[0] == 0x5b {
            guard let end = text.firstIndex(of: 0x5d) else { return nil }
            host = UnsafeBufferPointer(rebasing: text[1..<end])
            if end + 1 < text.count {
                guard text[end + 1] == 0x3a else { return nil }
                port = UnsafeBufferPointer(rebasing: text[(end + 2)...])
            }
        } else if let colon = text.firstIndex(of: 0x3a), text.lastIndex(of: 0x3a) == colon {
            host = UnsafeBufferPointer(rebasing: text[..<colon])
            port = UnsafeBufferPointer(rebasing: text[(colon + 1)...])
        }
        guard let parsed = Self.parse(host) else { return nil }
        self = parsed
        var number: UInt32 = 0
        for digit in port {
            // An obfuscated port (RFC 7239 section 6.3) says nothing.
            guard digit &- 0x30 < 10, number < 65_536 else { return }
            number = number * 10 + UInt32(digit - 0x30)
        }
        self.port = UInt16(exactly: number) ?? 0
    }

    private static func parse(_ host: UnsafeBufferPointer<UInt8>) -> PeerAddress? {
        // A C string ends at NUL: what follows it would go unseen.
        guard host.count <= 45, !host.contains(0) else { return nil }
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 46) { text in
            for i in 0..<host.count { text[i] = CChar(bitPattern: host[i]) }
            text[host.count] = 0
            var raw: (UInt64, UInt64) = (0, 0)
            let isV6 = host.contains(0x3a)
            guard inet_pton(isV6 ? AF_INET6 : AF_INET, text.baseAddress, &raw) == 1 else { return nil }
            return withUnsafeBytes(of: raw) { PeerAddress(bytes: $0.prefix(isV6 ? 16 : 4)) }
        }
    }
}
