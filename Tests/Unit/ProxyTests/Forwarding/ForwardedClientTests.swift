import Configuration
import HTTP1
import Testing
import Wire

@testable import Proxy

@Suite struct ForwardedClientTests {
    /// Whom a request with these field lines came from, by way of 10.0.0.1; 10.0.0.0/8 and fd00::/8 are trusted.
    static func client(_ lines: String...) -> String {
        let text = Array("GET / HTTP/1.1\r\nHost: a\r\n\(lines.map { "\($0)\r\n" }.joined())\r\n".utf8)
        var block = HeaderBlock(capacity: 16)
        return text.withUnsafeBufferPointer { bytes in
            let outcome = HeadParser.request(
                bytes.baseAddress!, count: bytes.count, limits: HeadLimits(headerBytesMax: 4096), into: &block)
            guard outcome == .complete else { return "\(outcome)" }
            let trusted = [AddressBlock("10.0.0.0/8")!, AddressBlock("fd00::/8")!]
            let peer = Array("10.0.0.1:99".utf8).withUnsafeBufferPointer { PeerAddress(text: $0)! }
            return ForwardedClient.find(block, peer: peer, trusted: trusted).text
        }
    }

    @Test func theLastAddressThatIsNoProxysIsTheClients() {
        #expect(Self.client() == "10.0.0.1:99")
        #expect(Self.client("X-Forwarded-For: 192.0.2.7") == "192.0.2.7")
        #expect(Self.client("X-Forwarded-For: 6.6.6.6, 192.0.2.7 ,10.0.0.2, fd00::1") == "192.0.2.7")
        #expect(Self.client("X-Forwarded-For: 6.6.6.6", "X-Forwarded-For: 192.0.2.7, 10.0.0.2") == "192.0.2.7")
        #expect(Self.client("X-Forwarded-For: 192.0.2.7:1234") == "192.0.2.7:1234")
        #expect(Self.client("X-Forwarded-For: [2001:db8::7]:1234") == "[2001:db8::7]:1234")
        #expect(Self.client("X-Forwarded-For: 2001:db8::7") == "2001:db8::7")
        #expect(Self.client("X-Forwarded-For: 10.0.0.3, 10.0.0.2") == "10.0.0.3", "all trusted: the first")
    }

    @Test func whatIsNoAddressEndsTheBelief() {
        #expect(Self.client("X-Forwarded-For: 6.6.6.6, unknown, 10.0.0.2") == "10.0.0.2")
        #expect(Self.client("X-Forwarded-For: 6.6.6.6, 10.0.0.256") == "10.0.0.1:99")
        #expect(Self.client("X-Forwarded-For: ,, ,") == "10.0.0.1:99")
        #expect(Self.client("X-Forwarded-For: 192.0.2.7,") == "192.0.2.7")
    }

    @Test func forwardedSaysItToo() {
        #expect(Self.client("Forwarded: for=192.0.2.7;proto=https") == "192.0.2.7")
        #expect(
            Self.client(#"Forwarded: for=6.6.6.6, proto=http; For="[2001:db8::7]:80" , for=10.0.0.2"#) == "[2001:db8::7]:80")
        #expect(Self.client("Forwarded: for=6.6.6.6, by=10.0.0.2") == "10.0.0.1:99")
        #expect(Self.client("Forwarded: for=_hidden") == "10.0.0.1:99")
        #expect(
            Self.client("Forwarded: for=6.6.6.6", "X-Forwarded-For: 192.0.2.7") == "192.0.2.7", "X-Forwarded-For comes first")
    }
}
