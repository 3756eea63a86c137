import EventLoop
import Facts
import HTTP1
import Wire

/// A request as it was sent upstream, kept in those very bytes: to send it again, and to name it in an incident.
struct RequestRecord: BitwiseCopyable {
    /// The header block as written to the upstream; empty when there is no request.
    var head = Buffer()
    var methodText = ByteRange()
    /// As the client sent them: after the header block where a route has changed them.
    var target = ByteRange()
    var host = ByteRange()
    var id = ByteRange()
    /// The value of `traceparent`.
    var trace = ByteRange()
    var client = PeerAddress()
    var clientVersion = HTTPVersion.http11
    var method = Method.get
    var route: UInt16 = 0

    var isEmpty: Bool { head.base == nil }

    /// The client waits for a 100, or an answer, before it sends the body. Cold: a deadline asks.
    var expectsContinue: Bool {
        guard head.count > 0 else { return false }
        let line = UnsafeBufferPointer(start: head.first, count: head.count)
        return line.split(separator: 0x0a).contains { $0.prefix(7).map { $0 | 0x20 } == Array("expect:".utf8) }
    }

    func text(_ range: ByteRange) -> String {
        guard let base = head.base else { return "" }
        return String(decoding: UnsafeBufferPointer(start: base + Int(range.start), count: Int(range.count)), as: UTF8.self)
    }
}

/// A request that has been answered, and how: whom later bytes on its connection are attributed to.
struct FinishedExchange: BitwiseCopyable {
    var request = RequestRecord()
    var answer = Answer()
    var ordinal: UInt32 = 0
    var isEmpty: Bool { request.isEmpty }
}

/// One request and its one answer, in progress. The widest fields stand first, so that none is padded.
struct Exchange: BitwiseCopyable {
    var request = RequestRecord()
    var answer = Answer()
    var client: ClientSlot
    /// The connection that serves it, `.none` while none does.
    var upstream = UpstreamSlot.none
    /// Header block of the request read, request sent upstream, on the loop's clock.
    var startedAt: UInt64
    var sentAt: UInt64 = 0
    var requestBytes: UInt64 = 0
    /// The number of the connection that it was sent on last.
    var connection: UInt64 = 0
    /// When a connection began to be opened for it; what that took, once it is there (`isConnecting` says which).
    var connectTime: UInt64 = 0
    /// Since when it has waited for a connection, or did for its last; 0 when it never had to.
    var waitingSince: UInt64 = 0
    /// Whether its client moves, while that sets the pace.
    var pace = Pace()
    /// Body bytes as sent upstream, while they may have to be sent again.
    var body = Buffer()
    /// The server that it was sent to last.
    var server = ServerIndex.none
    var toUpstream = Passage()
    /// The exchange's ordinal on the connection that it was sent on last.
    var ordinal: UInt32 = 0
    /// The queue in which it waits for a connection, and its neighbour there.
    var queue: Int32 = -1
    var next = ExchangeSlot.none
    /// Interim responses that have come, and their bytes.
    var interimBytes: UInt32 = 0
    var interims: UInt16 = 0
    var toClient = Passage()
    var upstreamIndex: UInt16 = 0
    /// Those that have failed it, which a retry passes over.
    var failedServers = FailedServers()
    /// The server in its upstream that the client's cookie names, -1 for none.
    var stickyServer: Int16 = -1
    /// Requests sent so far; a retry is another.
    var attempts: UInt8 = 0
    /// Of those, after connections that could not be made.
    var refusals: UInt8 = 0
    /// `staleRetries` and `leavings`, in two bits and six.
    private var others: UInt8 = 0
    var state = ExchangeState()
    /// Its connection had served another exchange before.
    var wasPooled = false
    /// A connection from the pool is not good enough, unless no other may be opened.
    var wantsNewConnection = false
    /// What has been sent of its body is kept in `body`.
    var keepsBody = false
    var clientIsSecure = false
    var asksUpgrade = false
    var requestIsChunked = false
    /// How the answer's body is framed for the client.
    var clientFraming = BodyDecoder.Framing.none

    /// Sent again after connections that were stale.
    var staleRetries: UInt8 {
        get { others & 3 }
        set { others = others & ~3 | newValue & 3 }
    }
    /// After connections that their servers were ending in good order.
    var leavings: UInt8 {
        get { others >> 2 }
        set { others = others & 3 | newValue << 2 }
    }

    init(client: ClientSlot, startedAt: UInt64) {
        self.client = client
        self.startedAt = startedAt
    }
}
