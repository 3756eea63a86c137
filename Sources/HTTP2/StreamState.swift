/// One stream that is open in at least one direction.
struct StreamState {
    struct Flags: OptionSet {
        let rawValue: UInt16
        /// The peer has sent END_STREAM.
        static let peerEnded = Flags(rawValue: 1 << 0)
        /// END_STREAM is framed.
        static let ended = Flags(rawValue: 1 << 1)
        /// END_STREAM stands after the queue.
        static let endsBehindQueue = Flags(rawValue: 1 << 2)
        /// In the list of streams that can be framed.
        static let isListed = Flags(rawValue: 1 << 3)
        /// RST_STREAM(NO_ERROR) follows END_STREAM.
        static let resetsAtEnd = Flags(rawValue: 1 << 4)
        /// Client: the final header block has come.
        static let hasHead = Flags(rawValue: 1 << 5)
        /// Client: the answer has no body (HEAD, 204, 304).
        static let isBodiless = Flags(rawValue: 1 << 6)
        static let declaresLength = Flags(rawValue: 1 << 7)
        /// Client: an extended CONNECT (RFC 8441), which a 2xx answer turns into a tunnel.
        static let asksTunnel = Flags(rawValue: 1 << 8)
    }

    var id: Int32
    var tag: Int32
    var flags: Flags
    /// The next in its bucket, or the next free place.
    var next: Int32 = -1
    var nextListed: Int32 = -1
    var previousListed: Int32 = -1
    /// Bytes that we may send, negative after the peer has shrunk its windows (RFC 9113 section 6.9.2).
    var sendWindow: Int
    /// Bytes that the peer may send.
    var receiveWindow: Int
    /// Bytes reported as body and not yet passed on.
    var unconsumed = 0
    /// Bytes passed on, for which the peer has no window update yet.
    var credit = 0
    var declaredBytes: UInt64 = 0
    var bodyBytes: UInt64 = 0
    /// Body bytes, and after them an encoded trailer section of `trailerCount`.
    var queue = ByteQueue()
    var trailerCount = 0
    /// When bytes of the queue were framed last, or, client, something of its answer came.
    var movedAt: UInt64 = 0
    /// How many bytes of all streams' bodies had been framed after the last of this one.
    var framedMark: UInt32 = 0
    /// Client: the stream that was to be opened next when something of its answer came last.
    var heardNext: Int32 = 0

    var pending: Int { queue.count &- trailerCount }
    /// The window has room for next to nothing.
    var isNarrow: Bool { sendWindow < 1 << 10 }
    /// What is still missing of the declared length.
    var lengthLeft: UInt64 { declaredBytes &- bodyBytes }
    var isShort: Bool { flags.contains(.declaresLength) && !flags.contains(.isBodiless) && bodyBytes < declaredBytes }
}
