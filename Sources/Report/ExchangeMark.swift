import Wire

/// The id of an exchange on this hop: what its request carries in `SendOnce-Id`, and with the probe its answer too.
///
///     salt 4 | server 4 | route 4 | connection 12 | ordinal 8        hexadecimal digits
///
/// The salt is the process's and its plan's. So a mark says by itself where it was given out.
public struct ExchangeMark: Sendable, Equatable {
    public static let byteCount = 32
    /// The field line, the last of its header block, with room for the mark.
    public static let line: StaticString = "SendOnce-Id: 00000000000000000000000000000000\r\n"
    /// From the mark's first byte to the end of the header block.
    public static let distanceFromEnd = byteCount + 4

    public var salt: UInt16
    public var server: UInt16
    public var route: UInt16
    public var connection: UInt64
    public var ordinal: UInt32

    public init(salt: UInt16, server: UInt16, route: UInt16, connection: UInt64, ordinal: UInt32) {
        self.salt = salt
        self.server = server
        self.route = route
        self.connection = connection & 0xffff_ffff_ffff
        self.ordinal = ordinal
    }

    public init?(_ text: some Collection<UInt8>) {
        guard text.count == Self.byteCount else { return nil }
        var high: UInt64 = 0
        var low: UInt64 = 0
        for (place, byte) in text.enumerated() {
            let digit: UInt8
            switch byte {
            case 0x30...0x39: digit = byte - 0x30
            case 0x61...0x66: digit = byte - 0x61 + 10
            default: return nil
            }
            if place < 16 { high = high << 4 | UInt64(digit) } else { low = low << 4 | UInt64(digit) }
        }
        self.init(
            salt: UInt16(truncatingIfNeeded: high >> 48), server: UInt16(truncatingIfNeeded: high >> 32),
            route: UInt16(truncatingIfNeeded: high >> 16), connection: (high & 0xffff) << 32 | low >> 32,
            ordinal: UInt32(truncatingIfNeeded: low))
    }

    /// Writes the mark's digits; the caller vouches for `byteCount` bytes of room.
    @inline(__always)
    public func write(to bytes: UnsafeMutablePointer<UInt8>) {
        let high = UInt64(salt) << 48 | UInt64(server) << 32 | UInt64(route) << 16 | connection >> 32
        unsafe HexDigits.put(high, to: bytes)
        unsafe HexDigits.put(connection << 32 | UInt64(ordinal), to: bytes + 16)
    }
}
