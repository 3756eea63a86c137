import Wire

/// Fields that Connection names: they belong to one hop (RFC 9110 section 7.6.1).
enum Nomination {
    /// Drops the nominated fields. Framing and routing fields cannot be nominated away.
    static func drop(_ block: inout HeaderBlock) {
        for i in 0..<block.count where block.fields[i].name == .connection {
            let value = block.value(block.fields[i])
            guard let start = value.baseAddress else { continue }
            let fields = block.fields
            let count = block.count
            let base = block.base
            FieldReader.eachElement(start, value.count) { name, n in
                for j in 0..<count where Int(fields[j].nameCount) == n && !isProtected(fields[j].name) {
                    if equals(base + Int(fields[j].start), name, n) { fields[j].isDropped = true }
                }
            }
        }
    }

    private static func isProtected(_ name: FieldName) -> Bool {
        switch name {
        case .host, .contentLength, .transferEncoding, .upgrade, .connection: true
        default: false
        }
    }

    private static func equals(_ a: UnsafePointer<UInt8>, _ b: UnsafePointer<UInt8>, _ n: Int) -> Bool {
        for i in 0..<n {
            let x = a[i] &- 0x41 < 26 ? a[i] | 0x20 : a[i]
            let y = b[i] &- 0x41 < 26 ? b[i] | 0x20 : b[i]
            if x != y { return false }
        }
        return true
    }
}
