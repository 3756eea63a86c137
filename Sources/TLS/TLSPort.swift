import CTLS

/// Where the sessions of one worker take ciphertext from and where they put it: memory of theirs in common, since one session
/// at a time is at work. An idle session holds no buffer.
///
/// After every call of a session, what it has for its peer stands in `output`: send it, then `clear`.
@safe public struct TLSPort: ~Copyable {
    /// Memory of the output that is kept for the next time; more goes back to malloc.
    public static let keptBytesMax = 256 << 10

    private let opened: UnsafeMutablePointer<so_tls_port>?
    var pointer: UnsafeMutablePointer<so_tls_port> { unsafe opened! }

    /// Not needed: no session may be made, and nothing of OpenSSL is set up.
    public init(isNeeded: Bool = true) {
        guard isNeeded else {
            unsafe opened = nil
            return
        }
        guard let pointer = unsafe so_tls_port_new() else { fatalError("out of memory for a worker's TLS") }
        unsafe opened = unsafe pointer
    }

    /// OpenSSL counts who uses the memory: sessions that are still open keep it.
    deinit { if let opened = unsafe opened { unsafe so_tls_port_free(opened) } }

    /// Ciphertext for the peer of the session that worked last; good until the next call of any session.
    public var output: UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(start: pointer.pointee.output, count: pointer.pointee.output_count)
    }
    public var outputCount: Int { unsafe pointer.pointee.output_count }

    /// Forgets the output.
    public mutating func clear() {
        unsafe pointer.pointee.output_count = 0
        if unsafe pointer.pointee.output_capacity > Self.keptBytesMax { unsafe so_tls_port_trim(pointer) }
    }

    /// The session that worked last has its handshake behind it, whatever came then; and what `mayStep` is to be asked about.
    public var hasShakenHands: Bool { unsafe pointer.pointee.has_shaken_hands != 0 }
    public var hasLateSteps: Bool { unsafe pointer.pointee.late_steps != 0 }

    /// Why the call that has just returned `.failed` did so.
    public var failure: TLSFailure { unsafe TLSFailure(pointer.pointee.failure) }
}
