/// Looks for a status line inside a Content-Length body, over the pieces in which the body arrives.
@frozen
public struct EmbeddedStatusLine {
    /// What is looked for.
    public static var beginning: StaticString { "HTTP/1." }

    /// Bytes of `HTTP/1.` with which the last piece ended.
    public private(set) var matched: UInt8 = 0
    /// One has begun: what follows belongs to it.
    public private(set) var isFound = false

    public init() {}

    /// Offset from the piece's first byte at which a status line begins: negative when it began in an earlier piece. nil for none.
    public mutating func find(_ bytes: UnsafePointer<UInt8>, count: Int) -> Int? {
        guard let offset = unsafe search(bytes, count) else { return nil }
        isFound = true
        return offset
    }

    private mutating func search(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> Int? {
        let expected = Self.beginning
        if matched > 0 {
            let before = Int(matched)
            var i = 0
            while i < count, before + i < 7, unsafe bytes[i] == expected.utf8Start[before + i] { i += 1 }
            if before + i == 7 {
                matched = 0
                return -before
            }
            if i == count {
                matched = UInt8(before + i)
                return nil
            }
            matched = 0
        }
        if let found = unsafe Scan.statusLine(bytes, count: count) { return found }
        // H stands only at the front of what is looked for: one place to try for each length.
        var length = min(6, count)
        while length > 0 {
            var i = 0
            while i < length, unsafe bytes[count - length + i] == expected.utf8Start[i] { i += 1 }
            if i == length {
                matched = UInt8(length)
                return nil
            }
            length -= 1
        }
        return nil
    }

    /// Whether the bytes are, or may yet become, a status line with this status.
    public static func mayBe(_ status: Int, _ bytes: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        let expected: StaticString = "HTTP/1.1 "
        for i in 0..<min(count, 9) where unsafe i != 7 && bytes[i] != expected.utf8Start[i] { return false }
        let digits = [status / 100, status / 10 % 10, status % 10]
        for i in 9..<max(9, min(count, 12)) where unsafe Int(bytes[i]) != 0x30 + digits[i - 9] { return false }
        return true
    }
}
