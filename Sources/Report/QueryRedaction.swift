/// Takes the values out of a query, so that what users put into URLs does not reach a log.
public enum QueryRedaction {
    static let mark = "[REDACTED]"

    /// `/a?x=1&y` becomes `/a?x=[REDACTED]&[REDACTED]`: a piece without `=` may be a value itself.
    public static func redacted(_ target: String) -> String {
        let bytes = Array(target.utf8)
        guard bytes.contains(UInt8(ascii: "?")) else { return target }
        return String(decoding: redacted(bytes[...]), as: UTF8.self)
    }

    static func redacted(_ target: ArraySlice<UInt8>) -> [UInt8] {
        guard let mark = target.firstIndex(of: UInt8(ascii: "?")) else { return Array(target) }
        var result = Array(target[...mark])
        let pieces = target[(mark + 1)...].split(separator: UInt8(ascii: "&"), omittingEmptySubsequences: false)
        for (number, piece) in pieces.enumerated() {
            if number > 0 { result.append(UInt8(ascii: "&")) }
            guard !piece.isEmpty else { continue }
            if let equals = piece.firstIndex(of: UInt8(ascii: "=")) { result.append(contentsOf: piece[...equals]) }
            result.append(contentsOf: Self.mark.utf8)
        }
        return result
    }

    /// The same for a request line, whose query ends at the space before the version.
    static func redacted(requestLine line: ArraySlice<UInt8>) -> [UInt8] {
        guard let mark = line.firstIndex(of: UInt8(ascii: "?")) else { return Array(line) }
        let end = line[mark...].firstIndex(of: UInt8(ascii: " ")) ?? line.endIndex
        return redacted(line[..<end]) + line[end...]
    }
}
