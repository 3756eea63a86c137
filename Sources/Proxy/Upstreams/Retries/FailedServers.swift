/// Servers that have failed one request: a retry goes to one that has not.
///
/// A bit for each, which servers 16 places apart share: one of those may be passed over for the other, until all have failed.
struct FailedServers: BitwiseCopyable {
    private var bits: UInt16 = 0

    init() {}

    init(_ server: ServerIndex) { insert(server) }

    @inline(__always)
    func contains(_ server: ServerIndex) -> Bool { bits & Self.bit(server) != 0 }

    /// Nothing when there is no server.
    @inline(__always)
    mutating func insert(_ server: ServerIndex) { if server.exists { bits |= Self.bit(server) } }

    private static func bit(_ server: ServerIndex) -> UInt16 { 1 << UInt16(server.place % 16) }
}
