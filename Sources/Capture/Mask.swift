import Report

/// Takes secrets out of header blocks and bodies without changing a length: every offset in a trace stays true.
enum Mask {
    private static let x = UInt8(ascii: "x")
    private static let mark = Array("[REDACTED]".utf8)

    /// A whole header block: a start line, fields, an empty line. `isRequest`: its first line has a query.
    static func head(_ bytes: [UInt8], isRequest: Bool, keepsQuery: Bool) -> [UInt8] {
        var bytes = bytes
        var start = 0
        var isSecret = false
        while start < bytes.count {
            let end = lineEnd(bytes, from: start)
            if start == 0 {
                if isRequest, !keepsQuery { query(&bytes, start, end) }
            } else {
                isSecret = field(&bytes, start, end, continuesSecret: isSecret)
            }
            start = end + 1
        }
        return bytes
    }

    /// Chunk framing and trailers: every line may be a field.
    static func lines(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        var start = 0
        var isSecret = false
        while start < bytes.count {
            let end = lineEnd(bytes, from: start)
            isSecret = field(&bytes, start, end, continuesSecret: isSecret)
            start = end + 1
        }
        return bytes
    }

    /// Bytes that no answer accounts for: header blocks among them are treated as such, the rest as a body.
    static func stray(_ bytes: [UInt8], keepsBodies: Bool) -> [UInt8] {
        var bytes = bytes
        var isHead = false
        var isSecret = false
        var start = 0
        while start < bytes.count {
            if !isHead {
                let found = statusLine(bytes[start...])
                if !keepsBodies { body(&bytes, start, found ?? bytes.count) }
                guard let found else { break }
                start = lineEnd(bytes, from: found) + 1
                isHead = true
                isSecret = false
                continue
            }
            let end = lineEnd(bytes, from: start)
            let line = bytes[start..<end].last == 0x0D ? bytes[start..<(end - 1)] : bytes[start..<end]
            if isSecret && (line.first == 0x20 || line.first == 0x09) || isFieldLine(line) {
                isSecret = field(&bytes, start, end, continuesSecret: isSecret)
            } else {
                // An empty line ends the block; anything else is no part of one.
                isHead = false
                if !keepsBodies { body(&bytes, start, end) }
            }
            start = end + 1
        }
        return bytes
    }

    /// Where a status line begins.
    static func statusLine(_ bytes: ArraySlice<UInt8>) -> Int? {
        let pattern = Array("HTTP/1.".utf8)
        var index = bytes.startIndex
        while let first = bytes[index...].firstIndex(of: pattern[0]) {
            if bytes[first...].starts(with: pattern) { return first }
            index = first + 1
        }
        return nil
    }

    /// Line ends stay: whether there is nothing else is a question of its own.
    private static func body(_ bytes: inout [UInt8], _ start: Int, _ end: Int) {
        for index in start..<end where bytes[index] != 0x0D && bytes[index] != 0x0A { bytes[index] = x }
    }

    /// True when the field's value is a secret, which may go on in the next line.
    private static func field(_ bytes: inout [UInt8], _ start: Int, _ end: Int, continuesSecret: Bool) -> Bool {
        if let first = bytes[start..<end].first, first == 0x20 || first == 0x09 {
            if continuesSecret { value(&bytes, start, end) }
            return continuesSecret
        }
        guard let colon = bytes[start..<end].firstIndex(of: UInt8(ascii: ":")) else { return false }
        guard SecretFields.contains(Array(bytes[start..<colon])) else { return false }
        value(&bytes, colon + 1, end)
        return true
    }

    private static func value(_ bytes: inout [UInt8], _ start: Int, _ end: Int) {
        let first = bytes[start..<end].firstIndex { $0 != 0x20 && $0 != 0x09 } ?? end
        let last = bytes[first..<end].lastIndex { $0 != 0x0D } ?? first
        guard first < end, first <= last else { return }
        let hasRoom = last - first + 1 >= mark.count
        for index in first...last where bytes[index] != 0x0D {
            let place = index - first
            bytes[index] = hasRoom && place < mark.count ? mark[place] : x
        }
    }

    /// The values of a request line's query.
    private static func query(_ bytes: inout [UInt8], _ start: Int, _ end: Int) {
        guard let question = bytes[start..<end].firstIndex(of: UInt8(ascii: "?")) else { return }
        let stop = bytes[question..<end].firstIndex(of: 0x20) ?? end
        var pieceStart = question + 1
        while pieceStart < stop {
            let pieceEnd = bytes[pieceStart..<stop].firstIndex(of: UInt8(ascii: "&")) ?? stop
            let valueStart = bytes[pieceStart..<pieceEnd].firstIndex(of: UInt8(ascii: "=")).map { $0 + 1 } ?? pieceStart
            for index in valueStart..<pieceEnd { bytes[index] = x }
            pieceStart = pieceEnd + 1
        }
    }

    private static func isFieldLine(_ line: ArraySlice<UInt8>) -> Bool {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex else { return false }
        return line[..<colon].allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }

    /// Of the line feed, or of what would stand after the last byte.
    private static func lineEnd(_ bytes: [UInt8], from start: Int) -> Int {
        bytes[start...].firstIndex(of: 0x0A) ?? bytes.count
    }
}
