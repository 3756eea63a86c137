import Testing

@testable import JSON

@Suite struct JSONParserTests {
    @Test(arguments: [
        ("null", JSON.null), ("true", .bool(true)), (" false ", .bool(false)), ("0", .number("0")),
        ("-0.5e+10", .number("-0.5e+10")),
        ("\"\"", .string("")), (#""a\"\\\/\b\f\n\r\t""#, .string("a\"\\/\u{8}\u{C}\n\r\t")),
        (#""\u00e4\u20AC""#, .string("ä€")),
        (#""\ud83d\ude00""#, .string("😀")), (#""\ud83dx""#, .string("\u{FFFD}x")), (#""\ud83d\u0041""#, .string("\u{FFFD}A")),
        ("[]", .array([])), ("[1, [2]]", .array([.number("1"), .array([.number("2")])])), ("{}", .object([])),
        (#"{"a":{"b":[null]}}"#, .object([.init(key: "a", value: .object([.init(key: "b", value: .array([.null]))]))])),
    ]) func values(text: String, value: JSON) throws {
        #expect(try JSON.parse(text.utf8) == value)
    }

    @Test(arguments: [
        ("", "the text ends early", 0), ("nul", "no value", 0), ("01", "more after the end", 1), ("1.", "no digit", 2),
        ("-", "no digit", 1), ("1e", "no digit", 2), ("[1", "neither a comma nor an end", 2), ("[1,]", "no value", 3),
        ("{1:2}", "no key", 1), (#"{"a"}"#, "no colon after a key", 4), (#"{"a":1,}"#, "no key", 7),
        ("\"a", "a text without its end", 2),
        ("\"\u{1}\"", "a control character in a text", 1), (#""\x""#, "an unknown escape", 2),
        (#""\u12"#, "an escape without its digits", 3), (#""\u12g4""#, "an escape without its digits", 5),
        ("\"\\", "a text without its end", 2),
        ("1 2", "more after the end", 2), ("\u{FEFF}1", "no value", 0),
    ]) func faults(text: String, reason: String, offset: Int) {
        let fault = #expect(throws: JSONFault.self) { try JSON.parse(text.utf8) }
        #expect(fault == JSONFault(reason: reason, offset: offset))
    }

    @Test func depthIsBounded() throws {
        let deep = { (count: Int) in String(repeating: "[", count: count) + String(repeating: "]", count: count) }
        #expect(throws: Never.self) { try JSON.parse(deep(JSONParser.depthMax).utf8) }
        let fault = #expect(throws: JSONFault.self) { try JSON.parse(deep(JSONParser.depthMax + 1).utf8) }
        #expect(fault?.reason == "nested too deeply")
        #expect(throws: JSONFault.self) { try JSON.parse([UInt8](repeating: UInt8(ascii: "{"), count: 1 << 20)) }
    }

    /// Whatever the bytes: a value or a fault, and cut anywhere a whole record is none.
    @Test func cutAnywhereItIsAFault() throws {
        let text = Array(#"{"time":"2026-11-22T09:15:03Z","n":[-1.5e3,true,null,"\u00e4\ud83d\ude00"],"o":{"a":{}}}"#.utf8)
        _ = try JSON.parse(text)
        for count in text.indices { #expect(throws: JSONFault.self) { try JSON.parse(text[..<count]) } }
        for index in text.indices {
            for byte in [UInt8(0), 0x22, 0x5C, 0x7B, 0x5D, 0xFF] {
                var changed = text
                changed[index] = byte
                _ = try? JSON.parse(changed)
            }
        }
    }

    @Test func bytesThatAreNoUTF8AreReplaced() throws {
        #expect(try JSON.parse([0x22, 0xFF, 0x22]) == .string("\u{FFFD}"))
    }

    @Test func members() throws {
        let record = try JSON.parse(#"{"n":12,"f":1.5,"s":"x","n":13,"a":[1]}"#.utf8)
        #expect(record["n"]?.integer == 12 && record["f"]?.number == 1.5 && record["f"]?.integer == nil)
        #expect(record["s"]?.string == "x" && record["a"]?.array?.count == 1 && record["x"] == nil && record["s"]?["x"] == nil)
        #expect(record.members?.count == 5)
    }
}
