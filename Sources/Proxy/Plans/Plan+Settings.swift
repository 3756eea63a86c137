import CShim
import Configuration
import EventLoop
import Glibc
import Names

extension Plan {
    /// Something that the configuration names cannot be had on this machine.
    public struct ResolveError: Error, CustomStringConvertible {
        public var description: String
        /// What the configuration itself is to blame for, when it is: a file that it names cannot be used.
        public var problems: Problems?
    }

    /// The plan for settings: names resolved, times in nanoseconds.
    public static func make(_ settings: Settings) throws(ResolveError) -> Plan {
        let tls: TLSFiles
        let errorPages: ErrorPages
        do throws(Problems) {
            tls = try TLSFiles(settings)
            errorPages = try ErrorPages(settings)
        } catch {
            throw ResolveError(description: "\(error)", problems: error)
        }
        var upstreams: [Upstream] = []
        let hasNames = settings.upstreams.contains { $0.servers.contains { isName($0.address) } }
        let resolver = hasNames ? NameResolver() : nil
        for upstream in settings.upstreams { upstreams.append(try make(upstream, tls, resolver)) }
        var routes: [Route] = []
        for route in settings.routes {
            let index = upstreams.firstIndex { $0.name == route.upstream }
            routes.append(try make(route, upstream: index ?? -1))
        }
        var limits = Limits()
        limits.headerBytes = settings.limits.headerBytesMax
        limits.headerCount = settings.limits.headerCountMax
        limits.answerHeaderBytes = settings.limits.answerHeaderBytesMax
        limits.answerHeaderCount = settings.limits.answerHeaderCountMax
        limits.bodyBytes = settings.limits.bodyBytesMax.map { UInt64($0) } ?? .max
        limits.streams = settings.limits.streamsMax
        limits.interims = settings.limits.interimsMax
        limits.clientConnections = settings.limits.clientConnectionsMax
        var timeouts = Timeouts()
        timeouts.clientHeader = nanoseconds(settings.timeouts.clientHeaderMilliseconds)
        timeouts.clientBody = nanoseconds(settings.timeouts.clientBodyMilliseconds)
        timeouts.clientIdle = nanoseconds(settings.timeouts.clientIdleMilliseconds)
        timeouts.drain = nanoseconds(settings.timeouts.drainMilliseconds)
        return Plan(
            upstreams: upstreams, routes: routes, limits: limits, timeouts: timeouts,
            quarantine: nanoseconds(settings.incidents.quarantine.forMilliseconds),
            sampleBytes: settings.incidents.evidence.sample == .off ? 0 : settings.incidents.evidence.sampleBytesMax,
            accessIsCombined: settings.accessLog.style == .combined,
            accessRedactsQuery: settings.accessLog.query == .redact, errorPages: errorPages, trusted: settings.trustedProxies,
            acceptors: tls.acceptors, proxyHeaders: settings.listeners.map { $0.proxyProtocol != .off },
            languages: settings.listeners.map(Languages.init), echo: Echo(settings.probe.echo), warnings: tls.warnings)
    }

    private static func make(_ upstream: Settings.Upstream, _ tls: TLSFiles, _ resolver: NameResolver?) throws(ResolveError)
        -> Upstream
    {
        var servers: [Server] = []
        for server in upstream.servers {
            let (address, named) = try locate(server.address, resolver)
            var made = Server(name: "\(server.address)", address: address, weight: server.weight)
            made.named = named
            made.tls = tls.destinations[upstream.name]?[servers.count]
            servers.append(made)
        }
        var made = Upstream(name: upstream.name, servers: servers)
        made.balance = Balance(upstream.balance)
        if upstream.balance == .stickyCookie {
            made.sticky = StickyCookie(upstream: made.name, servers: servers.map(\.name))
        }
        switch upstream.connections.reuse {
        case .always: made.reuse = .always
        case .guarded: made.reuse = .guarded
        case .never: made.reuse = .never
        }
        made.protocol = UpstreamProtocol(upstream.protocol)
        switch upstream.connections.hold {
        case .auto: made.hold = .automatic
        case .milliseconds(let milliseconds): made.hold = .fixed(nanoseconds(milliseconds))
        }
        made.connectionsMax = upstream.connections.max
        made.idleMax = upstream.connections.maxIdle
        made.idleTimeout = nanoseconds(upstream.connections.idleMilliseconds)
        made.queueMax = upstream.waitQueue.max
        made.queueTimeout = nanoseconds(upstream.waitQueue.timeoutMilliseconds)
        made.connectTimeout = nanoseconds(upstream.timeouts.connectMilliseconds)
        made.responseHeaderTimeout = nanoseconds(upstream.timeouts.responseHeaderMilliseconds)
        made.bodyIdleTimeout = nanoseconds(upstream.timeouts.bodyIdleMilliseconds)
        made.tunnelIdleTimeout = nanoseconds(upstream.timeouts.tunnelIdleMilliseconds ?? 0)
        made.retryAttempts = upstream.retry.attempts
        if let path = upstream.health.path {
            var health = Health(path: path)
            health.interval = nanoseconds(upstream.health.intervalMilliseconds)
            health.timeout = nanoseconds(upstream.health.timeoutMilliseconds)
            health.unhealthyAfter = upstream.health.unhealthyAfter
            health.healthyAfter = upstream.health.healthyAfter
            made.health = health
        }
        made.ejectFailures = upstream.eject.consecutiveFailures
        made.ejectTime = nanoseconds(upstream.eject.forMilliseconds)
        return made
    }

    private static func nanoseconds(_ milliseconds: Int) -> UInt64 { UInt64(milliseconds) * 1_000_000 }

    /// The socket address for an address of the configuration; a name gives its first address.
    public static func resolve(_ address: Address) throws(ResolveError) -> SocketAddress {
        switch address {
        case .unix(let path):
            guard let made = SocketAddress(unixPath: path) else {
                throw ResolveError(description: "unix:\(path): path too long")
            }
            return made
        case .tcp(let host, let port):
            var hints = addrinfo()
            hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
            hints.ai_flags = Int32(AI_PASSIVE)
            var list: UnsafeMutablePointer<addrinfo>?
            let result = getaddrinfo(host.isEmpty ? nil : host, "\(port)", &hints, &list)
            guard result == 0, let first = list else {
                throw ResolveError(description: "\(address): \(String(cString: gai_strerror(result)))")
            }
            defer { freeaddrinfo(first) }
            var storage = sockaddr_storage()
            memcpy(&storage, first.pointee.ai_addr, Int(first.pointee.ai_addrlen))
            return SocketAddress(storage)
        }
    }
}

extension Plan.Languages {
    fileprivate init(_ listener: Settings.Listener) {
        self = []
        if listener.protocols.contains(.http1) { insert(.http1) }
        if listener.protocols.contains(.http2) { insert(.http2) }
    }
}
