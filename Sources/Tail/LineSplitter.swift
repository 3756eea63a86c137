/// Bytes in, lines out. What is longer than a record can be is given up, and counted as a line that is none.
struct LineSplitter {
    static let lineBytesMax = 4 << 20

    private var rest: [UInt8] = []
    private var isOverlong = false

    /// The lines that are complete with these bytes.
    mutating func receive(_ bytes: some Collection<UInt8>) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        var bytes = bytes[...]
        while let end = bytes.firstIndex(of: UInt8(ascii: "\n")) {
            lines.append(isOverlong ? [] : rest + bytes[..<end])
            rest.removeAll(keepingCapacity: true)
            isOverlong = false
            bytes = bytes[bytes.index(after: end)...]
        }
        if rest.count + bytes.count > Self.lineBytesMax { isOverlong = true }
        if isOverlong { rest = [] } else { rest += bytes }
        return lines
    }

    /// The line that the source ended in; nil when it ended with a line's end.
    mutating func end() -> [UInt8]? {
        defer { (rest, isOverlong) = ([], false) }
        return isOverlong ? [] : rest.isEmpty ? nil : rest
    }
}
