import Wire

/// What is known of one answer: facts and offsets that evidence is made of. Trivial, so that it can live in a slab.
@frozen
public struct Answer: BitwiseCopyable, Sendable {
    @frozen
    public enum Framing: UInt8, Sendable { case none, length, chunked, untilClose, frames }

    /// 0 until the final header block.
    public var status: UInt16 = 0
    public var framing: Framing = .none
    /// The head promised that the connection would be kept.
    public var promisesKeepAlive = false
    /// The header block declared a length: `declaredBytes`.
    public var declaresLength = false
    /// Its client's pace has held back the reading of it, so that nobody knows when its bytes came.
    public var wasHeldBack = false
    /// An event stream: it promises nothing about when it goes on.
    public var isEventStream = false
    /// A part of its body has passed unread, so that nobody has looked for a second answer there.
    public var isUnsearched = false
    public var declaredBytes: UInt64 = 0
    public var bodyBytes: UInt64 = 0
    /// Bytes that the connection had received before this answer's first.
    public var startOffset: UInt64 = 0
    /// What its header block looks like: `AnswerShape`.
    public var shape: UInt64 = 0
    /// Nanoseconds on the loop's clock; 0 until it happens. `sentAt`: its request had been sent.
    public var sentAt: UInt64 = 0
    public var headAt: UInt64 = 0
    public var endedAt: UInt64 = 0

    @inlinable public init() {}

    /// As the incident record names the framing.
    public var framingName: String {
        switch framing {
        case .none: "none"
        case .length: "content-length"
        case .chunked: "chunked"
        case .untilClose: "close"
        case .frames: "h2"
        }
    }
}
