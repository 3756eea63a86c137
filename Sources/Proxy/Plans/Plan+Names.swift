import Configuration
import EventLoop
import Glibc
import Names

extension Plan {
    /// A server that is given by name, and what that led to when the plan was made.
    public struct ServerName: Sendable {
        public var host: String
        public var port: UInt16
        public var addresses: [SocketAddress]
        /// For how long the answer holds; 0 when it does not say.
        public var seconds: Int

        public init(host: String, port: UInt16, addresses: [SocketAddress], seconds: Int) {
            self.host = host
            self.port = port
            self.addresses = addresses
            self.seconds = seconds
        }
    }

    /// Where a server of the configuration is: an address, or a name with all its addresses.
    static func locate(_ address: Address, _ resolver: NameResolver?) throws(ResolveError) -> (SocketAddress, ServerName?) {
        guard isName(address), case .tcp(let host, let port) = address else { return (try resolve(address), nil) }
        if let resolver, case .found(let found, let seconds) = resolver.lookUp(host, port: port) {
            let addresses = reachable(found, Kernel())
            return (
                addresses[0],
                ServerName(host: host, port: port, addresses: addresses, seconds: seconds)
            )
        }
        // What only the system's own library knows.
        let first = try resolve(address)
        return (first, ServerName(host: host, port: port, addresses: [first], seconds: 0))
    }

    static func isName(_ address: Address) -> Bool {
        guard case .tcp(let host, _) = address, !host.isEmpty else { return false }
        var space = in6_addr()
        return inet_pton(AF_INET, host, &space) != 1 && inet_pton(AF_INET6, host, &space) != 1
    }

    /// The addresses to which this machine has a way, or all when it has none: IPv6 addresses are common where IPv6 is not.
    static func reachable(_ addresses: [SocketAddress], _ kernel: Kernel) -> [SocketAddress] {
        let reachable = addresses.filter { kernel.hasRoute(to: $0) }
        return reachable.isEmpty ? addresses : reachable
    }
}
