import HTTP1
import Testing
import Wire

@testable import Proxy

/// Header blocks as the parser reads them, lent to a test; and what a test has written.
enum ReadBlock {
    enum Sort { case request, answer, trailers }

    /// Reads a start line and field lines, each without its CRLF.
    static func of<R>(_ sort: Sort, _ lines: [String], _ body: (inout HeaderBlock) throws -> R) throws -> R {
        let text = lines.map { $0 + "\r\n" }.joined() + "\r\n"
        return try of(sort, text: text, body)
    }

    static func of<R>(_ sort: Sort, text: String, _ body: (inout HeaderBlock) throws -> R) throws -> R {
        let bytes = Array(text.utf8)
        var block = HeaderBlock(capacity: 64)
        return try bytes.withUnsafeBufferPointer { bytes in
            let limits = HeadLimits(headerBytesMax: 64 << 10)
            let start = bytes.baseAddress!
            let outcome =
                switch sort {
                case .request: HeadParser.request(start, count: bytes.count, limits: limits, into: &block)
                case .answer: HeadParser.response(start, count: bytes.count, limits: limits, into: &block)
                case .trailers: HeadParser.trailers(start, count: bytes.count, limits: limits, into: &block)
                }
            try #require(outcome == .complete, "\(text)")
            return try body(&block)
        }
    }

    /// What `body` writes.
    static func written(_ body: (inout ByteWriter) -> Void) -> String {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 16 << 10) { space in
            var out = ByteWriter(space.baseAddress!)
            body(&out)
            return String(decoding: UnsafeBufferPointer(start: space.baseAddress, count: out.count), as: UTF8.self)
        }
    }

    /// The lines of a header block, without its empty line.
    static func lines(_ head: String) -> [String] {
        var lines: [String] = []
        var line = ""
        for byte in head.unicodeScalars {
            if byte == "\n" {
                lines.append(line.hasSuffix("\r") ? String(line.unicodeScalars.dropLast()) : line + "(without CR)")
                line = ""
            } else {
                line.unicodeScalars.append(byte)
            }
        }
        return lines.last == "" ? Array(lines.dropLast()) : lines + ["(no empty line) \(line)"]
    }
}
