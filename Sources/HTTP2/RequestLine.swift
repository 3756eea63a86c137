import Wire

/// The start line of a request in the form of HTTP/1, and where its Host stands.
@unsafe struct RequestLine {
    private let method: UnsafePointer<UInt8>
    private let methodCount: Int
    private let target: UnsafePointer<UInt8>
    private let targetCount: Int
    private let lines: UnsafePointer<UInt8>
    private let end: UnsafePointer<UInt8>

    /// nil: no start line.
    init?(_ head: UnsafePointer<UInt8>, _ count: Int) {
        unsafe end = unsafe head + count
        unsafe method = unsafe head
        var p = unsafe head
        while unsafe p < end, unsafe p.pointee != 0x20 { unsafe p += 1 }
        unsafe methodCount = unsafe p - head
        guard unsafe p < end else { return nil }
        unsafe p += 1
        unsafe target = unsafe p
        while unsafe p < end, unsafe p.pointee != 0x20 { unsafe p += 1 }
        unsafe targetCount = unsafe p - target
        guard unsafe p < end, unsafe targetCount > 0 else { return nil }
        unsafe lines = unsafe SessionState.afterLine(p, end)
    }

    var isHead: Bool { unsafe methodCount == 4 && Method(method, count: 4) == .head }

    /// Pseudo-header fields first (RFC 9113 section 8.3.1), then the others.
    ///
    /// An extended CONNECT names as `:protocol` what Upgrade names over HTTP/1, and has no key (RFC 8441 sections 4 and 5).
    func encode(_ encoder: inout HeaderEncoder, isTLS: Bool, asksTunnel: Bool) {
        let known = unsafe Method(method, count: methodCount)
        switch known {
        case _ where asksTunnel: encoder.put(name: StaticTable.methodGet, "CONNECT")
        case .get: encoder.put(indexed: StaticTable.methodGet)
        case .post: encoder.put(indexed: StaticTable.methodPost)
        default: unsafe encoder.put(name: StaticTable.methodGet, method, methodCount)
        }
        if known != .connect { encoder.put(indexed: isTLS ? StaticTable.schemeHTTPS : StaticTable.schemeHTTP) }
        var line = unsafe lines
        while let field = unsafe FieldLine(line, end) {
            unsafe line = unsafe field.next
            guard unsafe field.isHost else { continue }
            if unsafe field.valueCount > 0 { unsafe encoder.put(name: StaticTable.authority, field.value, field.valueCount) }
            break
        }
        if known != .connect {
            if unsafe targetCount == 1, unsafe target[0] == 0x2f {
                encoder.put(indexed: StaticTable.pathRoot)
            } else {
                unsafe encoder.put(name: StaticTable.pathRoot, target, targetCount)
            }
        }
        if asksTunnel, let upgrade = unsafe field(named: "upgrade") {
            unsafe encoder.put(":protocol", upgrade.value, upgrade.valueCount)
        }
        unsafe encoder.put(lines: lines, end, leavesOut: asksTunnel ? .hostAndKey : .host)
    }

    private func field(named name: StaticString) -> FieldLine? {
        var line = unsafe lines
        while let field = unsafe FieldLine(line, end) {
            if unsafe field.isNamed(name) { return unsafe field }
            unsafe line = unsafe field.next
        }
        return nil
    }
}
