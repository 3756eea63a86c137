import Wire

/// One field line of a header block of HTTP/1 that we have written ourselves.
struct FieldLine {
    let name: UnsafePointer<UInt8>
    let nameCount: Int
    let value: UnsafePointer<UInt8>
    let valueCount: Int
    /// Past the line's end.
    let next: UnsafePointer<UInt8>

    /// nil: an empty line, the end, or no field line.
    @inline(__always)
    init?(_ line: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) {
        var p = line
        while p < end, p.pointee != 0x3a, p.pointee != 0x0d { p += 1 }
        guard p < end, p > line, p.pointee == 0x3a else { return nil }
        name = line
        nameCount = p - line
        p += 1
        while p < end, p.pointee == 0x20 || p.pointee == 0x09 { p += 1 }
        value = p
        while p < end, p.pointee != 0x0d { p += 1 }
        var last = p
        while last > value, last[-1] == 0x20 || last[-1] == 0x09 { last -= 1 }
        valueCount = last - value
        next = min(p + 2, end)
    }

    func isNamed(_ text: StaticString) -> Bool { nameCount == text.utf8CodeUnitCount && spells(text) }

    var isHost: Bool { equalsIgnoringCase(name, "host", count: nameCount) }

    /// RFC 9113 section 8.2.2; of TE only `trailers` passes.
    var isForConnection: Bool {
        switch nameCount {
        case 2: spells("te") && !equalsIgnoringCase(value, "trailers", count: valueCount)
        case 7: spells("upgrade")
        case 10: spells("connection") || spells("keep-alive")
        case 14: spells("http2-settings")
        case 16: spells("proxy-connection")
        case 17: spells("transfer-encoding")
        default: false
        }
    }

    private func spells(_ text: StaticString) -> Bool { equalsIgnoringCase(name, text, count: nameCount) }
}
