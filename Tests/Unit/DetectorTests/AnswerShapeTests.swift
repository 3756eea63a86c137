import Facts
import HTTP1
import Testing
import Wire

/// What answers look like from afar, and how alike two are.
@Suite struct AnswerShapeTests {
    private func shape(_ lines: [String]) -> UInt64 {
        let bytes = Array((lines.map { $0 + "\r\n" }.joined() + "\r\n").utf8)
        var block = HeaderBlock(capacity: 512)
        return bytes.withUnsafeBufferPointer {
            let outcome = HeadParser.response(
                $0.baseAddress!, count: $0.count, limits: HeadLimits(headerBytesMax: 1 << 20), into: &block)
            #expect(outcome == .complete)
            return AnswerShape.of(block)
        }
    }

    static let express = ["HTTP/1.1 200 OK", "X-Powered-By: Express", "Content-Type: a/b", "Content-Length: 3", "Date: x"]

    static let pairs: [(String, [String], Double)] = [
        ("the same again", express, 1),
        ("other values", ["HTTP/1.1 200 Fine", "X-Powered-By: E", "Content-Type: c", "Content-Length: 9", "Date: y"], 1),
        ("another order", ["HTTP/1.1 200 OK", "Date: x", "Content-Length: 3", "X-Powered-By: E", "Content-Type: a"], 1),
        ("one unknown field more", express + ["X-A: 1"], 0.6), ("one known field more", express + ["ETag: 1"], 0.15),
        ("a known field less", Array(express.dropLast()), 0.15),
        ("another status", ["HTTP/1.1 201 OK"] + express.dropFirst(), 0),
        ("HTTP/1.0", ["HTTP/1.0 200 OK"] + express.dropFirst(), 0.6), ("nothing but a status", ["HTTP/1.1 200 OK"], 0.15),
    ]

    @Test(arguments: pairs)
    func likeness(_ name: String, _ other: [String], _ expected: Double) {
        let (one, two) = (shape(Self.express), shape(other))
        #expect(AnswerShape.likeness(one, two) == expected && AnswerShape.likeness(two, one) == expected, "\(name)")
    }

    @Test(arguments: [100, 103, 200, 204, 404, 503, 599])
    func theStatusComesOut(_ status: Int) { #expect(AnswerShape.status(shape(["HTTP/1.1 \(status) X", "A: 1"])) == status) }

    /// More fields than a byte counts are as many as it can.
    @Test func veryManyFields() {
        let many = shape(["HTTP/1.1 200 OK"] + (0..<300).map { "X-\($0): 1" })
        let others = shape(["HTTP/1.1 200 OK"] + (0..<255).map { "Y-\($0): 1" })
        #expect(many == others && AnswerShape.status(many) == 200)
    }

    @Test func framingsByName() {
        let names: [(Answer.Framing, String)] = [
            (.none, "none"), (.length, "content-length"), (.chunked, "chunked"), (.untilClose, "close"), (.frames, "h2"),
        ]
        for (framing, name) in names {
            var answer = Answer()
            answer.framing = framing
            #expect(answer.framingName == name)
        }
    }
}
