import Wire

/// Which rule a header block breaks, in which fields and lines, in words. Lines are counted from the start line's, which is 1.
public enum HeadFault {
    /// Fields that stand more than once and may not.
    public static func repetition(_ block: borrowing HeaderBlock) -> (names: [String], reason: String) {
        var names: [String] = []
        var parts: [String] = []
        if block.facts.contains(.statusRepeated) {
            names.append(":status")
            parts.append(":status more than once")
        }
        for name in FieldName.allCases where block.duplicates & (1 << UInt32(name.rawValue)) != 0 {
            names.append("\(name.text)")
            parts.append(repetition(of: name, block))
        }
        return (names, parts.joined(separator: " and "))
    }

    private static func repetition(of name: FieldName, _ block: borrowing HeaderBlock) -> String {
        var lines: [Int] = []
        var values: [[UInt8]] = []
        for i in 0..<block.count where unsafe block.fields[i].name == name {
            lines.append(i + 2)
            unsafe values.append(Array(block.value(block.fields[i])))
        }
        guard lines.count > 1 else { return "\(name.text) more than once in one line (line \(lines.first ?? 0))" }
        let alike = values.allSatisfy { $0 == values[0] } ? "the same value" : "different values"
        let places = lines.dropLast().map(String.init).joined(separator: ", ") + " and \(lines.last!)"
        return "\(name.text) more than once (lines \(places), \(alike))"
    }

    /// Fields that contradict each other, or themselves, about where the body ends.
    public static func framing(_ block: borrowing HeaderBlock, isKept: Bool) -> (names: [String], reason: String) {
        let facts = block.facts
        let names = [FieldName.contentLength, .transferEncoding].filter { block.has($0) }.map { "\($0.text)" }
        let length = values(.contentLength, block)
        let coding = values(.transferEncoding, block)
        if facts.contains(.contentLengthInvalid) { return (names, "content-length \(length), which is not a number") }
        if facts.contains(.contentLengthDiffers) { return (names, "content-length values that differ (\(length))") }
        if block.status != 0, block.status < 200 || block.status == 204 {
            return (names, "transfer-encoding \(coding) in a \(block.status), which has no body")
        }
        if facts.contains(.contentLength) {
            return (names, "content-length \(length) and transfer-encoding \(coding), which contradict each other")
        }
        return (
            names,
            "transfer-encoding \(coding), which does not end in chunked"
                + (isKept ? ", on a connection that is to be kept" : "")
        )
    }

    /// The values of a field as they stand there: short, and nothing but what such a value may hold.
    private static func values(_ name: FieldName, _ block: borrowing HeaderBlock) -> String {
        var texts: [String] = []
        for i in 0..<block.count where unsafe block.fields[i].name == name {
            let bytes = unsafe block.value(block.fields[i]).prefix(32).filter { $0 > 0x20 && $0 < 0x7f }
            texts.append(bytes.isEmpty ? "(empty)" : String(decoding: bytes, as: UTF8.self))
        }
        return texts.joined(separator: ", ")
    }
}
