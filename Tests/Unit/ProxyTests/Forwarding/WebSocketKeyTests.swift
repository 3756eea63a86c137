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
}
