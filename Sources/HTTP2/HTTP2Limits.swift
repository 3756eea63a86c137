/// Named limits of one HTTP/2 connection.
public struct HTTP2Limits: Sendable {
    /// Streams that the peer may have open at once (SETTINGS_MAX_CONCURRENT_STREAMS); of a client, those that it opens.
    public var streamsMax = 128
    /// Bytes of a header block as HTTP/1 would spell it, and as the peer has packed it.
    public var headerBytesMax = 64 << 10
    public var headerCountMax = 128
    /// HEADERS and CONTINUATION frames of one header block.
    public var headerFramesMax = 16
    /// Body bytes of one stream, and of all, that are accepted and not yet passed on.
    public var streamWindowBytes = 256 << 10
    public var connectionWindowBytes = 1 << 20
    /// Frames that wait to be written; beyond them bodies wait unframed (`pending`).
    public var outputBytesMax = 64 << 10
    /// Streams to an upstream that are remembered after their end, so that what comes late has a name; and of a client.
    public var closedStreamsMax = 128
    public var closedRequestsMax = 16

    /// What a peer may send at once, and in a second for good.
    public var resets = Rate(burst: 500, perSecond: 33)
    public var settings = Rate(burst: 50, perSecond: 5)
    /// A frame of DATA that was sent brings one of its own.
    public var pings = Rate(burst: 200, perSecond: 10)
    public var emptyData = Rate(burst: 200, perSecond: 20)
    /// PRIORITY, PRIORITY_UPDATE and frames of unknown types; a new stream brings some of its own.
    public var priorities = Rate(burst: 500, perSecond: 20)
    /// A frame of DATA that was sent brings some of its own.
    public var windowUpdates = Rate(burst: 1000, perSecond: 100)

    /// Header blocks on streams that are over, of an upstream: what is on its way when a stream is reset, and no more.
    public var lateHeads = Rate(burst: 4000, perSecond: 400)

    public struct Rate: Sendable, Equatable {
        public var burst: Int
        public var perSecond: Int
        public init(burst: Int, perSecond: Int) {
            self.burst = burst
            self.perSecond = perSecond
        }
    }

    public init() {}
}
