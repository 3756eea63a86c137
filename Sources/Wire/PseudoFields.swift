/// Pseudo-header fields of HTTP/2 (RFC 9113 section 8.3, RFC 8441 section 4).
@frozen
public struct PseudoFields: OptionSet, Sendable {
    public let rawValue: UInt8
    @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }
    public static let method = PseudoFields(rawValue: 1 << 0)
    public static let scheme = PseudoFields(rawValue: 1 << 1)
    public static let path = PseudoFields(rawValue: 1 << 2)
    public static let authority = PseudoFields(rawValue: 1 << 3)
    public static let `protocol` = PseudoFields(rawValue: 1 << 4)
    public static let status = PseudoFields(rawValue: 1 << 5)

    /// As they are spelled.
    public var names: [String] {
        let all: [(PseudoFields, String)] = [
            (.method, ":method"), (.scheme, ":scheme"), (.path, ":path"), (.authority, ":authority"), (.protocol, ":protocol"),
            (.status, ":status"),
        ]
        return all.filter { contains($0.0) }.map(\.1)
    }
}
