import Wire

/// The start line of a request in the form of HTTP/1, and where its Host stands.
struct RequestLine {
    private let method: UnsafePointer<UInt8>
    private let methodCount: Int
    private let target: UnsafePointer<UInt8>
    private let targetCount: Int
    private let lines: UnsafePointer<UInt8>
    private let end: UnsafePointer<UInt8>

    /// nil: no start line.
    init?(_ head: UnsafePointer<UInt8>, _ count: Int) {
        end = head + count
        method = head
        var p = head
        while p < end, p.pointee != 0x20 { p += 1 }
        methodCount = p - head
        guard p < end else { return nil }
        p += 1
        target = p
        while p < end, p.pointee != 0x20 { p += 1 }
        targetCount = p - target
        guard p < end, targetCount > 0 else { return nil }
        lines = SessionState.afterLine(p, end)
    }

    var isHead: Bool { methodCount == 4 && Method(method, count: 4) == .head }

    /// Pseudo-header fields first (RFC 9113 section 8.3.1), then the others.
    ///
    /// An extended CONNECT names as `:protocol` what Upgrade names over HTTP/1, and has no key (RFC 8441 sections 4 and 5).
    func encode(_ encoder: inout HeaderEncoder, isTLS: Bool, asksTunnel: Bool) {
        let known = Method(method, count: methodCount)
        switch known {
        case _ where asksTunnel: encoder.put(name: StaticTable.methodGet, "CONNECT")
        case .get: encoder.put(indexed: StaticTable.methodGet)
        case .post: encoder.put(indexed: StaticTable.methodPost)
        default: encoder.put(name: StaticTable.methodGet, method, methodCount)
        }
        if known != .connect { encoder.put(indexed: isTLS ? StaticTable.schemeHTTPS : StaticTable.schemeHTTP) }
        var line = lines
        while let field = FieldLine(line, end) {
            line = field.next
            guard field.isHost else { continue }
            if field.valueCount > 0 { encoder.put(name: StaticTable.authority, field.value, field.valueCount) }
            break
        }
        if known != .connect {
            if targetCount == 1, target[0] == 0x2f {
                encoder.put(indexed: StaticTable.pathRoot)
            } else {
                encoder.put(name: StaticTable.pathRoot, target, targetCount)
            }
        }
        if asksTunnel, let upgrade = field(named: "upgrade") { encoder.put(":protocol", upgrade.value, upgrade.valueCount) }
        encoder.put(lines: lines, end, leavesOut: asksTunnel ? .hostAndKey : .host)
    }

    private func field(named name: StaticString) -> FieldLine? {
        var line = lines
        while let field = FieldLine(line, end) {
            if field.isNamed(name) { return field }
            line = field.next
        }
        return nil
    }
}
