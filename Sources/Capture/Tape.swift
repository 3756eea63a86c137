import HTTP1
import Report
import Traces
import Wire

/// What has travelled on one HTTP/1 connection to an upstream lately, put together so that it can be played again: the last whole
/// exchanges that fit, from a request's first byte on.
///
/// Heads and framing are kept as bytes, secrets masked; bodies as their number, so that a large answer costs as little as a small one.
public struct Tape: Sendable {
    /// The connection's number, as incidents name it.
    public let connection: UInt64
    let policy: CapturePolicy
    /// The name of the file, once there is something to write.
    public internal(set) var name: String?
    var incidents: [Incident] = []
    /// The oldest first; each begins with its request.
    private(set) var exchanges: [TapedExchange] = []
    /// Exchanges that were given up for later ones.
    private(set) var forgotten: UInt32 = 0
    private var requests = TapedRequests()
    private var answers = ResponseDecoder()
    /// Bytes of the answer that are yet to be understood, from `heldSince` on.
    private var held: [UInt8] = []
    private var heldSince: UInt64 = 0
    /// From here on nothing that comes is due.
    private var isAstray = false
    private var strayBytes = 0
    /// A tunnel's bytes are nobody's business.
    private var isStopped = false
    private var hasEnded = false

    public init(connection: UInt64, policy: CapturePolicy) {
        self.connection = connection
        self.policy = policy
    }

    /// Whether the answer that was due has come whole.
    var isBetweenExchanges: Bool { answers.phase == .idle && !isAstray }

    /// Nothing has been kept, or all of it was too large.
    var isEmpty: Bool { exchanges.isEmpty }

    // MARK: What is heard

    /// Bytes that went to the upstream.
    mutating func sent(_ bytes: [UInt8], at time: UInt64, _ block: inout HeaderBlock) {
        guard !isStopped else { return }
        for request in requests.read(bytes, policy, &block) {
            if let begins = request.begins {
                isAstray = false
                held = []
                answers.requestSent(method: begins.method, asksUpgrade: begins.asksUpgrade)
                exchanges.append(TapedExchange())
            }
            append(request.parts, fromUpstream: false, at: time)
        }
    }

    /// Bytes that came from it.
    mutating func received(_ bytes: UnsafeBufferPointer<UInt8>, at time: UInt64, _ block: inout HeaderBlock) {
        guard !isStopped, !bytes.isEmpty else { return }
        guard !isAstray else { return unsafe append([stray(bytes)].compactMap(\.self), fromUpstream: true, at: time) }
        if held.isEmpty { heldSince = time }
        unsafe held.append(contentsOf: bytes)
        var parts: [TapePart] = []
        let taken = understand(&parts, &block)
        held.removeFirst(taken)
        // A header block that never ends is not kept for ever.
        if held.count > CaptureLimit.headBytesMax { stop() }
        append(parts, fromUpstream: true, at: time)
    }

    /// Nothing more comes.
    mutating func ended(isReset: Bool, at time: UInt64) {
        guard !hasEnded, !isStopped else { return }
        hasEnded = true
        append([isReset ? .reset : .fin], fromUpstream: true, at: time)
    }

    // MARK: What is kept

    /// Reads what is held, as far as it goes. Returns how many bytes that took.
    private mutating func understand(_ parts: inout [TapePart], _ block: inout HeaderBlock) -> Int {
        var bytes = held
        return unsafe bytes.withUnsafeMutableBufferPointer { buffer in
            var position = 0
            while position < buffer.count {
                let start = unsafe buffer.baseAddress.unsafelyUnwrapped + position
                let rest = unsafe UnsafeBufferPointer(start: start, count: buffer.count - position)
                let step = unsafe answers.next(start, count: rest.count, limits: TapedRequests.limits, block: &block)
                switch step.event {
                case .needMore: return position
                case .switched:
                    unsafe parts.append(
                        .bytes(Mask.head(Array(rest.prefix(step.consumed)), isRequest: false, keepsQuery: true)))
                    isStopped = true
                    return buffer.count
                case .interim, .head:
                    unsafe parts.append(
                        .bytes(Mask.head(Array(rest.prefix(step.consumed)), isRequest: false, keepsQuery: true)))
                case .body, .interimInBody:
                    unsafe TapedBody.append(rest, step.consumed, step.bodyStart, step.bodyCount, policy, to: &parts)
                case .surplus, .malformed:
                    unsafe TapedBody.append(rest, step.consumed, step.bodyStart, step.bodyCount, policy, to: &parts)
                    isAstray = true
                    if let part = unsafe stray(UnsafeBufferPointer(rebasing: rest[step.consumed...])) { parts.append(part) }
                    return buffer.count
                }
                position += step.consumed
            }
            return position
        }
    }

    private mutating func stray(_ bytes: UnsafeBufferPointer<UInt8>) -> TapePart? {
        guard !bytes.isEmpty else { return nil }
        let room = max(0, CaptureLimit.strayBytesMax - strayBytes)
        strayBytes += bytes.count
        return unsafe bytes.count <= room ? .stray(Array(bytes)) : .body(bytes.count)
    }

    private mutating func append(_ parts: [TapePart], fromUpstream: Bool, at time: UInt64) {
        guard !parts.isEmpty, !exchanges.isEmpty else { return }
        let piece = TapePiece(isFromUpstream: fromUpstream, nanoseconds: time, parts: parts)
        exchanges[exchanges.count - 1].append(piece)
        while exchanges.count > 1, isOverfull {
            exchanges.removeFirst()
            forgotten += 1
        }
        // Too large by itself: it could only be written in part, and a part is another story.
        if isOverfull { stop() }
    }

    private var isOverfull: Bool {
        var (kept, written) = (0, 0)
        for exchange in exchanges {
            kept += exchange.keptBytes
            written += exchange.writtenBytes
        }
        return kept > policy.bytesMax || written > CaptureLimit.traceBytesMax
    }

    private mutating func stop() {
        isStopped = true
        exchanges = []
        held = []
    }

    /// All pieces, with what is held and not understood at their end.
    var pieces: [TapePiece] {
        var pieces = exchanges.flatMap(\.pieces)
        guard !held.isEmpty, !pieces.isEmpty else { return pieces }
        let piece = TapePiece(isFromUpstream: true, nanoseconds: heldSince, parts: [.stray(held)])
        let place = pieces.lastIndex { $0.parts != [.fin] && $0.parts != [.reset] }.map { $0 + 1 } ?? pieces.count
        pieces.insert(piece, at: place)
        return pieces
    }
}
