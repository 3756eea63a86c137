/// The versions of TLS that are spoken here, with their numbers on the wire (RFC 8446 section 4.2.1).
public enum TLSVersion: Int32, Sendable, Comparable {
    case tls12 = 0x0303
    case tls13 = 0x0304

    public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}
