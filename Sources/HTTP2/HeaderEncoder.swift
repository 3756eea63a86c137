/// Writes header blocks as HPACK has it (RFC 7541), out of the static table and literals alone.
///
/// A dynamic table would save some bytes of each block, and cost a search for each field and some kilobytes for each
/// connection. Without one, blocks do not depend on each other, and one can be encoded long before it is sent.
@safe struct HeaderEncoder {
    /// Bytes that a block of HTTP/1 takes at the most: a literal is not longer than its line but for lengths over 126.
    static func bytesMax(of count: Int) -> Int { count + count / 32 + 64 }

    let first: UnsafeMutablePointer<UInt8>
    private var out: UnsafeMutablePointer<UInt8>

    /// - Parameter isFirst: nothing has been encoded on the connection; the peer learns that it need not keep a table.
    init(_ out: UnsafeMutablePointer<UInt8>, isFirst: Bool) {
        unsafe first = unsafe out
        unsafe self.out = unsafe out
        guard isFirst else { return }
        // A table of size 0 (RFC 7541 section 6.3): no later SETTINGS_HEADER_TABLE_SIZE can be smaller.
        unsafe out[0] = 0x20
        unsafe self.out += 1
    }

    var count: Int { unsafe out - first }

    /// A field that is in the static table, value and all.
    mutating func put(indexed index: UInt8) {
        unsafe out.pointee = 0x80 | index
        unsafe out += 1
    }

    mutating func put(status: UnsafePointer<UInt8>) {
        switch unsafe (status[0], status[1], status[2]) {
        case (0x32, 0x30, 0x30): put(indexed: 8)
        case (0x32, 0x30, 0x34): put(indexed: 9)
        case (0x32, 0x30, 0x36): put(indexed: 10)
        case (0x33, 0x30, 0x34): put(indexed: 11)
        case (0x34, 0x30, 0x30): put(indexed: 12)
        case (0x34, 0x30, 0x34): put(indexed: 13)
        case (0x35, 0x30, 0x30): put(indexed: 14)
        default: unsafe put(name: StaticTable.status200, status, 3)
        }
    }

    /// A field whose name is in the static table.
    mutating func put(name index: UInt8, _ value: UnsafePointer<UInt8>, _ count: Int) {
        // Literal never indexed (section 6.2.3) for what must not end up in a table further on either: cookie, set-cookie,
        // authorization, proxy-authorization. Literal without indexing for the rest.
        let isSecret = index == 32 || index == 55 || index == 23 || index == 49
        number(UInt64(index), prefix: 15, flags: isSecret ? 0x10 : 0)
        unsafe string(value, count)
    }

    mutating func put(name index: UInt8, _ value: StaticString) {
        unsafe put(name: index, value.utf8Start, value.utf8CodeUnitCount)
    }

    /// A field whose name is in no table.
    mutating func put(_ name: StaticString, _ value: UnsafePointer<UInt8>, _ count: Int) {
        unsafe out.pointee = 0
        unsafe out += 1
        unsafe string(name.utf8Start, name.utf8CodeUnitCount)
        unsafe string(value, count)
    }

    /// Lines of a request that are said otherwise: Host went out as `:authority`, and an extended CONNECT has no WebSocket's key.
    enum LeftOut { case nothing, host, hostAndKey }

    /// The field lines of a block of HTTP/1, up to its empty line or its end. What only concerns its connection stays behind
    /// (RFC 9113 section 8.2.2).
    mutating func put(lines: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, leavesOut: LeftOut) {
        var line = unsafe lines
        while let field = unsafe FieldLine(line, end) {
            unsafe line = unsafe field.next
            if unsafe field.isForConnection || leavesOut != .nothing && field.isHost { continue }
            if leavesOut == .hostAndKey, unsafe field.isNamed("sec-websocket-key") { continue }
            unsafe put(field)
        }
    }

    private mutating func put(_ field: FieldLine) {
        // The name goes to where it may stay, to be spelled in lower case, and is looked up there.
        let start = unsafe out
        unsafe out += field.nameCount < 127 ? 2 : 0
        if unsafe field.nameCount >= 127 { unsafe number(UInt64(field.nameCount), prefix: 127, flags: 0, skips: 1) }
        let name = unsafe out
        for i in unsafe 0..<field.nameCount {
            let byte = unsafe field.name[i]
            unsafe name[i] = byte &- 0x41 < 26 ? byte | 0x20 : byte
        }
        let index = unsafe StaticTable.index(name, field.nameCount)
        if index != 0 {
            unsafe out = unsafe start
            unsafe put(name: index, field.value, field.valueCount)
            return
        }
        unsafe start[0] = 0
        if unsafe field.nameCount < 127 { unsafe start[1] = unsafe UInt8(truncatingIfNeeded: field.nameCount) }
        unsafe out = unsafe name + field.nameCount
        unsafe string(field.value, field.valueCount)
    }

    @inline(__always)
    private mutating func string(_ bytes: UnsafePointer<UInt8>, _ count: Int) {
        number(UInt64(count), prefix: 127, flags: 0)
        unsafe out.update(from: bytes, count: count)
        unsafe out += count
    }

    /// Section 5.1.
    @inline(__always)
    private mutating func number(_ value: UInt64, prefix: UInt64, flags: UInt8, skips: Int = 0) {
        unsafe out += skips
        if value < prefix {
            unsafe out.pointee = flags | UInt8(truncatingIfNeeded: value)
            unsafe out += 1
            return
        }
        unsafe out.pointee = flags | UInt8(truncatingIfNeeded: prefix)
        unsafe out += 1
        var rest = value - prefix
        while rest >= 128 {
            unsafe out.pointee = UInt8(truncatingIfNeeded: rest) | 0x80
            unsafe out += 1
            rest >>= 7
        }
        unsafe out.pointee = UInt8(truncatingIfNeeded: rest)
        unsafe out += 1
    }
}
