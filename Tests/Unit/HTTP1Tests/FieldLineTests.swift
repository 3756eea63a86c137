import HTTP1
import Testing
import Wire

/// Field lines (RFC 9112 section 5), in header blocks and in trailer sections.
@Suite struct FieldLineTests {
    @Test(
        arguments: [
            ("A: b\r\n", ["A: b"]),
            ("A:b\r\n", ["A: b"]),
            ("A: \t b c\t \r\n", ["A: b c"]),
            ("A:\r\n", ["A: "]),
            ("A:   \r\n", ["A: "]),
            ("A: b:c, \"d\"\r\n", ["A: b:c, \"d\""]),
            ("A: \u{e9}\r\n", ["A: \u{e9}"]),
            ("A: x\ty\r\n", ["A: x\ty"]),
            (
                "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nset-cookie: c=3\r\n",
                ["Set-Cookie: a=1", "Set-Cookie: b=2", "set-cookie: c=3"]
            ),
            ("!#$%&'*+-.^_`|~09azAZ: token\r\n", ["!#$%&'*+-.^_`|~09azAZ: token"]),
        ] as [(String, [String])])
    func fieldLines(lines: String, fields: [String]) {
        let text = "HTTP/1.1 200 OK\r\n\(lines)\r\n"
        let head = ParsedHead(.response, text)
        #expect(head.outcome == .complete)
        #expect(head.fields == fields)
        #expect(head.byteCount == text.utf8.count)
        #expect(everyCutAgrees(.response, Array(text.utf8), nil))
        #expect(ParsedHead(.request, "GET / HTTP/1.1\r\n\(lines)\r\n").fields == fields)
        #expect(ParsedHead(.trailers, "\(lines)\r\n").fields == fields)
        #expect(everyCutAgrees(.trailers, Array("\(lines)\r\n".utf8), nil))
    }

    @Test(
        arguments: [
            (" A: b\r\n\r\n", Malformation.foldedLine),
            ("A: b\r\n c\r\n\r\n", .foldedLine),
            ("A: b\r\n\tc\r\n\r\n", .foldedLine),
            ("A: b\r\n \r\n\r\n", .foldedLine),
            ("A : b\r\n\r\n", .spaceBeforeColon),
            ("A\t: b\r\n\r\n", .spaceBeforeColon),
            ("A B: c\r\n\r\n", .spaceBeforeColon),
            (": b\r\n\r\n", .fieldName),
            ("A\r\n\r\n", .fieldName),
            ("A\u{0}: b\r\n\r\n", .fieldName),
            ("A(b): c\r\n\r\n", .fieldName),
            ("\u{e9}: b\r\n\r\n", .fieldName),
            ("\"A\": b\r\n\r\n", .fieldName),
            ("A: b\u{0}\r\n\r\n", .fieldValue),
            ("A: b\u{1b}c\r\n\r\n", .fieldValue),
            ("A: b\u{7f}\r\n\r\n", .fieldValue),
            ("A: b\rC: d\r\n\r\n", .lineEnd),
            ("A: b\r\r\n\r\n", .lineEnd),
            ("A\n: b\r\n\r\n", .lineEnd),
            ("A: b\r\n\r\r\n", .lineEnd),
        ] as [(String, Malformation)])
    func malformedFieldLines(lines: String, fault: Malformation) {
        for (kind, start) in [
            (ParsedHead.Kind.request, "GET / HTTP/1.1\r\n"), (.response, "HTTP/1.1 200 OK\r\n"), (.trailers, ""),
        ] {
            #expect(ParsedHead(kind, start + lines).outcome == .malformed(fault), "\(kind)")
            #expect(everyCutAgrees(kind, Array((start + lines).utf8), fault), "\(kind)")
        }
    }

    /// Only an answer's header block may have them (RFC 9112 section 2.2): readers that differ let requests be smuggled.
    @Test(arguments: ["A: b\n\r\n", "A: b\nC: d\r\n\r\n", "\n", "A: b\r\n\n"]) func bareLineFeeds(lines: String) {
        for (kind, start) in [(ParsedHead.Kind.request, "GET / HTTP/1.1\r\n"), (.trailers, "")] {
            #expect(ParsedHead(kind, start + lines).outcome == .malformed(.lineEnd), "\(kind)")
            #expect(everyCutAgrees(kind, Array((start + lines).utf8), .lineEnd), "\(kind)")
        }
        #expect(ParsedHead(.response, "HTTP/1.1 200 OK\r\n" + lines).outcome == .complete)
    }

    @Test func everyByteOfANameAndOfAValue() {
        for byte in UInt8.min...UInt8.max {
            let inName = ParsedHead(.trailers, [0x41, byte] + Array("B: c\r\n\r\n".utf8)).outcome == .complete
            #expect(inName == (tokenCharacters.contains(byte) || byte == 0x3a), "\(byte)")
            let inValue = ParsedHead(.trailers, Array("A: bcdefghijk".utf8) + [byte] + Array("l\r\n\r\n".utf8))
            #expect((inValue.outcome == .complete) == (byte == 0x09 || byte >= 0x20 && byte != 0x7f), "\(byte)")
        }
    }

    @Test func aControlCharacterIsFoundAtEveryPlace() {
        for place in 0..<40 {
            var value = [UInt8](repeating: 0x80, count: 40)
            value[place] = 0x01
            let bytes = Array("A:".utf8) + value + Array("\r\n\r\n".utf8)
            #expect(ParsedHead(.trailers, bytes).outcome == .malformed(.fieldValue), "\(place)")
        }
    }

    // MARK: Limits

    @Test func aHeadOfJustTheLimitPasses() {
        let request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        #expect(ParsedHead(.request, request, limit: request.utf8.count).outcome == .complete)
        #expect(ParsedHead(.request, request + "more", limit: request.utf8.count).outcome == .complete)
        for limit in 0..<request.utf8.count {
            #expect(ParsedHead(.request, request, limit: limit).outcome == .malformed(.headerTooLarge), "\(limit)")
        }
        let response = "HTTP/1.1 200 OK\r\nA: b\r\n\r\n"
        #expect(ParsedHead(.response, response, limit: response.utf8.count).outcome == .complete)
        for limit in 0..<response.utf8.count {
            #expect(ParsedHead(.response, response, limit: limit).outcome == .malformed(.headerTooLarge), "\(limit)")
        }
        #expect(ParsedHead(.trailers, "A: b\r\n\r\n", limit: 8).outcome == .complete)
        #expect(ParsedHead(.trailers, "A: b\r\n\r\n", limit: 7).outcome == .malformed(.headerTooLarge))
    }

    /// With nothing beyond the limit in sight, there may still be an end within it.
    @Test func atTheLimitTheEndIsWaitedFor() {
        #expect(ParsedHead(.request, "GET / HTTP/1.1\r\nA: ", limit: 19).outcome == .incomplete)
        #expect(ParsedHead(.request, "GET / HTTP/1.1\r\nA: b", limit: 19).outcome == .malformed(.headerTooLarge))
    }

    @Test func asManyFieldsAsTheLimit() {
        let line = "A: b\r\n"
        let start = "GET / HTTP/1.1\r\n"
        #expect(ParsedHead(.request, start + String(repeating: line, count: 7) + "\r\n", capacity: 7).fields.count == 7)
        let eight = ParsedHead(.request, start + String(repeating: line, count: 8) + "\r\n", capacity: 7)
        #expect(eight.outcome == .malformed(.tooManyFields))
    }

    @Test func aNameLongerThanAnyoneReads() {
        let name = String(repeating: "a", count: 65_535)
        #expect(ParsedHead(.trailers, name + ": b\r\n\r\n", limit: 1 << 20).outcome == .complete)
        #expect(ParsedHead(.trailers, name + "a: b\r\n\r\n", limit: 1 << 20).outcome == .malformed(.fieldName))
    }
}
