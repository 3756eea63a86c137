/// Names in an Upgrade field, or in `:protocol`: which of them may become a tunnel through the proxy.
///
/// Behind a tunnel nobody sees requests any more. Another version of HTTP, or TLS, would take them past routes, limits and the
/// detector: such a name belongs to one hop, and goes no further (RFC 9110 section 7.8).
public enum UpgradeProtocol {
    /// Whether a name, perhaps with a version after a slash, may be tunnelled.
    public static func mayBeTunnelled(_ name: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        guard count > 0 else { return false }
        // `h2`, `h2c` and their drafts, `h3`: no other protocol begins so.
        if count >= 2, unsafe name[0] | 0x20 == 0x68, unsafe name[1] == 0x32 || name[1] == 0x33 { return false }
        var length = 0
        while length < count, unsafe name[length] != 0x2f { length += 1 }
        for hop in ["http", "https", "tls", "ssl", "spdy"] as [StaticString]
        where unsafe equalsIgnoringCase(name, hop, count: length) {
            return false
        }
        return true
    }

    /// Whether the block names a protocol in Upgrade that may be tunnelled.
    public static func isOffered(by block: borrowing HeaderBlock) -> Bool {
        var isOffered = false
        unsafe eachOffered(by: block) { _, _ in isOffered = true }
        return isOffered
    }

    /// Whether the block names a protocol in Upgrade that may not.
    public static func isRefused(in block: borrowing HeaderBlock) -> Bool {
        var isRefused = false
        unsafe eachName(in: block) { if unsafe !mayBeTunnelled($0, $1) { isRefused = true } }
        return isRefused
    }

    /// Calls `body(pointer, count)` with each name in the block's Upgrade fields that may be tunnelled.
    public static func eachOffered(by block: borrowing HeaderBlock, _ body: (UnsafePointer<UInt8>, Int) -> Void) {
        unsafe eachName(in: block) { if unsafe mayBeTunnelled($0, $1) { unsafe body($0, $1) } }
    }

    private static func eachName(in block: borrowing HeaderBlock, _ body: (UnsafePointer<UInt8>, Int) -> Void) {
        for i in 0..<block.count where unsafe block.fields[i].name == .upgrade {
            let value = unsafe block.value(block.fields[i])
            if let start = value.baseAddress { unsafe FieldReader.eachElement(start, value.count, body) }
        }
    }
}
