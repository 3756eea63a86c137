/// What of a path varies: `/orders/7?x=1` is `/orders/{id}`, an application's own pattern `/orders/:id` is too.
///
/// The probe has the same rule; Tests/Unit/ReportTests/templates.tsv holds both to one table.
public enum PathTemplate {
    static let segmentsMax = 32
    static let bytesMax = 256
    private static let id = Array("{id}".utf8)

    public static func ofPath(_ path: String) -> String {
        let bytes = Array(path.utf8)
        let end = bytes.firstIndex { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") } ?? bytes.count
        let segments = bytes[..<end].split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        var parts = segments.prefix(segmentsMax + 1).map { segment($0) }
        if segments.count > parts.count { parts.append(Array("...".utf8)) }
        return cut(Array(parts.joined(separator: [UInt8(ascii: "/")])))
    }

    /// `:id(\d+)?` becomes `{id}`.
    public static func ofRoute(_ route: String) -> String {
        let bytes = Array(route.utf8)
        var result: [UInt8] = []
        var at = 0
        while at < bytes.count {
            let name = bytes[(at + 1)...].prefix { isAlphanumeric($0) || $0 == UInt8(ascii: "_") }
            guard bytes[at] == UInt8(ascii: ":"), !name.isEmpty else {
                result.append(bytes[at])
                at += 1
                continue
            }
            result += [UInt8(ascii: "{")] + name + [UInt8(ascii: "}")]
            at = name.endIndex
            if at < bytes.count, bytes[at] == UInt8(ascii: "("),
                let close = bytes[(at + 1)...].firstIndex(where: { $0 == UInt8(ascii: "(") || $0 == UInt8(ascii: ")") }),
                bytes[close] == UInt8(ascii: ")")
            {
                at = close + 1
            }
            if at < bytes.count, "?*+".utf8.contains(bytes[at]) { at += 1 }
        }
        return cut(result)
    }

    private static func segment(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        if isUUID(bytes) { return id }
        var result: [UInt8] = []
        /// Where the last `{id}` stands, and whether only one separator has come since.
        var lastID: Int?
        var at = bytes.startIndex
        while at < bytes.endIndex {
            let word = bytes[at...].prefix { isAlphanumeric($0) || $0 == UInt8(ascii: "%") }
            if word.isEmpty {
                result.append(bytes[at])
                at += 1
            } else if varies(word) {
                let between = lastID.map { result[($0 + id.count)...] }
                if let lastID, let between, between.isEmpty || (between.count == 1 && "-_.~:+".utf8.contains(between.first!)) {
                    result.removeSubrange((lastID + id.count)...)
                } else {
                    lastID = result.count
                    result += id
                }
                at = word.endIndex
            } else {
                result += word
                at = word.endIndex
            }
        }
        return result
    }

    /// Numbers, hashes, long tokens.
    private static func varies(_ word: ArraySlice<UInt8>) -> Bool {
        guard word.contains(where: isDigit) else { return false }
        if word.allSatisfy(isDigit) { return true }
        if word.count >= 8, word.allSatisfy(isHex) { return true }
        return word.count >= 20
    }

    private static func isUUID(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard bytes.count == 36 else { return false }
        return bytes.enumerated().allSatisfy { index, byte in
            [8, 13, 18, 23].contains(index) ? byte == UInt8(ascii: "-") : isHex(byte)
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }
    private static func isHex(_ byte: UInt8) -> Bool { isDigit(byte) || (byte | 0x20) &- 0x61 < 6 }
    private static func isAlphanumeric(_ byte: UInt8) -> Bool { isDigit(byte) || (byte | 0x20) &- 0x61 < 26 }

    private static func cut(_ bytes: [UInt8]) -> String {
        guard bytes.count > bytesMax else { return String(decoding: bytes, as: UTF8.self) }
        return String(decoding: bytes.prefix(bytesMax), as: UTF8.self) + "..."
    }
}
