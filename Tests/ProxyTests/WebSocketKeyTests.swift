import EventLoop
import Testing
import Wire

@testable import Proxy

@Suite struct WebSocketKeyTests {
    private func hex(_ text: String) -> String {
        SHA1.digest(of: Array(text.utf8)).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// FIPS 180's own examples, and lengths around a block's end.
    @Test func digests() {
        #expect(hex("") == "da39a3ee5e6b4b0d3255bfef95601890afd80709")
        #expect(hex("abc") == "a9993e364706816aba3e25717850c26c9cd0d89d")
        #expect(
            hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") == "84983e441c3bd26ebaae4aa1f95129e5e54670f1")
        #expect(hex(String(repeating: "a", count: 55)) == "c1c8bbdc22796e28c0e15163d20899b65621d65a")
        #expect(hex(String(repeating: "a", count: 64)) == "0098ba824b5c16427bd7a1122a5a442a25ec644d")
        #expect(hex(String(repeating: "a", count: 1_000)) == "291e9a6c66994949b57ba5e650361e98fc36b1ba")
    }

    /// RFC 6455 section 1.3.
    @Test func theProofOfTheStandardsExample() {
        var head = Array("GET / HTTP/1.1\r\nHost: a\r\nsec-webSocket-KEY: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".utf8)
        head.withUnsafeMutableBufferPointer {
            var record = RequestRecord()
            record.head.base = $0.baseAddress
            record.head.end = UInt32($0.count)
            #expect(
                String(decoding: WebSocketKey.accept(record), as: UTF8.self)
                    == "Upgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n")
        }
        #expect(WebSocketKey.accept(RequestRecord()).isEmpty)
    }
}
