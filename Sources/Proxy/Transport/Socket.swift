import EventLoop
import TLS

/// One socket's readiness and what waits on either side of it: the part that client and upstream connections share.
///
/// Readiness is edge-triggered: `isReadable` stays set until a read comes back short, `isWritable` until a write does.
struct Socket: BitwiseCopyable {
    /// How far its TLS is.
    ///
    ///     awaited ──bytes──▶ handshaking ──▶ open ──▶ ended
    ///                             │           ├─────▶ failed
    ///                             │           └─────▶ flooded
    ///                             └─▶ refused
    ///
    /// Flooded: the peer had it do too much for nothing, and it is ended by us.
    enum Security: UInt8 { case none, awaited, handshaking, open, ended, failed, refused, flooded }

    /// Our side: to be ended once everything has been sent, and ended.
    enum Writing: UInt8 { case open, ending, ended }

    var fd: Int32
    var isReadable = false
    var isWritable = false
    /// The peer has ended its side, or the connection has failed: read until the end is seen.
    var peerEnded = false
    /// Reading gave the end of the stream.
    var sawEnd = false
    /// That end was not announced, as TLS demands: what went before may have been cut.
    var isCut = false
    /// Reading or writing failed: nothing can be sent any more.
    var isBroken = false
    /// Writing failed, and what has come is still to be read. The failure has been reported: reading will end as if in good order.
    var refusesBytes = false
    /// A stream's bytes wait for its connection, or for the peer to open the stream's window.
    var isHeldBack = false
    /// In the worker's list of connections to come back to.
    var isQueued = false
    var writing = Writing.open
    var security = Security.none
    /// ALPN has chosen HTTP/2; known as soon as the handshake has ended.
    var agreedHTTP2 = false
    /// Not nil while `security` is not `none`.
    var session: TLSSession?
    /// Bytes of TLS that have been made for the peer.
    var recordBytes: UInt64 = 0
    /// Received and not consumed: the beginning of a message, or a pipelined request.
    var input = Buffer()
    /// Accepted for sending and not sent; with TLS its records.
    var output = Buffer()

    init(fd: Int32) { self.fd = fd }

    /// Something waits to be sent: whoever feeds this socket waits too, so that its memory stays bounded.
    var isBlocked: Bool { !output.isEmpty || isHeldBack }
    var mayWrite: Bool { !isBroken && !refusesBytes }
    var mayHaveInput: Bool { isReadable || !input.isEmpty }
}
