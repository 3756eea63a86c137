/// Offending bytes made fit to be read: printable ASCII, the rest escaped, and no value of a field that holds a secret.
///
/// Rather masks too much than too little: a sample may begin in the middle of a field, and may end there.
struct SampleText {
    /// Whether the bytes may begin within a header block, where a value cannot be known by its name.
    var beginsInBlock: Bool
    /// Whether the bytes came from a client, whose request line has a query.
    var isRequest: Bool
    var keepQuery: Bool

    /// Names of which a sample's first line may show the tail.
    private static let secretNames = [
        "authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "x-auth-token", "x-csrf-token",
    ].map { Array($0.utf8) }

    func escaped(_ sample: ArraySlice<UInt8>) -> String {
        var result: [UInt8] = []
        var rest = sample
        var isFirst = true
        var isMasking = false
        while !rest.isEmpty {
            let end = rest.firstIndex { $0 == 0x0D || $0 == 0x0A } ?? rest.endIndex
            let line = rest[..<end]
            rest = rest[end...]
            let terminator = rest.prefix { $0 == 0x0D || $0 == 0x0A }.prefix(rest.starts(with: [0x0D, 0x0A]) ? 2 : 1)
            rest = rest[terminator.endIndex...]

            let visible = visibleBytes(of: line, isFirst: isFirst, isFolded: isMasking, next: rest)
            Self.escape(visible.bytes, into: &result)
            if visible.isMasked { result.append(contentsOf: QueryRedaction.mark.utf8) }
            Self.escape(terminator, into: &result)
            isMasking = visible.isMasked
            isFirst = false
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// What of a line may be seen, and whether something follows that may not.
    private func visibleBytes(
        of line: ArraySlice<UInt8>, isFirst: Bool, isFolded: Bool, next: ArraySlice<UInt8>
    ) -> (bytes: ArraySlice<UInt8>, isMasked: Bool) {
        // An empty first line may be the end of a secret that is folded further.
        guard let first = line.first else { return (line, isFirst && beginsInBlock) }
        // Obsolete line folding (RFC 9112 section 5.2): the line goes on with the value above.
        if isFolded, first == 0x20 || first == 0x09 { return (line.prefix(0), true) }
        let isStartLine = line.starts(with: "HTTP/".utf8)
        if isFirst, beginsInBlock, !isStartLine { return (line.prefix(0), true) }
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else {
            if isFirst, !isStartLine, !isRequest, Self.fieldName(of: next) != nil { return (line.prefix(0), true) }
            return (redactingQuery(line), false)
        }
        let name = line[..<colon].map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }
        if SecretFields.contains(name) || isFirst && Self.isSecretTail(name) { return (line[...colon], true) }
        if isFirst, !isStartLine, !isRequest, Self.fieldName(of: line) == nil, Self.fieldName(of: next) != nil {
            return (line.prefix(0), true)
        }
        return (redactingQuery(line), false)
    }

    private func redactingQuery(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        isRequest && !keepQuery ? QueryRedaction.redacted(requestLine: line)[...] : line
    }

    private static func isSecretTail(_ name: [UInt8]) -> Bool {
        let trimmed = Array(name.reversed().drop { $0 == 0x20 || $0 == 0x09 })
        return secretNames.contains { $0.reversed().starts(with: trimmed) }
    }

    /// The token before the colon of the line at the start of `bytes`, if it reads like a field line.
    private static func fieldName(of bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        let name = bytes.prefix { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: ":") }
        guard !name.isEmpty, name.endIndex < bytes.endIndex, bytes[name.endIndex] == UInt8(ascii: ":") else { return nil }
        return name
    }

    private static func escape(_ bytes: ArraySlice<UInt8>, into result: inout [UInt8]) {
        let hex = Array("0123456789abcdef".utf8)
        for byte in bytes {
            switch byte {
            case 0x0D: result.append(contentsOf: "\\r".utf8)
            case 0x0A: result.append(contentsOf: "\\n".utf8)
            case UInt8(ascii: "\\"): result.append(contentsOf: "\\\\".utf8)
            case 0x20..<0x7F: result.append(byte)
            default:
                result.append(contentsOf: "\\x".utf8)
                result.append(hex[Int(byte >> 4)])
                result.append(hex[Int(byte & 15)])
            }
        }
    }
}
