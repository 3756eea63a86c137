import EventLoop

/// One socket's readiness and what waits on either side of it: the part that client and upstream connections share.
///
/// Readiness is edge-triggered: `isReadable` stays set until a read comes back short, `isWritable` until a write does.
struct Socket: BitwiseCopyable {
    var fd: Int32
    var isReadable = false
    var isWritable = false
    /// The peer has ended its side, or the connection has failed: read until the end is seen.
    var peerEnded = false
    /// Reading gave the end of the stream.
    var sawEnd = false
    /// Reading or writing failed: nothing can be sent any more.
    var isBroken = false
    /// A stream's bytes wait for its connection, or for the peer to open the stream's window.
    var isHeldBack = false
    /// In the worker's list of connections to come back to.
    var isQueued = false
    /// Received and not consumed: the beginning of a message, or a pipelined request.
    var input = Buffer()
    /// Accepted for sending and not sent.
    var output = Buffer()

    init(fd: Int32) { self.fd = fd }

    /// Something waits to be sent: whoever feeds this socket waits too, so that its memory stays bounded.
    var isBlocked: Bool { !output.isEmpty || isHeldBack }
    var mayHaveInput: Bool { isReadable || !input.isEmpty }
}
