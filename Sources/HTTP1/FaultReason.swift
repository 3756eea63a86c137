import Facts
import Wire

/// Says which rule of HTTP/1 bytes break, in which field and where. Cold: it runs once an incident, on bytes that were refused.
public enum FaultReason {
    /// Of a header block that begins with these bytes. Lines are counted from the start line, which is 1.
    public static func ofHead(_ fault: Malformation, _ bytes: UnsafePointer<UInt8>, _ count: Int) -> String {
        let text = unsafe UnsafeBufferPointer(start: bytes, count: min(count, SurplusFacts.keptBytesMax))
        switch fault {
        case .startLine, .version: return unsafe startLine(fault, text)
        case .lineEnd, .fieldName, .fieldValue, .foldedLine, .spaceBeforeColon:
            return unsafe fieldLine(fault, in: text, startLine: true) ?? fault.text
        default: return fault.text
        }
    }

    /// Where a chunk's size, its end or a trailer section was due.
    public static func ofBody(_ fault: Malformation, _ bytes: UnsafePointer<UInt8>, _ count: Int) -> String {
        let text = unsafe UnsafeBufferPointer(start: bytes, count: min(count, SurplusFacts.keptBytesMax))
        if let sort = unsafe sort(of: text) { return "\(fault.text): \(sort) stands there" }
        switch fault {
        case .trailer, .fieldName, .fieldValue, .foldedLine, .spaceBeforeColon, .lineEnd:
            return unsafe fieldLine(fault, in: text, startLine: false) ?? fault.text
        default: return fault.text
        }
    }

    private static func startLine(_ fault: Malformation, _ text: UnsafeBufferPointer<UInt8>) -> String {
        if let sort = unsafe sort(of: text) { return "no status line: \(sort)" }
        let line = unsafe text.prefix { $0 != 0x0d && $0 != 0x0a }.prefix(64)
        guard unsafe line.starts(with: "HTTP".utf8) else { return "no status line" }
        return unsafe "\(fault.text) (\(printable(line)))"
    }

    /// What the bytes are, when they are something well known that is not HTTP/1.
    private static func sort(of text: UnsafeBufferPointer<UInt8>) -> String? {
        let start = unsafe text.drop { $0 == 0x20 || $0 == 0x09 || $0 == 0x0d || $0 == 0x0a }
        if text.count >= 3, unsafe text[0] >= 0x14, unsafe text[0] <= 0x17, unsafe text[1] == 0x03, unsafe text[2] <= 0x04 {
            return unsafe text[0] == 0x15
                ? "a TLS alert, as from a port that speaks TLS" : "a TLS record, as from a port that speaks TLS"
        }
        if text.count >= 9, unsafe text[0] == 0, unsafe text[3] == 0x04, unsafe text[5] == 0, unsafe text[8] == 0 {
            return "an HTTP/2 SETTINGS frame, as from a port that speaks HTTP/2"
        }
        if unsafe start.first == 0x3c { return "markup, such as an HTML page without a header block" }
        if unsafe start.first == 0x7b || start.first == 0x5b { return "JSON, or something like it, without a header block" }
        if unsafe text.starts(with: "HTTP/1.".utf8) { return nil }
        return nil
    }

    /// The first line that breaks the rule, by the field's name where it can be read.
    private static func fieldLine(_ fault: Malformation, in text: UnsafeBufferPointer<UInt8>, startLine: Bool) -> String? {
        var line = 1
        var start = 0
        var last = ""
        while start < text.count {
            var end = start
            while end < text.count, unsafe text[end] != 0x0a { end += 1 }
            let isWhole = unsafe end < text.count && end > start && text[end - 1] == 0x0d
            let bytes = unsafe text[start..<(isWhole ? end - 1 : end)]
            if !startLine || line > 1 {
                if unsafe bytes.isEmpty, isWhole { return nil }
                let name = unsafe printable(bytes.prefix { Scan.isToken($0) }.prefix(64)).lowercased()
                if let text = unsafe broken(fault, bytes, name, isWhole: isWhole, line: line, after: last) { return text }
                last = name
            } else if !isWhole, fault == .lineEnd {
                return "the start line does not end in CRLF (line 1)"
            }
            start = end + 1
            line += 1
        }
        return nil
    }

    private static func broken(
        _ fault: Malformation, _ bytes: Slice<UnsafeBufferPointer<UInt8>>, _ name: String, isWhole: Bool, line: Int,
        after last: String
    ) -> String? {
        let isFolded = unsafe bytes.first == 0x20 || bytes.first == 0x09
        let rest = unsafe bytes.dropFirst(name.utf8.count)
        let colon = unsafe bytes.firstIndex(of: 0x3a)
        switch fault {
        case .foldedLine where isFolded:
            return "folded field line (obs-fold) after \(last.isEmpty ? "the start line" : "field \(last)") (line \(line))"
        case .spaceBeforeColon where unsafe !name.isEmpty && (rest.first == 0x20 || rest.first == 0x09):
            return "white space before the colon of field \(name) (line \(line))"
        case .lineEnd where unsafe !isWhole || bytes.contains(0x0d):
            return "a line that does not end in CRLF: \(name.isEmpty ? "the empty one" : "field \(name)") (line \(line))"
        case .fieldName where unsafe name.isEmpty || rest.first != 0x3a:
            guard let byte = unsafe rest.first else { return "a field line without a colon (line \(line))" }
            if colon == nil { return "a field line without a colon, which begins with \(shown(name)) (line \(line))" }
            return "bad field name: \(hex(byte)) after \(shown(name)) (line \(line))"
        case .fieldValue, .trailer:
            guard let colon, let bad = unsafe bytes[colon...].firstIndex(where: { ($0 < 0x20 && $0 != 0x09) || $0 == 0x7f })
            else {
                return nil
            }
            return unsafe "control character \(hex(bytes[bad])) in the value of field \(name) (line \(line))"
        default: return nil
        }
    }

    private static func shown(_ name: String) -> String { name.isEmpty ? "the line's beginning" : "\"\(name)\"" }

    private static func hex(_ byte: UInt8) -> String {
        let digits = Array("0123456789abcdef")
        return "0x\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
    }

    private static func printable(_ bytes: some Sequence<UInt8>) -> String {
        String(decoding: bytes.map { $0 >= 0x20 && $0 < 0x7f ? $0 : 0x3f }, as: UTF8.self)
    }
}
