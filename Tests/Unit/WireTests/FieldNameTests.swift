import Chance
import Testing
import Wire

@Suite struct FieldNameTests {
    private func name(_ text: String) -> FieldName {
        let bytes = Array(text.utf8)
        return FieldName(bytes, count: bytes.count)
    }

    @Test func everyNameInAnyCase() {
        var chance = Chance(seed: 1)
        for expected in FieldName.allCases where expected != .other {
            let text = "\(expected.text)"
            #expect(name(text) == expected)
            #expect(name(text.uppercased()) == expected)
            let mixed = text.map { chance.oneIn(2) ? $0.uppercased() : $0.lowercased() }.joined()
            #expect(name(mixed) == expected, "\(mixed)")
        }
    }

    /// A name with one byte changed, added or taken away is another name.
    @Test func nothingElseIsTakenForOne() {
        for known in FieldName.allCases where known != .other {
            let text = Array("\(known.text)".utf8)
            for place in text.indices {
                for byte in UInt8.min...UInt8.max {
                    var changed = text
                    changed[place] = byte
                    let found = FieldName(changed, count: changed.count)
                    let lower = byte &- 0x41 < 26 ? byte | 0x20 : byte
                    #expect((found == known) == (lower == text[place]), "\(known) with \(byte) at \(place)")
                }
            }
            #expect(FieldName(text + [0x78], count: text.count + 1) != known)
            #expect(FieldName(text, count: text.count - 1) != known)
        }
        #expect(FieldName([0x61], count: 0) == .other)
    }

    /// No two names may share a bit of the masks that header blocks keep.
    @Test func namesFitTheMasks() {
        #expect(FieldName.allCases.allSatisfy { $0.rawValue < 32 })
        #expect(Set(FieldName.allCases.map { "\($0.text)" }).count == FieldName.allCases.count)
    }

    /// RFC 9110 section 7.6.1, and RFC 9113 section 8.2.2 for what HTTP/2 must not carry.
    @Test func hopByHop() {
        let names: Set<FieldName> = [
            .connection, .keepAlive, .proxyConnection, .te, .transferEncoding, .upgrade, .http2Settings,
        ]
        for name in FieldName.allCases { #expect(name.isHopByHop == names.contains(name), "\(name)") }
    }

    @Test func singletons() {
        let names: Set<FieldName> = [
            .contentLength, .contentType, .contentRange, .location, .date, .etag, .lastModified, .age, .expires, .retryAfter,
            .host, .accessControlAllowOrigin,
        ]
        for name in FieldName.allCases { #expect(name.isSingleton == names.contains(name), "\(name)") }
    }

    @Test func equalityIgnoringCase() {
        #expect(equalsIgnoringCase(Array("ChUnKeD".utf8), "chunked", count: 7))
        #expect(!equalsIgnoringCase(Array("chunke".utf8), "chunked", count: 6))
        #expect(!equalsIgnoringCase(Array("chunked,".utf8), "chunked", count: 8))
        // Only letters have a case: `[` and `{`, `@` and a grave accent differ in the same bit.
        #expect(!equalsIgnoringCase(Array("\r".utf8), "-", count: 1))
        #expect(!equalsIgnoringCase(Array("@".utf8), "`", count: 1))
        #expect(!equalsIgnoringCase(Array("[".utf8), "{", count: 1))
    }
}
