import Configuration
import EventLoop
import HTTP1
import HTTP2
import TLS

/// What a worker works by: the configuration with every address resolved and every name numbered. Immutable.
///
/// Times are nanoseconds, sizes bytes. A reload makes a new plan.
public final class Plan: Sendable {
    public struct Server: Sendable {
        public var name: String
        public var address: SocketAddress
        public var weight: Int
        /// Where its TLS sessions lead, with the one that the next resumes; nil for cleartext.
        public var tls: TLSDestination?
        /// Nil for an address.
        public var named: ServerName?
        public init(name: String, address: SocketAddress, weight: Int = 1) {
            self.name = name
            self.address = address
            self.weight = weight
        }
    }

    /// Active checks: GET of a path, again and again.
    public struct Health: Sendable {
        public var path: String
        public var interval: UInt64 = 5_000_000_000
        public var timeout: UInt64 = 1_000_000_000
        public var unhealthyAfter = 3
        public var healthyAfter = 2
        public init(path: String) { self.path = path }
    }

    /// The longest time over which the share of a server that has come back grows to the whole.
    public static let returnTimeMax: UInt64 = 30_000_000_000

    public enum Echo: Sendable { case auto, require, off }
    public enum Reuse: Sendable { case always, guarded, never }
    /// The rest of a pooled connection: as long as few enough of them rest at once, or so many nanoseconds.
    public enum Hold: Sendable, Equatable {
        case automatic
        case fixed(UInt64)
    }

    public struct Upstream: Sendable {
        public var name: String
        public var servers: [Server]
        public var balance = Balance.leastConnections
        /// Clients go back to the server that they had.
        var sticky: StickyCookie?
        public var reuse = Reuse.guarded
        /// Rest of a pooled connection before it serves another exchange, with `guarded`.
        public var hold = Hold.automatic
        /// Connections to one server, over all workers.
        public var connectionsMax = 1024
        public var idleMax = 256
        public var idleTimeout: UInt64 = 4_000_000_000
        /// Exchanges that wait for a connection, and for how long, on each worker.
        public var queueMax = 1024
        public var queueTimeout: UInt64 = 1_000_000_000
        public var connectTimeout: UInt64 = 2_000_000_000
        public var responseHeaderTimeout: UInt64 = 60_000_000_000
        public var bodyIdleTimeout: UInt64 = 60_000_000_000
        /// 0: as `bodyIdleTimeout`.
        public var tunnelIdleTimeout: UInt64 = 0
        public var retryAttempts = 1
        public var health: Health?
        /// Failures in a row after which a server is passed over for `ejectTime`; 0 for never.
        public var ejectFailures = 5
        public var ejectTime: UInt64 = 10_000_000_000
        /// What its servers speak.
        public var `protocol` = UpstreamProtocol.http1
        public init(name: String, servers: [Server]) {
            self.name = name
            self.servers = servers
        }
    }

    /// Versions of HTTP that a listener takes.
    public struct Languages: OptionSet, Sendable {
        public let rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }
        public static let http1 = Languages(rawValue: 1)
        public static let http2 = Languages(rawValue: 2)
    }

    public struct Limits: Sendable {
        public var headerBytes = 64 << 10
        public var headerCount = 128
        public var answerHeaderBytes = 256 << 10
        public var answerHeaderCount = 512
        public var bodyBytes: UInt64 = .max
        public var clientConnections = 65_536
        /// Streams at once on one HTTP/2 connection.
        public var streams = 128
        /// Of these, streams whose answers their client has next to no room for, and whose requests are with servers all the same.
        public var narrowStreams = 16
        /// Interim responses before the final header block of one answer.
        public var interims = 32
        /// The first bytes of a Content-Length body, which are always looked through, and the last: what is between passes unread
        /// where it can.
        public var searchedBytes = 64 << 10
        public var lastBytes = 16 << 10
        /// Fewer are not worth a pipe.
        public var movedBytes = 32 << 10
        public init() {}

        /// A request's header block, and an answer's.
        var head: HeadLimits { HeadLimits(headerBytesMax: headerBytes) }
        var answerHead: HeadLimits { HeadLimits(headerBytesMax: answerHeaderBytes) }
    }

    public struct Timeouts: Sendable {
        public var clientHeader: UInt64 = 15_000_000_000
        public var clientBody: UInt64 = 60_000_000_000
        public var clientIdle: UInt64 = 75_000_000_000
        public var drain: UInt64 = 30_000_000_000
        public init() {}
    }

    /// What clients may speak, by listener.
    public let languages: [Languages]
    /// What clients' TLS sessions are accepted with, by listener; nil for cleartext.
    public let acceptors: [TLSAcceptor?]
    /// Whether a PROXY header comes first, by listener.
    private let proxyHeaders: [Bool]
    public let upstreams: [Upstream]
    public let routes: [Route]
    public let limits: Limits
    public let timeouts: Timeouts
    /// After a proven double send: so long does each connection of the server serve one exchange.
    public let quarantine: UInt64
    /// Evidence keeps raw bytes, at most so many; 0 keeps none.
    public let sampleBytes: Int
    /// What HTTP/2 may ask of us: clients, and upstreams.
    public let frameLimits: HTTP2Limits
    public let upstreamFrameLimits: HTTP2Limits
    public let errorPages: ErrorPages
    /// Lines of the access log are in the combined format rather than JSON.
    public let accessIsCombined: Bool
    /// They show no values of queries.
    public let accessRedactsQuery: Bool
    /// Networks whose forwarding fields are believed.
    public let trusted: [AddressBlock]
    /// Whether requests carry the mark of their exchange, and what is expected of their answers.
    public let echo: Echo
    /// The first digits of this plan's marks.
    public let salt: UInt16
    /// What works, and should be mended, for the operational log.
    public let warnings: [String]

    public init(
        upstreams: [Upstream], routes: [Route], limits: Limits = Limits(), timeouts: Timeouts = Timeouts(),
        quarantine: UInt64 = 60_000_000_000, sampleBytes: Int = 0, accessIsCombined: Bool = false,
        accessRedactsQuery: Bool = false,
        errorPages: ErrorPages = ErrorPages(), trusted: [AddressBlock] = [], acceptors: [TLSAcceptor?] = [],
        proxyHeaders: [Bool] = [], languages: [Languages] = [], echo: Echo = .off, salt: UInt16? = nil,
        warnings: [String] = []
    ) {
        self.upstreams = upstreams
        self.routes = routes
        self.limits = limits
        self.timeouts = timeouts
        self.quarantine = quarantine
        self.sampleBytes = sampleBytes
        self.errorPages = errorPages
        self.accessIsCombined = accessIsCombined
        self.accessRedactsQuery = accessRedactsQuery
        self.trusted = trusted
        self.acceptors = acceptors
        self.languages = languages
        self.proxyHeaders = proxyHeaders
        self.echo = echo
        self.salt = salt ?? PlanSalt.next()
        self.warnings = warnings
        var frameLimits = HTTP2Limits()
        frameLimits.streamsMax = limits.streams
        frameLimits.headerBytesMax = limits.headerBytes
        frameLimits.headerCountMax = limits.headerCount
        self.frameLimits = frameLimits
        // The streams' windows bound what is held. The connection's must not run out before them: a server built on nghttp2,
        // as Node is, cannot even end a stream then, and may reset it after its last byte.
        frameLimits.headerBytesMax = limits.answerHeaderBytes
        frameLimits.headerCountMax = limits.answerHeaderCount
        frameLimits.connectionWindowBytes = frameLimits.streamsMax * frameLimits.streamWindowBytes
        upstreamFrameLimits = frameLimits
    }

    func expectsProxyHeader(_ listener: Int) -> Bool { listener < proxyHeaders.count && proxyHeaders[listener] }
}
