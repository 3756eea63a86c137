/// Cuts a stream into lines. A line that is too long is passed over as a whole, and counted.
public struct ReportLines {
    private var held: [UInt8] = []
    private var isPassingOver = false
    public private(set) var tooLong = 0

    /// Whether a line has begun that has not ended, and has not been given up.
    public var isWithinLine: Bool { !held.isEmpty }

    public init() {}

    /// The lines that these bytes complete, without their ends.
    public mutating func receive(_ bytes: ArraySlice<UInt8>) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        var rest = bytes
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            if isPassingOver {
                isPassingOver = false
            } else if held.count + (end - rest.startIndex) > ReportParser.lineBytesMax {
                tooLong += 1
            } else if !held.isEmpty || end > rest.startIndex {
                lines.append(held + rest[..<end])
            }
            held.removeAll(keepingCapacity: true)
            rest = rest[(end + 1)...]
        }
        guard !isPassingOver else { return lines }
        if held.count + rest.count > ReportParser.lineBytesMax {
            tooLong += 1
            isPassingOver = true
            held.removeAll()
        } else {
            held += rest
        }
        return lines
    }
}
