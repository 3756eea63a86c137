import Testing
import Wire

@Suite struct UpgradeProtocolTests {
    @Test(arguments: ["websocket", "WebSocket", "echo/1", "SPICE", "connect-udp", "h", "hx", "https2", "tlsx"])
    func mayBeTunnelled(name: String) {
        #expect(Array(name.utf8).withUnsafeBufferPointer { UpgradeProtocol.mayBeTunnelled($0.baseAddress!, $0.count) })
    }

    /// Requests would pass unseen behind a tunnel for one of these.
    @Test(arguments: [
        "h2c", "H2C", "h2", "h2c-14", "h3", "h3-29", "HTTP/2.0", "http", "HTTP/1.1", "https", "TLS/1.0", "tls", "SSL/3.0",
        "SPDY/3",
    ])
    func belongsToOneHop(name: String) {
        #expect(!Array(name.utf8).withUnsafeBufferPointer { UpgradeProtocol.mayBeTunnelled($0.baseAddress!, $0.count) })
    }
}
