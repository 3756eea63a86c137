import EventLoop
import Testing
import Wire

@testable import Proxy

@Suite struct WebSocketKeyTests {
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

    /// RFC 6455 section 4.1: sixteen bytes in base64, another value for each handshake.
    @Test func aNewKeyIsSixteenBytes() {
        var random = RandomNumbers(seed: 5)
        var keys: Set<String> = []
        for _ in 0..<200 {
            let line = ReadBlock.written { WebSocketKey.put(&random, &$0) }
            #expect(line.hasPrefix("Sec-WebSocket-Key: ") && line.hasSuffix("==\r\n"))
            let key = line.dropFirst("Sec-WebSocket-Key: ".count).dropLast("==\r\n".count)
            #expect(key.utf8.count == 22)
            #expect(key.utf8.allSatisfy { UInt8(ascii: "+") == $0 || $0 == UInt8(ascii: "/") || isLetterOrDigit($0) })
            // The last digit has two bits.
            #expect("AQgw".contains(key.last ?? "-"))
            keys.insert(String(key))
        }
        #expect(keys.count == 200)
    }

    private func isLetterOrDigit(_ byte: UInt8) -> Bool {
        byte &- 0x30 < 10 || (byte | 0x20) &- 0x61 < 26
    }

    @Test(
        arguments: [
            ("GET", ["Upgrade: websocket", "Sec-WebSocket-Key: x"], true),
            ("GET", ["UPGRADE: WebSocket", "sec-websocket-key: x"], true),
            ("POST", ["Upgrade: websocket", "Sec-WebSocket-Key: x"], false),
            ("GET", ["Upgrade: websocket"], false), ("GET", ["Sec-WebSocket-Key: x"], false),
            ("GET", ["Upgrade: websocket, foo", "Sec-WebSocket-Key: x"], false),
            ("GET", ["Upgrade: websockets", "Sec-WebSocket-Key: x"], false),
            ("GET", ["Upgrade: foo", "Upgrade: websocket", "Sec-WebSocket-Key: x"], false),
            ("GET", ["Upgrade: websocket", "Sec-WebSocket-Keys: x", "Sec-WebSocket-Version: 13"], false),
        ] as [(String, [String], Bool)])
    func handshakes(_ method: String, _ lines: [String], _ expected: Bool) throws {
        let isAsked = try ReadBlock.of(.request, ["\(method) / HTTP/1.1", "Host: a"] + lines) { WebSocketKey.isAsked(by: $0) }
        #expect(isAsked == expected)
    }
}
