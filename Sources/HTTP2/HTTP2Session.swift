import CNghttp2
import Wire

/// One HTTP/2 connection without its socket. Belongs to one thread.
///
/// Frames are read and written here, and header blocks packed; unpacking them is libnghttp2's. Its sessions would hide frames on
/// closed streams, or end a connection for one stream's fault.
@safe public final class HTTP2Session {
    /// Behind a pointer, so that no access to it is checked for exclusivity at run time.
    private let state: UnsafeMutablePointer<SessionState>

    public enum Role: Sendable {
        /// A client has connected to us.
        case server
        /// We have connected to an upstream.
        case client
    }

    /// Its SETTINGS, and a client's preface, wait to be written. nil: no memory.
    public init?(_ role: Role, _ limits: HTTP2Limits, spare: HeaderSpare? = nil) {
        guard let made = SessionState(isServer: role == .server, limits, spare: spare) else { return nil }
        unsafe state = .allocate(capacity: 1)
        unsafe state.initialize(to: made)
    }

    deinit {
        unsafe state.deinitialize(count: 1)
        unsafe state.deallocate()
    }

    /// Reads the next fact from `bytes[0..<count]`. Total: no bytes can trap.
    ///
    /// To be called again from `consumed` on until it says `.needMore`: it may have more to say about bytes already consumed.
    /// A rest of up to one frame (16,393 bytes) may be left to be kept and given again with more after it. DATA is never left.
    /// - Parameters:
    ///   - now: nanoseconds of any steady clock, for the limits on rates.
    ///   - block: a header block; its bytes stay good until the next call of `receive` or `write`.
    public func receive(_ bytes: UnsafeMutablePointer<UInt8>, count: Int, now: UInt64, block: inout HeaderBlock) -> HTTP2Step {
        unsafe state.pointee.receive(bytes, count: count, now: now, block: &block)
    }

    /// Server: an answer's header block as HTTP/1 spells it. A 1xx one with `ended` false. False: the stream is gone.
    public func sendHead(_ stream: Int32, _ head: UnsafePointer<UInt8>, _ count: Int, ended: Bool) -> Bool {
        unsafe state.pointee.sendHead(stream, head, count, ended: ended)
    }

    /// Client: a request's header block as HTTP/1 spells it. The new stream's number; negative: none can be opened now.
    /// - Parameter asksTunnel: what Upgrade asks for over HTTP/1 is asked for with an extended CONNECT, once `allowsExtendedConnect`.
    public func sendRequest(
        _ head: UnsafePointer<UInt8>, _ count: Int, isTLS: Bool, asksTunnel: Bool = false, ended: Bool, tag: Int32
    ) -> Int32 {
        unsafe state.pointee.sendRequest(head, count, isTLS: isTLS, asksTunnel: asksTunnel, ended: ended, tag: tag)
    }

    /// Takes body bytes. `ended`: END_STREAM after them. False: the stream is gone.
    public func sendBody(_ stream: Int32, _ runs: UnsafePointer<iovec>, _ runCount: Int, ended: Bool) -> Bool {
        unsafe state.pointee.sendBody(stream, runs, runCount, ended: ended)
    }

    /// Trailer lines as HTTP/1 spells them, without the empty line. They end the stream.
    public func sendTrailers(_ stream: Int32, _ fields: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        unsafe state.pointee.sendTrailers(stream, fields, count)
    }

    /// Ends the stream now. With NO_ERROR: once what was queued with its end has been framed.
    public func reset(_ stream: Int32, code: UInt32) { unsafe state.pointee.resetByWorker(stream, code) }

    /// Nobody has opened the stream yet.
    public func isIdle(_ stream: Int32) -> Bool { unsafe state.pointee.isIdle(stream) }

    /// Body bytes that are not framed yet. While there are any, the stream is not to be fed.
    public func pending(_ stream: Int32) -> Int {
        let place = unsafe state.pointee.streams.find(stream)
        return unsafe place < 0 ? 0 : state.pointee.streams[place].pointee.pending
    }

    /// The stream's window, by itself, has room for less than 1 KiB of a body.
    public func isNarrow(_ stream: Int32) -> Bool {
        let place = unsafe state.pointee.streams.find(stream)
        return unsafe place >= 0 && state.pointee.streams[place].pointee.isNarrow
    }

    /// The peer has sent all that the connection's window has room for, or so much that a whole frame finds none.
    public var isWindowShut: Bool { unsafe state.pointee.receiveWindow < 16 << 10 }

    /// Body bytes of this stream have been passed on: the peer may send as many more.
    public func consumed(_ stream: Int32, _ n: Int) { unsafe state.pointee.consumed(stream, n) }

    /// Opens, or takes, no new streams; those in progress go on.
    public func goAway() { unsafe state.pointee.goAway() }

    /// The peer has said, without an error, that it takes no new streams.
    public var leavesInOrder: Bool { unsafe state.pointee.leavesInOrder }

    /// Server: says that it will go away, while streams that are on their way are still taken (RFC 9113 section 6.8).
    public func warnOfGoAway() { unsafe state.pointee.warnOfGoAway() }

    /// Puts frames into `p`, as many as fit, and returns their bytes; 0: nothing now.
    /// - Parameter now: nanoseconds of any steady clock, for whoever asks when a stream has moved.
    public func write(into p: UnsafeMutablePointer<UInt8>, capacity: Int, now: UInt64 = 0) -> Int {
        unsafe state.pointee.write(into: p, capacity: capacity, now: now)
    }

    /// There are frames that can be written now.
    public var wantsWrite: Bool { unsafe state.pointee.wantsWrite }
    public var openStreams: Int { unsafe state.pointee.streams.count }
    /// Client: a stream can be opened now.
    public var canOpenStream: Bool { unsafe state.pointee.canOpenStream }
    /// Neither side opens streams any more, none is open, and all is written.
    public var isFinished: Bool {
        guard unsafe !state.pointee.wantsWrite else { return false }
        return unsafe state.pointee.failure != nil
            || (state.pointee.hasSentGoAway || state.pointee.hasGoAway) && state.pointee.streams.count == 0
    }
    /// Body bytes wait for the peer's windows alone.
    public var waitsForWindow: Bool { unsafe state.pointee.queuedStreams > 0 && !state.pointee.wantsWrite }
    /// When body bytes that had had to wait were written last, of any stream, by the clock of `write`; 0: never yet.
    public var movedAt: UInt64 { unsafe state.pointee.movedAt }
    /// When the payload of a DATA frame came last, on whichever stream, be it closed.
    public var dataCameAt: UInt64 { unsafe state.pointee.dataCameAt }

    /// The same of one stream, of which bytes still wait; nil: none do. Where its own window has room, it is the connection that has
    /// none: then that one's time counts as well.
    public func movedAt(_ stream: Int32, connection: UInt64) -> UInt64? {
        let place = unsafe state.pointee.streams.find(stream)
        guard place >= 0, unsafe state.pointee.streams[place].pointee.pending > 0 else { return nil }
        let own = unsafe state.pointee.streams[place].pointee.movedAt
        return unsafe state.pointee.streams[place].pointee.flags.contains(.isListed) ? max(own, connection) : own
    }

    /// Body bytes of other streams that were framed since the last that can open a window for this one: of its own, or, where it is the
    /// connection's window that has no room, of any. nil: it is no stream.
    public func bytesFramedSince(_ stream: Int32) -> Int? {
        let place = unsafe state.pointee.streams.find(stream)
        guard place >= 0 else { return nil }
        if unsafe state.pointee.streams[place].pointee.flags.contains(.isListed) { return 0 }
        return unsafe Int(state.pointee.framedBytes &- state.pointee.streams[place].pointee.framedMark)
    }
    /// Client: what it means that nothing has come on this stream for `idle` nanoseconds.
    public func silence(of stream: Int32, idle: UInt64, now: UInt64) -> StreamSilence {
        unsafe state.pointee.silence(of: stream, idle: idle, now: now)
    }
    /// The peer has said what it takes.
    public var hasPeerSettings: Bool { unsafe state.pointee.hasSettings }
    /// The peer takes extended CONNECT (RFC 8441).
    public var allowsExtendedConnect: Bool { unsafe state.pointee.peerTakesConnect }

    /// Steps of the stream carry the tag from now on, also those about what comes after its end. -1: none.
    public func setTag(_ stream: Int32, _ tag: Int32) {
        let place = unsafe state.pointee.streams.find(stream)
        if place >= 0 {
            unsafe state.pointee.streams[place].pointee.tag = tag
        } else if let entry = unsafe state.pointee.closed.find(stream) {
            unsafe entry.pointee.tag = tag
        }
    }

    /// The tag of a stream whose pending bytes have all been framed: it may be fed again, or has ended. Once each; nil: none.
    public func nextDrained() -> Int32? { unsafe state.pointee.drained.next() }
}
