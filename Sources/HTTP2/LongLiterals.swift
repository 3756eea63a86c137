/// Strings in a header block that are longer than libnghttp2 takes, which would end the connection although no rule forbids them.
///
/// They become shorter ones, so that the block, and those after it, can be unpacked: what is replaced is too long for the dynamic table, and so is what
/// replaces it (RFC 7541 section 4.4). Whoever asks treats the block as one that is over its limits.
@safe enum LongLiterals {
    /// Bytes of a string, as it is packed, that libnghttp2 takes (its NGHTTP2_HD_MAX_NV).
    static let longest = 65_536

    /// The block with its long strings replaced; nil when it has none, or is not to be read.
    static func shorten(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> [UInt8]? {
        guard count > longest else { return nil }
        let block = unsafe UnsafeBufferPointer(start: bytes, count: count)
        var reader = unsafe PackedReader(block)
        var shorter: [UInt8] = []
        var copied = 0
        while !reader.isAtEnd {
            guard let strings = reader.field() else { return nil }
            for _ in 0..<strings {
                let start = reader.position
                guard let length = reader.string() else { return nil }
                if length <= longest { continue }
                unsafe shorter.append(contentsOf: block[copied..<start])
                shorter.append(contentsOf: filler)
                copied = reader.position
            }
        }
        guard copied > 0 else { return nil }
        unsafe shorter.append(contentsOf: block[copied...])
        return shorter
    }

    /// A string of 65,000 letters, which no dynamic table of ours has room for: its length (RFC 7541 section 5.1), and they.
    private static let filler: [UInt8] = [0x7f, 0xe9, 0xfa, 0x03] + [UInt8](repeating: 0x78, count: 65_000)
}

/// The representations of a header block (RFC 7541 section 6), passed over without being unpacked.
@safe private struct PackedReader {
    private let block: UnsafeBufferPointer<UInt8>
    private(set) var position = 0

    init(_ block: UnsafeBufferPointer<UInt8>) { unsafe self.block = block }

    var isAtEnd: Bool { unsafe position == block.count }

    /// Passes over the start of a representation: how many strings follow in it. Nil when it is cut.
    mutating func field() -> Int? {
        let first = unsafe block[position]
        switch first {
        // Indexed.
        case 0x80...: return integer(prefix: 7) == nil ? nil : 0
        // Literal, to be indexed: a name, unless that is indexed, and a value.
        case 0x40..<0x80: return integer(prefix: 6).map { $0 == 0 ? 2 : 1 }
        // The table's size.
        case 0x20..<0x40: return integer(prefix: 5) == nil ? nil : 0
        // Literal, not to be indexed, or never.
        default: return integer(prefix: 4).map { $0 == 0 ? 2 : 1 }
        }
    }

    /// Passes over a string: how many bytes it takes. Nil when it is cut.
    mutating func string() -> Int? {
        guard !isAtEnd, let length = integer(prefix: 7), unsafe length <= block.count - position else { return nil }
        position += length
        return length
    }

    /// An integer (section 5.1) of at most 28 bits more than its prefix.
    private mutating func integer(prefix: Int) -> Int? {
        let most = 1 << prefix - 1
        var value = unsafe Int(block[position]) & most
        position += 1
        guard value == most else { return value }
        for shift in stride(from: 0, to: 28, by: 7) {
            guard !isAtEnd else { return nil }
            let byte = unsafe Int(block[position])
            position += 1
            value += (byte & 0x7f) << shift
            if byte & 0x80 == 0 { return value }
        }
        return nil
    }
}
