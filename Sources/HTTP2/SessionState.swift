import CNghttp2
import Wire

/// What an HTTP/2 connection remembers. Reading is in `SessionState+Receiving` and the files by frame type beside it,
/// sending in `SessionState+Sending` and `+Writing`.
struct SessionState: ~Copyable {
    /// RFC 9113 section 6.9.2.
    static let defaultWindow = 65_535
    static let windowMax = 0x7fff_ffff

    let isServer: Bool
    let limits: HTTP2Limits
    var decoder: HeaderDecoder
    var streams = StreamTable()
    var closed: ClosedStreams

    /// Frames in order, but for DATA that waits in its stream's queue.
    var out = ByteQueue()
    /// Acknowledgements in `out` that the peer has not fetched.
    var unsentAcks = 0
    var hasEncoded = false
    /// Streams that can be framed, in the order in which it is their turn.
    var firstListed: Int32 = -1
    var lastListed: Int32 = -1
    /// Streams whose queue is not empty.
    var queuedStreams = 0
    var drained = TagQueue()
    var movedAt: UInt64 = 0
    /// When the payload of a DATA frame came last, whatever its stream is.
    var dataCameAt: UInt64 = 0
    /// Client: the newest stream on which DATA has come.
    var newestHeard: Int32 = 0
    /// Body bytes framed, of all streams. Wraps.
    var framedBytes: UInt32 = 0

    /// Bytes received before those at hand, and nanoseconds when they came.
    var offset: UInt64 = 0
    var now: UInt64 = 0
    var data = DataFrame()
    var assembly = HeaderAssembly()
    /// A stream's message has ended, and that is still to be reported; 0: none.
    var endedStream: Int32 = 0
    var hasPreface: Bool
    var hasSettings = false
    var failure: HTTP2Failure?

    var lastPeerStream: Int32 = 0
    var nextStream: Int32 = 1
    /// Client: the last stream opened before frames were written the last time: those above it have not been heard of. Server: any.
    var lastWritten: Int32
    var hasSentGoAway = false
    var hasWarned = false
    /// What our first GOAWAY named as the last stream; a later one may not name a higher (RFC 9113 section 6.8).
    var goAwayLast: Int32 = .max
    var hasGoAway = false
    /// It was for no error: the peer ends its connection in good order.
    var leavesInOrder = false
    /// Streams above it will not be answered; looked for while `sweeps`.
    var answeredMax: Int32 = .max
    var sweeps = false

    /// Of the connection, like `StreamState`'s.
    var sendWindow = SessionState.defaultWindow
    var receiveWindow: Int
    var credit = 0

    var peerWindow = SessionState.defaultWindow
    var peerFrameMax = FrameHeader.payloadMax
    /// What a client may assume before it knows is anything; 100 is what is sensible (RFC 9113 section 6.5.2).
    var peerStreamsMax = 100
    var peerTakesConnect = false

    var resets: FloodMeter
    var settings: FloodMeter
    var pings: FloodMeter
    var emptyData: FloodMeter
    var priorities: FloodMeter
    var windowUpdates: FloodMeter
    var lateHeads: FloodMeter

    init?(isServer: Bool, _ limits: HTTP2Limits, spare: HeaderSpare?) {
        guard let decoder = HeaderDecoder(spare: spare) else { return nil }
        self.isServer = isServer
        var limits = limits
        // A peer may use the default windows before it has read our SETTINGS.
        limits.streamWindowBytes = min(max(limits.streamWindowBytes, Self.defaultWindow), Self.windowMax)
        limits.connectionWindowBytes = min(max(limits.connectionWindowBytes, Self.defaultWindow), Self.windowMax)
        self.limits = limits
        self.decoder = decoder
        closed = ClosedStreams(countMax: isServer ? limits.closedRequestsMax : limits.closedStreamsMax)
        hasPreface = !isServer
        lastWritten = isServer ? .max : -1
        receiveWindow = limits.connectionWindowBytes
        resets = FloodMeter(limits.resets)
        settings = FloodMeter(limits.settings)
        pings = FloodMeter(limits.pings)
        emptyData = FloodMeter(limits.emptyData)
        priorities = FloodMeter(limits.priorities)
        windowUpdates = FloodMeter(limits.windowUpdates)
        lateHeads = FloodMeter(limits.lateHeads)
        greet()
    }

    deinit {
        decoder.deallocate()
        streams.deallocate()
        closed.deallocate()
        out.deallocate()
        assembly.packed.deallocate()
        drained.deallocate()
    }
}

/// A DATA frame whose payload is being read.
struct DataFrame {
    var stream: Int32 = 0
    /// Bytes of the body, then those past its declared length, then padding and what is not reported at all.
    var bodyLeft = 0
    var surplusLeft = 0
    /// Client: payload of a violation that has been reported.
    var strangeLeft = 0
    var skipped = 0
    var ends = false
    /// Of the frame's first byte in the connection.
    var offset: UInt64 = 0

    var isDone: Bool { bodyLeft == 0 && surplusLeft == 0 && strangeLeft == 0 && skipped == 0 }
}

/// HEADERS that wait for their CONTINUATIONs.
struct HeaderAssembly {
    /// 0: none.
    var stream: Int32 = 0
    var ends = false
    var frames = 0
    var packed = ByteQueue()
    var offset: UInt64 = 0
}
