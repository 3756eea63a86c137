import Testing
import Wire

@Suite struct MethodTests {
    private func method(_ text: String) -> Wire.Method {
        let bytes = Array(text.utf8)
        return Wire.Method(bytes, count: bytes.count)
    }

    @Test func everyMethod() {
        for expected in Wire.Method.allCases where expected != .other {
            #expect(method("\(expected.text)") == expected)
            // RFC 9110 section 9.1: methods are case-sensitive.
            #expect(method("\(expected.text)".lowercased()) == .other)
            #expect(method("\(expected.text)X") == .other)
            #expect(method(String("\(expected.text)".dropLast())) == .other)
        }
    }

    @Test(arguments: ["", "G", "QUERY", "PROPFIND", "_OTHER", "MKCOL", "GETT", "PUSH"]) func otherMethods(text: String) {
        #expect(method(text) == .other)
    }

    /// RFC 9110 section 9.2.2.
    @Test func idempotentOnes() {
        let idempotent: Set<Wire.Method> = [.get, .head, .put, .delete, .options, .trace]
        for method in Wire.Method.allCases { #expect(method.isIdempotent == idempotent.contains(method), "\(method)") }
    }

    @Test func versions() {
        #expect([HTTPVersion.http10, .http11, .http2].map(\.name) == ["http/1.0", "http/1.1", "h2"])
    }
}
