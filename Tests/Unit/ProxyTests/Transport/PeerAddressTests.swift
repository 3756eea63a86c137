import CShim
import Configuration
import EventLoop
import Testing

@testable import Proxy

/// Peers' addresses: from the kernel, from what somebody has written down, and against the networks that are trusted.
@Suite struct PeerAddressTests {
    private func parsed(_ text: String) -> PeerAddress? {
        Array(text.utf8).withUnsafeBufferPointer { PeerAddress(text: $0) }
    }

    @Test(arguments: [
        ("192.0.2.1", "192.0.2.1"), ("192.0.2.1:80", "192.0.2.1:80"), ("192.0.2.1:0", "192.0.2.1"), ("192.0.2.1:", "192.0.2.1"),
        ("192.0.2.1:65535", "192.0.2.1:65535"), ("192.0.2.1:65536", "192.0.2.1"), ("192.0.2.1:99999999999", "192.0.2.1"),
        ("192.0.2.1:_hidden", "192.0.2.1"), ("192.0.2.1:8o", "192.0.2.1"), ("2001:db8::1", "2001:db8::1"), ("::", "::"),
        ("[2001:DB8::1]", "2001:db8::1"), ("[2001:db8::1]:8080", "[2001:db8::1]:8080"), ("[::1]:", "::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"), ("[::ffff:c000:201]:5", "192.0.2.1:5"), ("[192.0.2.1]:5", "192.0.2.1:5"),
    ])
    func addresses(_ text: String, _ expected: String) { #expect(parsed(text)?.text == expected) }

    @Test(arguments: [
        "", "1", "unknown", "_id", "192.0.2", "192.0.2.256", "192.0.2.1.", " 192.0.2.1", "192.0.2.1 ", "192.0.2.01x",
        "0x7f.1.1.1",
        "[", "[]", "[::1", "[::1]80", "[::1]x:80", "::1]", "1:2:3", ":::", "fe80::1%eth0", "[fe80::1%1]:80", "192.0.2.1\u{0}",
        "a.example:80", "[::1]:80:", "2001:db8:0:0:0:0:0:1:2",
    ])
    func noAddresses(_ text: String) {
        guard text != "[::1]:80:" else { return #expect(parsed(text)?.text == "::1", "a port that is none says nothing") }
        #expect(parsed(text) == nil, "\(text)")
    }

    @Test func textsOfAnyLengthAreRefused() {
        #expect(parsed(String(repeating: "1", count: 64)) == nil && parsed(String(repeating: "1", count: 65)) == nil)
        let longest = "[0000:0000:0000:0000:0000:ffff:255.255.255.255]:65535"
        #expect(parsed(longest)?.text == "255.255.255.255:65535")
        #expect(parsed("[\(String(repeating: "0", count: 46))]") == nil)
    }

    @Test(arguments: ["127.0.0.1:80", "[::1]:443", "[::ffff:10.0.0.1]:5", "0.0.0.0:1"])
    func ofTheKernel(_ text: String) throws {
        let address = try Plan.resolve(Address.parse(text))
        #expect(PeerAddress(address.storage).text == parsed(text)?.text)
        let unix = try #require(SocketAddress(unixPath: "/x"))
        #expect(PeerAddress(unix.storage).isUnix && PeerAddress(unix.storage).text == "unix")
    }

    @Test(arguments: [
        ("10.1.2.3", "10.0.0.0/8", true), ("11.0.0.0", "10.0.0.0/8", false), ("10.0.0.1", "10.0.0.1", true),
        ("10.0.0.2", "10.0.0.1", false), ("192.168.127.255", "192.168.0.0/17", true),
        ("192.168.128.0", "192.168.0.0/17", false),
        ("255.255.255.255", "0.0.0.0/0", true), ("127.255.0.1", "0.0.0.0/1", true), ("128.0.0.1", "0.0.0.0/1", false),
        ("10.0.0.0", "10.0.0.0/31", true), ("10.0.0.2", "10.0.0.0/31", false), ("fd12::1", "fd00::/8", true),
        ("fe00::1", "fd00::/8", false), ("2001:db8::1", "2001:db8::/127", true), ("2001:db8::2", "2001:db8::/127", false),
        ("::1", "::/0", true), ("10.0.0.1", "::/0", false), ("::1", "0.0.0.0/0", false),
        // An IPv4 client of a listener for both is an IPv4 client.
        ("::ffff:10.0.0.1", "10.0.0.0/8", true), ("10.0.0.1", "unix", false),
    ])
    func networks(_ text: String, _ block: String, _ expected: Bool) throws {
        let block = try #require(AddressBlock(block))
        #expect(try #require(parsed(text)).isIn(block) == expected)
    }

    @Test func aUnixPeerIsInNoNetworkButItsOwn() throws {
        #expect(PeerAddress().isIn(.unix))
        for block in ["0.0.0.0/0", "::/0"] { #expect(!PeerAddress().isIn(try #require(AddressBlock(block)))) }
    }
}
