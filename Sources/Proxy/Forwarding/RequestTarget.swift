import Wire

/// Where a request is meant to go, from its target and its Host field (RFC 9112 section 3.2).
struct RequestTarget {
    /// Host and port as the client named them.
    var host: UnsafeBufferPointer<UInt8>
    /// Path and query, or `*`.
    var path: UnsafeBufferPointer<UInt8>

    /// nil when the target or the host is not valid. CONNECT's authority form is the caller's to refuse first.
    init?(_ block: borrowing HeaderBlock) {
        let target = block.bytes(block.target)
        host = UnsafeBufferPointer(start: block.base, count: 0)
        if let field = block.first(.host) { host = block.value(field) }
        if target[0] == 0x2f || (target.count == 1 && target[0] == 0x2a && block.method == .options) {
            path = target
        } else {
            // Absolute form: its authority replaces the Host field (RFC 9112 section 3.2.2).
            guard let authority = Self.authorityStart(target) else { return nil }
            var end = authority
            while end < target.count, target[end] != 0x2f, target[end] != 0x3f { end += 1 }
            host = UnsafeBufferPointer(rebasing: target[authority..<end])
            guard !host.isEmpty else { return nil }
            path = UnsafeBufferPointer(rebasing: target[end...])
            if path.isEmpty {
                path = UnsafeBufferPointer(start: Self.slash.utf8Start, count: 1)
            } else if path[0] == 0x3f {
                return nil
            }
        }
        guard Self.isValidHost(host) else { return nil }
    }

    private static let slash: StaticString = "/"

    private static func authorityStart(_ target: UnsafeBufferPointer<UInt8>) -> Int? {
        guard let start = target.baseAddress else { return nil }
        if target.count > 7, equalsIgnoringCase(start, "http://", count: 7) { return 7 }
        if target.count > 8, equalsIgnoringCase(start, "https://", count: 8) { return 8 }
        return nil
    }

    /// Characters that a host or port never has would be read differently by whoever is behind us. May be empty.
    private static func isValidHost(_ host: UnsafeBufferPointer<UInt8>) -> Bool {
        for byte in host {
            switch byte {
            case 0x2f, 0x3f, 0x23, 0x40, 0x5c, 0x22, 0x3c, 0x3e, 0x2c: return false
            case 0x21...0x7e: continue
            default: return false
            }
        }
        return true
    }
}
