import Testing

@testable import Proxy

@Suite struct ProxyHeaderTests {
    /// The outcome in words: `17 192.0.2.1:5`, `12 -` for a header without an address, `incomplete` or `malformed`.
    static func read(_ bytes: [UInt8]) -> String {
        switch bytes.withUnsafeBufferPointer({ ProxyHeader.read($0) }) {
        case .incomplete: "incomplete"
        case .malformed: "malformed"
        case .complete(let count, let source): "\(count) \(source?.text ?? "-")"
        }
    }

    static let signature: [UInt8] = [0x0d, 0x0a, 0x0d, 0x0a, 0, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]

    static func binary(_ command: UInt8, _ family: UInt8, _ body: [UInt8]) -> [UInt8] {
        signature + [command, family, UInt8(body.count >> 8), UInt8(body.count & 255)] + body
    }

    static let v4: [UInt8] = [192, 0, 2, 1, 198, 51, 100, 2, 0xdc, 0x04, 0x01, 0xbb]

    @Test(arguments: [
        ("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n", "45 192.0.2.1:56324"),
        ("PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n", "44 [2001:db8::1]:1"),
        ("PROXY UNKNOWN\r\n", "15 -"),
        ("PROXY UNKNOWN ffff:f ffff:f 1 2\r\n", "33 -"),
        ("PROXY TCP4 192.0.2.1 198.51.100.2 0 0\r\n", "39 192.0.2.1"),
        ("PROXY TCP4 192.0.2.1 198.51.100.2 65536 443\r\n", "malformed"),
        ("PROXY TCP4 192.0.2.1 198.51.100.2 01 443\r\n", "malformed"),
        ("PROXY TCP4 192.0.2.1 198.51.100.2 1\r\n", "malformed"),
        ("PROXY TCP4  192.0.2.1 198.51.100.2 1 2\r\n", "malformed"),
        ("PROXY TCP4 192.0.2.1 198.51.100.2 1 2 \r\n", "malformed"),
        ("PROXY TCP4 192.0.2.256 198.51.100.2 1 2\r\n", "malformed"),
        ("PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n", "malformed"),
        ("PROXY TCP6 192.0.2.1 198.51.100.2 1 2\r\n", "malformed"),
        ("PROXY TCP4 192.0.2.1 198.51.100.2 1 2\n", "malformed"),
        ("PROXY TCP4 192.0.2.1\u{0} 198.51.100.2 1 2\r\n", "malformed"),
        ("PROXY UDP4 192.0.2.1 198.51.100.2 1 2\r\n", "malformed"),
        ("GET / HTTP/1.1\r\n", "malformed"),
        ("proxy UNKNOWN\r\n", "malformed"),
    ])
    func version1(line: String, expected: String) {
        let bytes = Array(line.utf8)
        #expect(Self.read(bytes + Array("GET".utf8)) == expected)
        guard expected != "malformed" else { return }
        for count in 0..<bytes.count { #expect(Self.read(Array(bytes[..<count])) == "incomplete") }
    }

    @Test func aLineThatNeverEnds() {
        #expect(Self.read(Array(("PROXY UNKNOWN " + String(repeating: "a", count: 92)).utf8)) == "incomplete")
        #expect(Self.read(Array(("PROXY UNKNOWN " + String(repeating: "a", count: 93)).utf8)) == "malformed")
    }

    @Test(arguments: [
        (binary(0x21, 0x11, v4), "28 192.0.2.1:56324"),
        (binary(0x21, 0x11, v4 + [4, 0, 1, 7]), "32 192.0.2.1:56324"),
        (
            binary(0x21, 0x21, [UInt8](repeating: 0, count: 15) + [1] + [UInt8](repeating: 0, count: 16) + [0, 80, 0, 81]),
            "52 [::1]:80"
        ),
        (
            binary(
                0x21, 0x21,
                [UInt8](repeating: 0, count: 10) + [255, 255, 10, 0, 0, 1] + [UInt8](repeating: 0, count: 16) + [0, 80, 0, 81]),
            "52 10.0.0.1:80"
        ),
        (binary(0x20, 0x11, v4), "28 -"),
        (binary(0x20, 0x00, []), "16 -"),
        (binary(0x21, 0x00, [1, 2, 3]), "19 -"),
        (binary(0x21, 0x31, [UInt8](repeating: 65, count: 216)), "232 -"),
        (binary(0x21, 0x11, Array(v4.dropLast())), "malformed"),
        (binary(0x22, 0x11, v4), "malformed"),
        (binary(0x11, 0x11, v4), "malformed"),
        (binary(0x21, 0x11, v4 + [UInt8](repeating: 0, count: 5000)), "malformed"),
    ])
    func version2(bytes: [UInt8], expected: String) {
        #expect(Self.read(bytes + [0x47]) == expected)
        guard expected != "malformed" else { return }
        for count in 0..<bytes.count { #expect(Self.read(Array(bytes[..<count])) == "incomplete") }
    }
}
