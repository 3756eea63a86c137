import EventLoop
import HTTP1
import Wire

/// A connection that a client has opened, and how far its current request has been read.
///
///     head ──request──▶ body ──end──▶ waiting ──answer sent──▶ head
///                                                └──must close──▶ lingering ──▶ closed
///     body, waiting ──101──▶ tunnel
struct ClientConnection: BitwiseCopyable {
    enum Phase: UInt8 {
        case head, body, waiting, tunnel, lingering
        /// An HTTP/2 connection, whose streams have slots of their own.
        case shared
    }

    /// Whether it may speak HTTP/2: its first bytes will show it, or it must, or it is known not to.
    enum HTTP2Use: UInt8 { case never, perhaps, always }

    var socket: Socket
    var phase = Phase.head
    /// Close when the current answer has been sent.
    var mustClose = false
    /// The end is this proxy's decision, so that the client may be sending its next request: closing at once would reset.
    var lingers = false
    /// The rest of the request's body is read and dropped: its answer is already complete, or nobody wants it.
    var discardsBody = false
    /// Its exchange has left the queue and looks for a connection again.
    var needsUpstream = false
    /// Of a stream: its request waits until there is room for its answer, or fewer siblings have none.
    var awaitsRoom = false
    var isTrusted = false
    var http2 = HTTP2Use.never
    /// A PROXY header comes first.
    var awaitsProxyHeader = false
    /// The end of an answer is among what waits to be sent: it is idle from then on.
    var hasUnsentAnswer = false
    var listener: UInt16
    /// The exchange in progress.
    var exchange = ExchangeSlot.none
    /// Bytes of `socket.input` known to hold no end of a header block. Of one that lingers: how often it may still be heard for the sake of
    /// which it is waited for.
    var scanned: UInt32 = 0
    var body = BodyDecoder()
    /// Who asks: the peer, or whom its PROXY header names.
    var address: PeerAddress
    /// A stream of an HTTP/2 connection: that connection's slot, and the stream's id. Otherwise -1.
    var parent = ClientSlot.none
    var stream: Int32 = -1
    /// An HTTP/2 connection: its index among the worker's. Otherwise -1.
    var sharedIndex: Int32 = -1

    /// Of a stream: its request had no body; its body's last byte is among those held; its client need send no more.
    var endsWithHead = false
    var endsWithInput = false
    var stopsRequest = false
    /// Of a stream: its answer is cut when what has been given of it is framed.
    var abortsWhenDrained = false
    /// Of a stream: body bytes that have not been passed on, so that its window stays closed by as much. Of a connection:
    /// bytes that its client's kernel had not acknowledged when that was looked at last.
    var unconsumed: UInt32 = 0
    /// Neighbours among the connection's streams.
    var next = ClientSlot.none
    var previous = ClientSlot.none

    var isStream: Bool { parent.exists }
    /// Of a connection: what waits to be sent is more than what TLS has to say before a request.
    var holdsAnswer: Bool { phase != .head || hasUnsentAnswer || mustClose }

    init(fd: Int32, listener: UInt16, address: PeerAddress) {
        socket = Socket(fd: fd)
        self.listener = listener
        self.address = address
    }
}
