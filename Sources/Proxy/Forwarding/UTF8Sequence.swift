/// Telling UTF-8 from other bytes (RFC 3629 section 4).
enum UTF8Sequence {
    /// Bytes of the character of more than one byte that begins at `i`; 0 when none does.
    static func length(_ bytes: UnsafeBufferPointer<UInt8>, at i: Int) -> Int {
        let first = bytes[i]
        let length: Int
        var least: UInt8 = 0x80
        var most: UInt8 = 0xbf
        switch first {
        case 0xc2...0xdf: length = 2
        case 0xe0...0xef:
            length = 3
            if first == 0xe0 { least = 0xa0 }
            if first == 0xed { most = 0x9f }
        case 0xf0...0xf4:
            length = 4
            if first == 0xf0 { least = 0x90 }
            if first == 0xf4 { most = 0x8f }
        default: return 0
        }
        guard i + length <= bytes.count, bytes[i + 1] >= least, bytes[i + 1] <= most else { return 0 }
        var at = i + 2
        while at < i + length {
            guard bytes[at] & 0xc0 == 0x80 else { return 0 }
            at += 1
        }
        return length
    }
}
