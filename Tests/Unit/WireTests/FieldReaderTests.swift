import Chance
import Testing
import Wire

@Suite struct FieldReaderTests {
    private func elements(_ text: String) -> [String] {
        let bytes = Array(text.utf8)
        var found: [String] = []
        FieldReader.eachElement(bytes, bytes.count) {
            found.append(String(decoding: UnsafeBufferPointer(start: $0, count: $1), as: UTF8.self))
        }
        return found
    }

    /// RFC 9110 section 5.6.1: empty elements do not count.
    @Test(
        arguments: [
            ("", []), ("a", ["a"]), ("a,b", ["a", "b"]), (" a ,\tb\t", ["a", "b"]), (",a,,b,", ["a", "b"]), (", ,\t,", []),
            ("a b,c", ["a b", "c"]), ("   ", []), ("a,", ["a"]),
        ] as [(String, [String])])
    func lists(text: String, expected: [String]) {
        #expect(elements(text) == expected)
    }

    @Test(arguments: 0..<300) func randomLists(seed: UInt64) {
        var chance = Chance(seed: seed)
        let text = String((0..<chance.below(30)).map { _ in chance.pick(Array("ab ,\t")) })
        let expected = text.split(separator: ",").map { part in
            let blanks: Set<Character> = [" ", "\t"]
            return String(part.drop { blanks.contains($0) }.reversed().drop { blanks.contains($0) }.reversed())
        }
        #expect(elements(text) == expected.filter { !$0.isEmpty })
    }

    @Test(
        arguments: [
            ("0", 0), ("7", 7), ("0042", 42), ("999999999999999999", 999_999_999_999_999_999), ("000000000000000001", 1),
            ("", nil),
            ("1000000000000000000", nil), ("0000000000000000001", nil), ("18446744073709551616", nil), ("-1", nil), ("+1", nil),
            ("1.", nil), (" 1", nil), ("1 ", nil), ("0x1", nil), ("１", nil), ("a", nil), ("/", nil), (":", nil),
        ] as [(String, UInt64?)])
    func decimals(text: String, expected: UInt64?) {
        let bytes = Array(text.utf8)
        #expect(FieldReader.decimal(bytes, bytes.count) == expected)
    }

    /// The facts do not depend on how the lines of one field are divided.
    @Test func linesAndListsSayTheSame() {
        for values in [["gzip", "chunked"], ["chunked", "gzip"], ["chunked", "chunked"], ["gzip", "br"]] {
            var lines = HeaderBlock(capacity: 4)
            for value in values { note(.transferEncoding, value, &lines) }
            var list = HeaderBlock(capacity: 4)
            note(.transferEncoding, values.joined(separator: ", "), &list)
            #expect(lines.facts == list.facts, "\(values)")
        }
    }

    @Test func upgradeNeedsBothFields() {
        for (fields, expected) in [
            ([FieldName.connection, .upgrade], true), ([.upgrade, .connection], true), ([.connection], false),
            ([.upgrade], false),
        ] as [([FieldName], Bool)] {
            var block = HeaderBlock(capacity: 4)
            for field in fields { note(field, field == .connection ? "keep-alive, upgrade" : "websocket", &block) }
            FieldReader.conclude(&block)
            #expect(block.facts.contains(.upgrade) == expected, "\(fields)")
        }
    }

    @Test func nothingTraps() {
        var chance = Chance(seed: 2)
        for _ in 0..<20_000 {
            var block = HeaderBlock(capacity: 1)
            for _ in 0..<1 + chance.below(3) {
                let count = chance.below(24)
                let value =
                    chance.oneIn(3)
                    ? chance.bytes(count) : (0..<count).map { _ in chance.pick(Array("0159,; \tchunked=".utf8)) }
                FieldReader.note(chance.pick(FieldName.allCases), value, value.count, &block)
            }
            FieldReader.conclude(&block)
            #expect(block.contentLength <= 999_999_999_999_999_999 && block.keepAliveSeconds <= 86_400)
        }
    }

    private func note(_ name: FieldName, _ value: String, _ block: inout HeaderBlock) {
        let bytes = Array(value.utf8)
        FieldReader.note(name, bytes, bytes.count, &block)
    }
}
