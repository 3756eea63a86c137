import Wire

/// Byte searches of the codec. Pure, over raw memory whose bounds the caller gives.
@usableFromInline
enum Scan {
    private static let lows: UInt64 = 0x0101_0101_0101_0101
    private static let highs: UInt64 = 0x8080_8080_8080_8080

    /// Whether the byte may stand in a token (RFC 9110 section 5.6.2).
    @inline(__always)
    static func isToken(_ byte: UInt8) -> Bool {
        // One bit a character: ! # $ % & ' * + - . 0-9, then A-Z ^ _ ` a-z | ~.
        let mask: UInt64 = byte < 64 ? 0x03FF_6CFA_0000_0000 : 0x57FF_FFFF_C7FF_FFFE
        return byte < 128 && (mask &>> UInt64(byte & 63)) & 1 == 1
    }

    /// The first byte at or after `p` that may not stand in a field value: a control character other than HTAB.
    @inline(__always)
    static func endOfValue(_ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) -> UnsafePointer<UInt8> {
        var p = unsafe start
        while true {
            while unsafe p + 8 <= end {
                let word = unsafe UnsafeRawPointer(p).loadUnaligned(as: UInt64.self)
                // Exact for the lowest hit: a borrow can only disturb bytes above it.
                let controls = (word &- lows &* 0x20) & ~word & highs
                let delete = word ^ (lows &* 0x7f)
                let deletes = (delete &- lows) & ~delete & highs
                let hits = controls | deletes
                if hits != 0 {
                    unsafe p += hits.trailingZeroBitCount >> 3
                    break
                }
                unsafe p += 8
            }
            while unsafe p < end, unsafe p.pointee >= 0x20, unsafe p.pointee != 0x7f { unsafe p += 1 }
            if unsafe p < end, unsafe p.pointee == 0x09 { unsafe p += 1; continue }
            return unsafe p
        }
    }

    /// Offset of `\r\n\r\n` in the bytes, or nil.
    static func endOfHead(_ base: UnsafePointer<UInt8>, from: Int, count: Int) -> Int? {
        var i = from
        while i + 4 <= count {
            // The last byte decides how far to skip.
            switch unsafe base[i + 3] {
            case 0x0a:
                if unsafe base[i] == 0x0d, unsafe base[i + 1] == 0x0a, unsafe base[i + 2] == 0x0d { return i }
                i += 2
            case 0x0d: i += 1
            default: i += 4
            }
        }
        return nil
    }

    /// Offset of the first `HTTP/1.` in the bytes, or nil.
    ///
    /// Looks at pairs of bytes, which halves what is to be compared: wherever seven bytes begin, one of their pairs stands at an even place, `TP` when
    /// they begin at an even one and `P/` when not. 64 bytes in one branch.
    static func statusLine(_ base: UnsafePointer<UInt8>, count: Int) -> Int? {
        let even = SIMD8<UInt16>(repeating: UInt16(littleEndian: 0x5054))
        let odd = SIMD8<UInt16>(repeating: UInt16(littleEndian: 0x2f50))
        let first = unsafe UnsafeRawPointer(base)
        var i = 0
        while i + 64 <= count {
            let p = unsafe first + i
            let (a, b) = unsafe (p.loadUnaligned(as: SIMD8<UInt16>.self), (p + 16).loadUnaligned(as: SIMD8<UInt16>.self))
            let (c, d) = unsafe ((p + 32).loadUnaligned(as: SIMD8<UInt16>.self), (p + 48).loadUnaligned(as: SIMD8<UInt16>.self))
            let isEven = (a .== even) .| (b .== even) .| (c .== even) .| (d .== even)
            let isOdd = (a .== odd) .| (b .== odd) .| (c .== odd) .| (d .== odd)
            if any(isEven .| isOdd), let found = unsafe version(base, from: i - 3, to: i + 64, count: count) { return found }
            i += 64
        }
        return unsafe version(base, from: i - 3, to: count, count: count)
    }

    /// The first place in `from..<to` where `HTTP/1.` begins and ends within `count` bytes, or nil.
    private static func version(_ base: UnsafePointer<UInt8>, from: Int, to: Int, count: Int) -> Int? {
        var i = max(0, from)
        while i < to, i + 7 <= count {
            if unsafe base[i] == 0x48, unsafe isVersion(base + i) { return i }
            i += 1
        }
        return nil
    }

    /// Whether seven bytes spell `HTTP/1.`.
    @inline(__always)
    static func isVersion(_ p: UnsafePointer<UInt8>) -> Bool {
        unsafe p[0] == 0x48 && p[1] == 0x54 && p[2] == 0x54 && p[3] == 0x50 && p[4] == 0x2f && p[5] == 0x31 && p[6] == 0x2e
    }

    /// Value of a hexadecimal digit, or nil.
    @inline(__always)
    static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte &- 0x30
        case 0x61...0x66: byte &- 0x57
        case 0x41...0x46: byte &- 0x37
        default: nil
        }
    }
}

/// The empty line that ends a header block, looked for on its own when the block arrives in pieces.
public enum HeadEnd {
    /// Whether `\r\n\r\n` ends after `from` in the bytes.
    public static func isIn(_ bytes: UnsafePointer<UInt8>, from: Int, count: Int) -> Bool {
        unsafe Scan.endOfHead(bytes, from: max(0, from - 3), count: count) != nil
    }
}
