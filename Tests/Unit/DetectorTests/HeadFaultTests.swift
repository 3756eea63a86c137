import Testing
import Wire

@testable import Detector

/// Which rule a header block breaks, in words.
@Suite struct HeadFaultTests {
    /// Calls `body` with the block of these fields.
    private func with(_ status: Int, _ fields: [(String, String)], _ body: (borrowing HeaderBlock) -> Void) {
        var bytes: [UInt8] = Array("HTTP/1.1 200 OK\r\n".utf8)
        var places: [(Int, Int, Int, Int)] = []
        for (name, value) in fields {
            let start = bytes.count
            bytes += Array("\(name): \(value)\r\n".utf8)
            places.append((start, name.utf8.count, start + name.utf8.count + 2, value.utf8.count))
        }
        bytes.withUnsafeBufferPointer { buffer in
            var block = HeaderBlock(capacity: 16)
            block.reset(base: buffer.baseAddress!)
            block.status = status
            for (start, nameCount, valueStart, valueCount) in places {
                let name = FieldName(buffer.baseAddress! + start, count: nameCount)
                block.fields[block.count] = Field(
                    start: UInt32(start), end: UInt32(valueStart + valueCount + 2), nameCount: UInt16(nameCount), name: name,
                    valueStart: UInt32(valueStart), valueCount: UInt32(valueCount))
                block.count += 1
                if name != .other { FieldReader.note(name, buffer.baseAddress! + valueStart, valueCount, &block) }
            }
            body(block)
        }
    }

    @Test func framing() {
        for (status, fields, isKept, reason) in [
            (200, [("Content-Length", "+5")], true, "content-length +5, which is not a number"),
            (200, [("Content-Length", "")], true, "content-length (empty), which is not a number"),
            (200, [("Content-Length", "5"), ("Content-Length", "6")], true, "content-length values that differ (5, 6)"),
            (204, [("Transfer-Encoding", "chunked")], true, "transfer-encoding chunked in a 204, which has no body"),
            (
                200, [("Content-Length", "5"), ("Transfer-Encoding", "chunked")], true,
                "content-length 5 and transfer-encoding chunked, which contradict each other"
            ),
            (
                200, [("Transfer-Encoding", "gzip")], true,
                "transfer-encoding gzip, which does not end in chunked, on a connection that is to be kept"
            ),
        ] as [(Int, [(String, String)], Bool, String)] {
            with(status, fields) { #expect(HeadFault.framing($0, isKept: isKept).reason == reason) }
        }
    }

    @Test func repetition() {
        for (fields, names, reason) in [
            ([("Date", "a"), ("X", "y"), ("Date", "a")], ["date"], "date more than once (lines 2 and 4, the same value)"),
            (
                [("Access-Control-Allow-Origin", "*"), ("access-control-allow-origin", "https://a")],
                ["access-control-allow-origin"], "access-control-allow-origin more than once (lines 2 and 3, different values)"
            ),
            ([("Content-Length", "5, 5")], ["content-length"], "content-length more than once in one line (line 2)"),
        ] as [([(String, String)], [String], String)] {
            with(200, fields) {
                let found = HeadFault.repetition($0)
                #expect(found.names == names && found.reason == reason, "\(found)")
            }
        }
        with(200, [("Set-Cookie", "a"), ("Set-Cookie", "b"), ("Vary", "a"), ("Vary", "b")]) {
            #expect(HeadFault.repetition($0).names == [])
        }
    }
}
