import Wire

/// Where each counter of a worker lies, in words of 64 bits. A function of three counts, so that reading it costs no lookup.
@frozen
public struct CounterLayout: Sendable, Equatable {
    // Before anything that depends on the configuration:
    public static let received = 0
    public static let sent = 2
    public static let rejected = 4
    public static let lag = 36
    static let fixedWords = 56

    // Within one upstream's words:
    public static let connections = 0
    public static let retries = 2
    public static let surplus = 3
    public static let closed = 4
    public static let retriesRefused = 15
    public static let responseHeader = 16
    public static let upstreamRejected = 32
    public static let shortRests = 39
    public static let upstreamWords = 40

    public static let statusMin = 100
    public static let statusCount = 900
    public static let methodCount = 10
    /// Words of one route's requests: by method, then by status.
    public static let requestWords = methodCount * statusCount

    /// Routes of the configuration and, last, `_none`.
    public let routeCount: Int
    public let upstreamCount: Int
    public let listenerCount: Int
    public let listeners: Int
    public let upstreams: Int
    public let durations: Int
    public let requests: Int
    public let wordCount: Int

    init(routeCount: Int, upstreamCount: Int, listenerCount: Int) {
        self.routeCount = routeCount + 1
        self.upstreamCount = upstreamCount
        self.listenerCount = listenerCount
        listeners = Self.fixedWords
        upstreams = listeners + listenerCount
        durations = upstreams + upstreamCount * Self.upstreamWords
        requests = durations + self.routeCount * DurationHistogram.wordCount
        wordCount = requests + self.routeCount * Self.requestWords
        precondition(Method.allCases.count == Self.methodCount)
        precondition(Self.rejected + RejectReason.allCases.count <= Self.lag)
        precondition(Self.closed + CloseReason.allCases.count <= Self.retriesRefused)
        precondition(Self.upstreamRejected + UpstreamRejectReason.allCases.count <= Self.shortRests)
    }
}
