import Wire

/// Where a request is meant to go, from its target and its Host field (RFC 9112 section 3.2).
///
/// Nothing is let through that servers behind us would read in different ways: no fragment, no zero byte in a path, no host that is
/// more than a host and a port.
struct RequestTarget {
    /// Host and port as the client named them.
    var host: UnsafeBufferPointer<UInt8>
    /// Path and query as they go on, or `*`.
    var path: UnsafeBufferPointer<UInt8>
    /// The same as they came.
    let asked: UnsafeBufferPointer<UInt8>

    /// nil when the target or the host is not valid. CONNECT's authority form is the caller's to refuse first. A path that does not
    /// stand in the block is written to `scratch`, which has room for a header block.
    init?(_ block: borrowing HeaderBlock, _ scratch: UnsafeMutablePointer<UInt8>) {
        let target = block.bytes(block.target)
        guard Self.isUnambiguous(target) else { return nil }
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
                // The server as a whole is meant (RFC 9112 section 3.2.4).
                path = UnsafeBufferPointer(start: (block.method == .options ? Self.asterisk : Self.slash).utf8Start, count: 1)
            } else if path[0] == 0x3f {
                scratch[0] = 0x2f
                (scratch + 1).update(from: path.baseAddress!, count: path.count)
                path = UnsafeBufferPointer(start: scratch, count: path.count + 1)
            }
        }
        asked = path
        guard Self.isValidHost(host) else { return nil }
    }

    private static let slash: StaticString = "/"
    private static let asterisk: StaticString = "*"

    /// A target has no fragment (RFC 9112 section 3.2): some would cut it off, others take it for the path's. Nor may an encoded zero
    /// byte stand in its path, at which a string of C ends. In a query it may.
    private static func isUnambiguous(_ target: UnsafeBufferPointer<UInt8>) -> Bool {
        var isPath = true
        var i = 0
        while i < target.count {
            switch target[i] {
            case 0x23: return false
            case 0x3f: isPath = false
            case 0x25 where isPath && i + 2 < target.count && target[i + 1] == 0x30 && target[i + 2] == 0x30: return false
            default: break
            }
            i += 1
        }
        return true
    }

    private static func authorityStart(_ target: UnsafeBufferPointer<UInt8>) -> Int? {
        guard let start = target.baseAddress else { return nil }
        if target.count > 7, equalsIgnoringCase(start, "http://", count: 7) { return 7 }
        if target.count > 8, equalsIgnoringCase(start, "https://", count: 8) { return 8 }
        return nil
    }

    /// A name, an address or nothing, and perhaps a port (RFC 3986 section 3.2). Percent-encoding, which some undo and others do
    /// not, is no part of a host's name.
    private static func isValidHost(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        var i = 0
        if text.first == 0x5b {
            // An IP literal: what is in the brackets has digits, colons and dots, or is of the future.
            while i < text.count, text[i] != 0x5d { i += 1 }
            guard i < text.count, i > 2 else { return false }
            for byte in text[1..<i] where !isLiteralByte(byte) { return false }
            i += 1
        } else {
            while i < text.count, text[i] != 0x3a {
                // An empty label is left out by some.
                guard isNameByte(text[i]), !(text[i] == 0x2e && (i == 0 || text[i - 1] == 0x2e)) else { return false }
                i += 1
            }
        }
        guard i < text.count else { return true }
        guard text[i] == 0x3a, i > 0 else { return false }
        for byte in text[(i + 1)...] where byte &- 0x30 >= 10 { return false }
        return text.count - i <= 6
    }

    private static func isLiteralByte(_ byte: UInt8) -> Bool {
        byte &- 0x30 < 10 || (byte | 0x20) &- 0x61 < 26 || byte == 0x3a || byte == 0x2e
    }

    /// RFC 3986 section 3.2.2, without the comma, by which lists of hosts are told apart.
    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
        // - . _ ~ ! $ & ' ( ) * + ; =
        case 0x2d, 0x2e, 0x5f, 0x7e, 0x21, 0x24, 0x26...0x2b, 0x3b, 0x3d: true
        default: false
        }
    }
}
