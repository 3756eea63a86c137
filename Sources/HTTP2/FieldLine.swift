import Wire

/// One field line of a header block of HTTP/1 that we have written ourselves.
@unsafe struct FieldLine {
    let name: UnsafePointer<UInt8>
    let nameCount: Int
    let value: UnsafePointer<UInt8>
    let valueCount: Int
    /// Past the line's end.
    let next: UnsafePointer<UInt8>

    /// nil: an empty line, the end, or no field line.
    @inline(__always)
    init?(_ line: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) {
        var p = unsafe line
        while unsafe p < end, unsafe p.pointee != 0x3a, unsafe p.pointee != 0x0d { unsafe p += 1 }
        guard unsafe p < end, unsafe p > line, unsafe p.pointee == 0x3a else { return nil }
        unsafe name = unsafe line
        unsafe nameCount = unsafe p - line
        unsafe p += 1
        while unsafe p < end, unsafe p.pointee == 0x20 || p.pointee == 0x09 { unsafe p += 1 }
        unsafe value = unsafe p
        while unsafe p < end, unsafe p.pointee != 0x0d { unsafe p += 1 }
        var last = unsafe p
        while unsafe last > value, unsafe last[-1] == 0x20 || last[-1] == 0x09 { unsafe last -= 1 }
        unsafe valueCount = unsafe last - value
        unsafe next = unsafe min(p + 2, end)
    }

    func isNamed(_ text: StaticString) -> Bool { unsafe nameCount == text.utf8CodeUnitCount && spells(text) }

    var isHost: Bool { unsafe equalsIgnoringCase(name, "host", count: nameCount) }

    /// RFC 9113 section 8.2.2; of TE only `trailers` passes.
    var isForConnection: Bool {
        switch unsafe nameCount {
        case 2: unsafe spells("te") && !equalsIgnoringCase(value, "trailers", count: valueCount)
        case 7: unsafe spells("upgrade")
        case 10: unsafe spells("connection") || spells("keep-alive")
        case 14: unsafe spells("http2-settings")
        case 16: unsafe spells("proxy-connection")
        case 17: unsafe spells("transfer-encoding")
        default: false
        }
    }

    private func spells(_ text: StaticString) -> Bool { unsafe equalsIgnoringCase(name, text, count: nameCount) }
}
