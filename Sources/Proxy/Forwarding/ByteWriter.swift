import Wire

/// Writes bytes one after the other into memory that is known to be large enough.
struct ByteWriter {
    let base: UnsafeMutablePointer<UInt8>
    private(set) var count = 0

    init(_ base: UnsafeMutablePointer<UInt8>) { self.base = base }

    @inline(__always)
    mutating func put(_ text: StaticString) {
        (base + count).update(from: text.utf8Start, count: text.utf8CodeUnitCount)
        count += text.utf8CodeUnitCount
    }

    @inline(__always)
    mutating func put(_ bytes: UnsafePointer<UInt8>, _ n: Int) {
        (base + count).update(from: bytes, count: n)
        count += n
    }

    mutating func put(_ bytes: UnsafeBufferPointer<UInt8>) {
        if let start = bytes.baseAddress { put(start, bytes.count) }
    }

    /// Bytes up to here have been written in place.
    mutating func skip(to end: Int) { count = end }

    mutating func put(_ byte: UInt8) {
        base[count] = byte
        count += 1
    }

    mutating func putDecimal(_ number: UInt64) {
        var digits = 1
        var rest = number / 10
        while rest > 0 { digits += 1; rest /= 10 }
        rest = number
        for i in 1...digits {
            base[count + digits - i] = 0x30 + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
        count += digits
    }

    /// Sixteen lower-case hexadecimal digits.
    mutating func putHex(_ number: UInt64) {
        HexDigits.put(number, to: base + count)
        count += 16
    }

    /// Two hexadecimal digits.
    mutating func putHexDigits(_ byte: UInt8) {
        put(Self.digit(byte >> 4))
        put(Self.digit(byte & 15))
    }

    private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x57 + value }

    /// Nanoseconds as milliseconds to the third decimal.
    mutating func putMilliseconds(_ nanoseconds: UInt64) {
        let microseconds = nanoseconds / 1000
        putDecimal(microseconds / 1000)
        let rest = microseconds % 1000
        put(0x2e)
        put(0x30 + UInt8(truncatingIfNeeded: rest / 100))
        put(0x30 + UInt8(truncatingIfNeeded: rest / 10 % 10))
        put(0x30 + UInt8(truncatingIfNeeded: rest % 10))
    }

    /// `host:port`, `[v6]:port`, the host alone when the port is not known, or `unix`.
    mutating func putAddress(_ address: PeerAddress) {
        if address.isUnix { return put("unix") }
        let brackets = address.byteCount == 16 && address.port > 0
        if brackets { put(0x5b) }
        putHost(address)
        if brackets { put(0x5d) }
        guard address.port > 0 else { return }
        put(0x3a)
        putDecimal(UInt64(address.port))
    }

    mutating func putHost(_ address: PeerAddress) { count += address.writeHost(base + count) }

    /// The block's field lines that are not dropped, neighbours in one run.
    @inline(__always)
    mutating func putFields(_ block: borrowing HeaderBlock) {
        guard !block.facts.contains(.bareLineFeed) else { return putLines(block) }
        var i = 0
        while i < block.count {
            if block.fields[i].isDropped {
                i += 1
                continue
            }
            let start = block.fields[i].start
            while i < block.count, !block.fields[i].isDropped { i += 1 }
            put(block.base + Int(start), Int(block.fields[i - 1].end - start))
        }
    }

    /// `putFields` for lines that do not end as they should: a byte more for each.
    private mutating func putLines(_ block: borrowing HeaderBlock) {
        for i in 0..<block.count where !block.fields[i].isDropped {
            let field = block.fields[i]
            put(block.base + Int(field.start), Int(field.valueStart + field.valueCount - field.start))
            put("\r\n")
        }
    }

    func range(from start: Int) -> ByteRange { ByteRange(start: start, count: count - start) }
}
