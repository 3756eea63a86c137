import CShim
import EventLoop
import Glibc
import Names
import Testing

@testable import Proxy

/// c-ares against a nameserver of this test's own, on a port of loopback's choosing.
@Suite struct NameResolverTests {
    /// Asked, and never answering.
    private final class SilentNameserver {
        let socket: Int32
        let name: String

        init() throws {
            socket = Glibc.socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            var storage = try Plan.resolve(.tcp(host: "127.0.0.1", port: 0)).storage
            try #require(so_bind(socket, &storage, socklen_t(MemoryLayout<sockaddr_in>.size)) >= 0)
            try #require(so_local_address(socket, &storage) >= 0)
            name = SocketAddress(storage).description
        }

        deinit { close(socket) }
    }

    /// A watch ends in the middle of a look-up with each reload that comes at such a time.
    @Test func whoIsNoLongerWaitedForLeavesNothingBehind() throws {
        let nameserver = try SilentNameserver()
        weak var left: NameResolver?
        do {
            let resolver = try #require(NameResolver(nameservers: nameserver.name))
            left = resolver
            resolver.ask("app.example", port: 80, key: 1)
            #expect(resolver.isAsking && !resolver.descriptors.isEmpty)
            resolver.cancel()
            #expect(!resolver.isAsking && resolver.descriptors.isEmpty)
        }
        #expect(left == nil)
    }

    @Test func whatIsTakenOffIsAFailure() throws {
        let nameserver = try SilentNameserver()
        let resolver = try #require(NameResolver(nameservers: nameserver.name))
        resolver.ask("app.example", port: 80, key: 3)
        #expect(resolver.take().isEmpty)
        resolver.cancel()
        let answers = resolver.take()
        #expect(answers.map(\.key) == [3])
        guard case .failed? = answers.first?.outcome else { return #expect(Bool(false), "\(answers)") }
    }
}
