import Testing

@testable import Configuration

@Suite struct AddressTests {
    @Test(arguments: [
        ("127.0.0.1:8080", Address.tcp(host: "127.0.0.1", port: 8080), "127.0.0.1:8080"),
        (":0", .tcp(host: "", port: 0), ":0"),
        ("[::1]:443", .tcp(host: "::1", port: 443), "[::1]:443"),
        ("[0:0:0::1]:443", .tcp(host: "::1", port: 443), "[::1]:443"),
        ("[fe80::1%eth0]:1", .tcp(host: "fe80::1%eth0", port: 1), "[fe80::1%eth0]:1"),
        ("my-app_1.local:65535", .tcp(host: "my-app_1.local", port: 65535), "my-app_1.local:65535"),
        ("unix:/run/a:b.sock", .unix(path: "/run/a:b.sock"), "unix:/run/a:b.sock"),
    ])
    func reads(text: String, address: Address, description: String) throws {
        #expect(try Address.parse(text) == address)
        #expect(address.description == description)
        #expect(try Address.parse(description) == address)
    }

    @Test(arguments: [
        "", "localhost", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:+80", "127.0.0.1:8o", "::1:80",
        "[::1]",
        "[::1:80", "::1]:80", "[]:80", "[:]:80", "[::1%]:80", "[1.2.3.4]:80", "1.2.3:80", "256.1.1.1:80", "a..b:80",
        ".:80",
        "a b:80", "a/b:80", "unix:", "unix:relative", "unix:/a\nb", "unix:/" + String(repeating: "x", count: 107),
        String(repeating: "a", count: 64) + ":80", "\u{0}:80", "[::1\u{0}]:80", "１:80",
    ])
    func refuses(text: String) {
        #expect(throws: Address.Malformed.self) { try Address.parse(text) }
    }
}

@Suite struct NetworkTests {
    @Test(arguments: [
        ("10.1.2.3/8", "10.0.0.0/8"), ("192.168.1.1", "192.168.1.1"), ("fd00:1::/8", "fd00::/8"), ("::1", "::1"),
        ("unix", "unix"),
        ("0.0.0.0/0", "0.0.0.0/0"), ("10.1.2.3/31", "10.1.2.2/31"),
    ])
    func reads(text: String, canonical: String) { #expect(AddressBlock(text)?.description == canonical) }

    @Test(arguments: ["", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "::/129", "10.0.0/8", "a"])
    func refuses(text: String) { #expect(AddressBlock(text) == nil) }
}
