import Chance
import Testing

/// Whatever stands where a PROXY header is due: nothing traps, and where it is cut changes nothing.
@Suite struct ProxyHeaderMutationTests {
    private static let headers =
        [
            "PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\nGET / HTTP/1.1\r\n",
            "PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n",
            "PROXY UNKNOWN ffff:f ffff:f 1 2\r\n",
        ].map { Array($0.utf8) } + [
            ProxyHeaderTests.binary(0x21, 0x11, ProxyHeaderTests.v4),
            ProxyHeaderTests.binary(0x21, 0x21, [UInt8](repeating: 1, count: 36) + [4, 0, 3, 1, 2, 3]),
            ProxyHeaderTests.binary(0x20, 0, []),
        ]

    @Test(arguments: 0..<3000) func anyBytes(seed: UInt64) {
        var chance = Chance(seed: seed)
        let bytes = chance.oneIn(8) ? chance.bytes(chance.below(64)) : chance.mutated(chance.pick(Self.headers))
        let whole = ProxyHeaderTests.read(bytes)
        let part = ProxyHeaderTests.read(Array(bytes[..<chance.below(bytes.count + 1)]))
        #expect(part == "incomplete" || part == whole)
    }
}
