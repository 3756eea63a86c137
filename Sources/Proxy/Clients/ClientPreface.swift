/// What a client that speaks HTTP/2 by prior knowledge sends first (RFC 9113 section 3.4).
enum ClientPreface {
    static let bytes: StaticString = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    static var byteCount: Int { bytes.utf8CodeUnitCount }

    /// Whether the bytes begin as the preface does, as far as there are any.
    static func begins(_ p: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        for i in 0..<min(count, byteCount) where p[i] != bytes.utf8Start[i] { return false }
        return true
    }
}
