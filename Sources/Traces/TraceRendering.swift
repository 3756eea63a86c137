extension Trace {
    /// A byte that is repeated so often is written as `"x" * N`; scripts/record-trace does the same.
    static let runBytesMin = 256

    /// The text of the trace: comments, pieces, events, expectations.
    public func render() -> [UInt8] {
        var text: [UInt8] = []
        for comment in comments { Self.append("#", comment, to: &text) }
        for piece in pieces { Self.append(piece, to: &text) }
        for event in events { Self.append("=", event, to: &text) }
        for expectation in expectations { Self.append("!", expectation.description, to: &text) }
        return text
    }

    private static func append(_ sign: String, _ line: String, to text: inout [UInt8]) {
        text += (line.isEmpty ? sign : sign + " " + line).utf8
        text.append(Byte.lineFeed)
    }

    private static func append(_ piece: Piece, to text: inout [UInt8]) {
        text.append(piece.direction == .toUpstream ? Byte.greater : Byte.less)
        if case .raw = piece.content { text += "raw".utf8 }
        text += " +\(milliseconds(piece.microseconds))ms ".utf8
        switch piece.content {
        case .text(let bytes): append(strings: bytes, to: &text)
        case .raw(let bytes):
            for byte in bytes {
                text.append(Byte.hexadecimalDigits[Int(byte >> 4)])
                text.append(Byte.hexadecimalDigits[Int(byte & 15)])
            }
        case .frame(let words): text += words.utf8
        case .fin: text += "FIN".utf8
        case .reset: text += "RST".utf8
        }
        text.append(Byte.lineFeed)
    }

    /// At least one decimal, at most three.
    private static func milliseconds(_ microseconds: UInt64) -> String {
        var decimals = Array(String(1000 + microseconds % 1000).dropFirst())
        while decimals.count > 1, decimals.last == "0" { decimals.removeLast() }
        return "\(microseconds / 1000)." + String(decimals)
    }

    private static func append(strings bytes: [UInt8], to text: inout [UInt8]) {
        var parts: [[UInt8]] = []
        var start = 0
        var index = 0
        while index < bytes.count {
            let end = endOfRun(in: bytes, from: index)
            if end - index >= runBytesMin {
                if start < index { parts.append(quoted(bytes[start..<index])) }
                parts.append(quoted(bytes[index..<index + 1]) + " * \(end - index)".utf8)
                start = end
            }
            index = end
        }
        if start < bytes.count || parts.isEmpty { parts.append(quoted(bytes[start...])) }
        text += parts.joined(separator: [Byte.space])
    }

    private static func endOfRun(in bytes: [UInt8], from start: Int) -> Int {
        var end = start + 1
        while end < bytes.count, bytes[end] == bytes[start] { end += 1 }
        return end
    }

    private static func quoted(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var text: [UInt8] = [Byte.quote]
        for byte in bytes {
            switch byte {
            case Byte.carriageReturn: text += "\\r".utf8
            case Byte.lineFeed: text += "\\n".utf8
            case Byte.tab: text += "\\t".utf8
            case Byte.quote: text += "\\\"".utf8
            case Byte.backslash: text += "\\\\".utf8
            case 0x20..<0x7F: text.append(byte)
            default:
                text += "\\x".utf8
                text += [Byte.hexadecimalDigits[Int(byte >> 4)], Byte.hexadecimalDigits[Int(byte & 15)]]
            }
        }
        text.append(Byte.quote)
        return text
    }
}
