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

    private func socketAddress<Address>(_ address: Address) -> SocketAddress {
        var storage = sockaddr_storage()
        withUnsafeMutableBytes(of: &storage) { room in withUnsafeBytes(of: address) { room.copyMemory(from: $0) } }
        return SocketAddress(storage)
    }
}
