/// Lower-case hexadecimal digits of whole words, without a step for each.
public enum HexDigits {
    /// Writes sixteen digits; the caller vouches for the room.
    @inlinable
    public static func put(_ value: UInt64, to bytes: UnsafeMutablePointer<UInt8>) {
        unsafe put(UInt32(truncatingIfNeeded: value >> 32), to: bytes)
        unsafe put(UInt32(truncatingIfNeeded: value), to: bytes + 8)
    }

    /// Writes eight digits at once: a nibble a byte, then 0x27 more for those past nine.
    @inlinable
    public static func put(_ value: UInt32, to bytes: UnsafeMutablePointer<UInt8>) {
        var word = UInt64(value)
        word = (word | word << 16) & 0x0000_ffff_0000_ffff
        word = (word | word << 8) & 0x00ff_00ff_00ff_00ff
        word = (word | word << 4) & 0x0f0f_0f0f_0f0f_0f0f
        let past = ((word &+ 0x0606_0606_0606_0606) >> 4) & 0x0101_0101_0101_0101
        word = word &+ 0x3030_3030_3030_3030 &+ past &* 0x27
        unsafe UnsafeMutableRawPointer(bytes).storeBytes(of: word.bigEndian, as: UInt64.self)
    }
}
