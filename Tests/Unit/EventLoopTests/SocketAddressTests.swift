import EventLoop
import Glibc
import Testing

@Suite struct SocketAddressTests {
    @Test(arguments: [
        ("127.0.0.1", true), ("127.255.0.9", true), ("128.0.0.1", false), ("10.127.0.1", false), ("0.0.0.0", false),
    ])
    func loopbackIPv4(_ host: String, _ expected: Bool) throws {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        try #require(inet_pton(AF_INET, host, &address.sin_addr) == 1)
        #expect(socketAddress(address).isLoopback == expected)
    }

    @Test(arguments: [
        ("::1", true), ("::", false), ("::2", false), ("1::1", false), ("::ffff:127.0.0.1", true), ("::ffff:10.0.0.1", false),
        ("::127.0.0.1", false), ("fe80::1", false),
    ])
    func loopbackIPv6(_ host: String, _ expected: Bool) throws {
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        try #require(inet_pton(AF_INET6, host, &address.sin6_addr) == 1)
        #expect(socketAddress(address).isLoopback == expected)
    }

    @Test func aPathIsNoLoopback() throws { #expect(try #require(SocketAddress(unixPath: "/server")).isLoopback == false) }

    private func ipv4(_ host: String, port: UInt16) throws -> SocketAddress {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        try #require(inet_pton(AF_INET, host, &address.sin_addr) == 1)
        return socketAddress(address)
    }

    private func ipv6(_ host: String, port: UInt16) throws -> SocketAddress {
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_port = port.bigEndian
        try #require(inet_pton(AF_INET6, host, &address.sin6_addr) == 1)
        return socketAddress(address)
    }

    @Test(arguments: [("127.0.0.1", 80), ("255.255.255.255", 65_535), ("0.0.0.0", 1)] as [(String, UInt16)])
    func ipv4InWords(_ host: String, _ port: UInt16) throws {
        let address = try ipv4(host, port: port)
        #expect(address.description == "\(host):\(port)" && address.host == host && !address.isUnix)
        #expect(address.length == socklen_t(MemoryLayout<sockaddr_in>.size))
        // Another port, and nothing else, is another.
        #expect(address.with(port: 258).description == "\(host):258" && address.description == "\(host):\(port)")
    }

    @Test(arguments: [("::1", 80), ("2001:db8::7", 65_535)] as [(String, UInt16)])
    func ipv6InWords(_ host: String, _ port: UInt16) throws {
        let address = try ipv6(host, port: port)
        #expect(address.description == "[\(host)]:\(port)" && address.host == host && !address.isUnix)
        #expect(address.length == socklen_t(MemoryLayout<sockaddr_in6>.size))
        #expect(address.with(port: 258).description == "[\(host)]:258")
    }

    /// `sun_path` has room for 107 bytes and a zero.
    @Test(arguments: [(1, true), (107, true), (108, false), (4000, false)])
    func pathsOfSockets(_ count: Int, _ fits: Bool) throws {
        let path = "/" + String(repeating: "x", count: count - 1)
        let address = SocketAddress(unixPath: path)
        #expect((address != nil) == fits)
        guard let address else { return }
        #expect(address.isUnix && address.description == "unix:\(path)" && address.host == "unknown")
        #expect(address.with(port: 9).description == "unix:\(path)", "it has no port")
    }

    private func socketAddress<Address>(_ address: Address) -> SocketAddress {
        var storage = sockaddr_storage()
        withUnsafeMutableBytes(of: &storage) { room in withUnsafeBytes(of: address) { room.copyMemory(from: $0) } }
        return SocketAddress(storage)
    }
}
