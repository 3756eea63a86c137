import CNghttp2
import Wire

/// One HTTP/2 connection without its socket. Belongs to one thread.
public final class HTTP2Session {
    public enum Role: Sendable {
        /// A client has connected to us.
        case server
        /// We have connected to an upstream.
        case client
    }

    /// Its SETTINGS, and a client's preface, wait to be written. nil: no memory.
    public init?(_ role: Role, _ limits: HTTP2Limits) { return nil }

    /// Reads the next fact from `bytes[0..<count]`. Total: no bytes can trap.
    ///
    /// To be called again from `consumed` on until it says `.needMore`: it may have more to say about bytes already consumed.
    /// A rest of up to one frame (16,393 bytes) may be left to be kept and given again with more behind it. DATA is never left.
    /// - Parameters:
    ///   - now: nanoseconds of any steady clock, for the limits on rates.
    ///   - block: a header block; its bytes stay good until the next call of `receive` or `write`.
    public func receive(_ bytes: UnsafeMutablePointer<UInt8>, count: Int, now: UInt64, block: inout HeaderBlock) -> HTTP2Step {
        HTTP2Step(.needMore)
    }

    /// Server: an answer's header block as HTTP/1 spells it. A 1xx one with `ended` false. False: the stream is gone.
    public func sendHead(_ stream: Int32, _ head: UnsafePointer<UInt8>, _ count: Int, ended: Bool) -> Bool { false }

    /// Client: a request's header block as HTTP/1 spells it. The new stream's number; negative: none can be opened now.
    public func sendRequest(_ head: UnsafePointer<UInt8>, _ count: Int, isTLS: Bool, ended: Bool, tag: Int32) -> Int32 { -1 }

    /// Takes body bytes. `ended`: END_STREAM behind them. False: the stream is gone.
    public func sendBody(_ stream: Int32, _ runs: UnsafePointer<iovec>, _ runCount: Int, ended: Bool) -> Bool { false }

    /// Trailer lines as HTTP/1 spells them, without the empty line. They end the stream.
    public func sendTrailers(_ stream: Int32, _ fields: UnsafePointer<UInt8>, _ count: Int) -> Bool { false }

    /// Ends the stream now. With NO_ERROR: once what was queued with its end has been framed.
    public func reset(_ stream: Int32, code: UInt32) {}

    /// Body bytes that are not framed yet. While there are any, the stream is not to be fed.
    public func pending(_ stream: Int32) -> Int { 0 }

    /// Body bytes of this stream have been passed on: the peer may send as many more.
    public func consumed(_ stream: Int32, _ n: Int) {}

    /// Opens, or takes, no new streams; those in progress go on.
    public func goAway() {}

    /// Puts frames into `p`, as many as fit, and returns their bytes; 0: nothing now.
    public func write(into p: UnsafeMutablePointer<UInt8>, capacity: Int) -> Int { 0 }

    /// There are frames that can be written now.
    public var wantsWrite: Bool { false }
    public var openStreams: Int { 0 }
    /// Client: a stream can be opened now.
    public var canOpenStream: Bool { false }
    /// Neither side opens streams any more, none is open, and all is written.
    public var isFinished: Bool { false }
    /// Body bytes wait for the peer's windows alone. With `framedBytes` unchanged for long, the peer stalls.
    public var waitsForWindow: Bool { false }
    /// Body bytes framed since the start.
    public var framedBytes: UInt64 { 0 }
    /// The peer takes extended CONNECT (RFC 8441).
    public var allowsExtendedConnect: Bool { false }

    /// Server: steps of the stream carry the tag from now on.
    public func setTag(_ stream: Int32, _ tag: Int32) {}

    /// The tag of a stream that may be fed again: its pending bytes have all been framed. Once each; nil: none.
    public func nextDrained() -> Int32? { nil }
}
