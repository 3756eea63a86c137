import Testing

@testable import Tail

@Suite struct AdminAddressTests {
    @Test(arguments: [
        ("127.0.0.1:9180", "127.0.0.1:9180", "", "127.0.0.1:9180"), (":9180", ":9180", "", "localhost:9180"),
        ("[::1]:9180", "[::1]:9180", "", "[::1]:9180"), ("unix:/run/s.sock", "unix:/run/s.sock", "", "localhost"),
        ("http://localhost:9180/", "localhost:9180", "", "localhost:9180"),
        ("http://a.example/x/incidents/stream?kind=y", "a.example:80", "/x", "a.example"),
        ("http://[::1]/incidents", "[::1]:80", "", "[::1]"),
    ]) func reads(text: String, address: String, prefix: String, host: String) throws {
        let place = try #require(try AdminAddress(text))
        #expect("\(place.address)" == address && place.prefix == prefix && place.host == host)
    }

    @Test(arguments: ["incidents.jsonl", "a:b", "/var/log/x.jsonl"]) func isAFile(text: String) throws {
        #expect(try AdminAddress(text) == nil)
    }

    @Test(arguments: ["https://a:1", "http://", "http://a b/"]) func cannotBe(text: String) {
        #expect(throws: UsageFault.self) { try AdminAddress(text) }
    }
}
