import CTLS

/// The keys under which sessions can be resumed. Share one object between listeners and across reloads.
///
/// A key closes tickets for `rotationSeconds`, and opens them for three times as long after that; a ticket lives for
/// `ticketSeconds`, so that none is refused before its time.
@safe public final class TicketKeys: @unchecked Sendable {
    public static let rotationSeconds = 3600
    public static let ticketSeconds = 7200

    let pointer: OpaquePointer

    /// Throws when the kernel gives no randomness.
    public init() throws(TLSError) {
        guard let pointer = unsafe so_tls_ticket_keys_new(UInt32(Self.rotationSeconds)) else {
            throw TLSError(nil, "no randomness for the keys of session tickets: \(TLSError.takeReason())")
        }
        unsafe self.pointer = unsafe pointer
    }

    deinit { unsafe so_tls_ticket_keys_release(pointer) }

    /// A new key now, whatever the clock says.
    public func rotate() { _ = unsafe so_tls_ticket_keys_rotate(pointer) }
}
