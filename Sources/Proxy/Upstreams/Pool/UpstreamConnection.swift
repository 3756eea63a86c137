import Detector
import EventLoop
import Facts
import HTTP1
import Wire

/// A connection to an upstream's server.
///
///     connecting ─▶ active ──answer's end──▶ resting ──hold──▶ (taken again) active
///        │            │                         └──bytes──▶ surplus
///        │            ├──bytes past the end──▶ surplus ──quiet──▶ closed, recorded
///        └─▶ closed   └──end, server quarantined──▶ watched ──100 ms──▶ closed
struct UpstreamConnection: BitwiseCopyable {
    enum Phase: UInt8 {
        /// Its TLS handshake is part of connecting.
        case connecting
        case active
        /// Shared by the streams of many exchanges.
        case shared
        /// Pooled, to be taken after `hold`.
        case resting
        /// Pooled for longer, to be taken before others.
        case settled
        /// Not used again, but watched: late strays are to be caught and attributed.
        case watched
        /// Collecting bytes that no answer accounts for.
        case surplus
    }

    var socket: Socket
    var phase = Phase.connecting
    /// Not to be used again after the current exchange.
    var mustClose = false
    /// Not a byte of the current request could be written.
    var isUnsent = false
    /// An answer on it has carried the mark of its request: the probe is there.
    var echoes = false
    var server: ServerIndex
    /// The exchange in progress, if there is one.
    var exchange = ExchangeSlot.none
    /// Neighbours in the server's list of pooled, or of shared connections; of a stream, among its connection's.
    var next = UpstreamSlot.none
    var previous = UpstreamSlot.none
    /// Exchanges begun on this connection.
    var ordinal: UInt32 = 0
    var number: UInt64
    var decoder = ResponseDecoder()
    /// Bytes received and consumed.
    var received: UInt64 = 0
    /// Bytes written on this connection before the current request, and with its header block.
    var sent: UInt64 = 0
    var requestHeadEnd: UInt64 = 0
    /// So many bytes of TLS may have arrived without any of the current request: those made before it, and all but the last of the
    /// record that it begins in.
    var recordsBefore: UInt64 = 0
    /// Of a server that is given by name: which of its addresses, and of which generation.
    var addressPlace: UInt32 = 0
    var addressGeneration: UInt64 = 0
    /// Whether the server's acknowledgements show which bytes it had sent before a request arrived.
    var asksAcknowledgement = false
    /// The last answer's status allows no body, and its header block announced one: if that comes, it is of the same fault.
    var announcesForbiddenBody = false
    /// How long connecting took: a round trip to the server, or more. 0 where it took no time at all.
    var roundTrip: UInt64 = 0
    /// When it was pooled.
    var pooledAt: UInt64 = 0
    /// Idle connections are closed after this: the configured time, or what the upstream's Keep-Alive allows.
    var idleTimeout: UInt64
    /// Looks for a status line inside Content-Length bodies.
    var statusLine = EmbeddedStatusLine()
    /// A stream of an HTTP/2 connection: that connection's slot, and the stream's id. Otherwise -1.
    var parent = UpstreamSlot.none
    var stream: Int32 = -1
    /// Neither side has anything to say on the stream any more.
    var streamIsOver = false
    /// HTTP/2: the answer is whole, and has more after it; only the stream's end has not come.
    var awaitsStreamEnd = false
    /// Of a stream: body bytes that have not been passed on, so that its window stays closed by as much. Of a connection: bytes
    /// that its server's kernel had not acknowledged when that was looked at last.
    var unconsumed: UInt32 = 0
    /// An HTTP/2 connection: its index among the worker's. Otherwise -1.
    var sharedIndex: Int32 = -1
    /// The exchanges before the current one: whom a stray belongs to.
    var history = History<FinishedExchange>(capacityMax: AttributionReader.exchangesMax)

    /// The exchange before the current one, empty when there was none.
    var last: FinishedExchange { history.latest ?? FinishedExchange() }

    var isStream: Bool { parent.exists }

    init(fd: Int32, server: ServerIndex, number: UInt64, idleTimeout: UInt64) {
        socket = Socket(fd: fd)
        self.server = server
        self.number = number
        self.idleTimeout = idleTimeout
    }
}
