import Wire

/// What a body decoder found in the bytes at hand.
@frozen
public enum BodyOutcome: Equatable, Sendable {
    /// All bytes are used, or the rest is too short to go on with (`consumed` says how far).
    case more
    /// The body is complete; with chunked framing the trailer section has been read into the block.
    case end
    /// A whole 1xx header block stood where a chunk size was due. It is read into the block and consumed; the body goes on.
    case interim
    /// The bytes at `consumed` are not what is due.
    case malformed(Malformation)
}

/// One step of body decoding: offsets count from the first byte given.
@frozen
public struct BodyStep {
    public var consumed: Int
    /// Body bytes, moved together within the buffer so that they are one run.
    public var bodyStart: Int
    public var bodyCount: Int
    public var outcome: BodyOutcome
    /// The block holds trailer fields.
    public var hasTrailers = false

    @usableFromInline
    init(consumed: Int, bodyStart: Int, bodyCount: Int, outcome: BodyOutcome) {
        self.consumed = consumed
        self.bodyStart = bodyStart
        self.bodyCount = bodyCount
        self.outcome = outcome
    }
}

/// Takes a message's body out of the bytes of its connection (RFC 9112 section 6), for either direction.
///
///     length:  remaining ──0──▶ end
///     chunked: size ─▶ sizeEnd ─▶ data ─▶ dataEnd ─▶ size …  last size 0 ─▶ trailers ─▶ end
///     untilClose: every byte, until the connection's end
@frozen
public struct BodyDecoder {
    @frozen
    public enum Framing: UInt8, Sendable { case none, length, chunked, untilClose }

    @frozen
    public enum ChunkState: UInt8, Sendable {
        case size, sizeDigits, sizeSpace, sizeExtension, sizeEnd, data, dataEnd, dataLineFeed, trailers
    }

    /// Bytes of chunk extensions that one message may have: they are dropped, so nobody needs more.
    public static let extensionBytesMax: UInt32 = 16 * 1024
    /// Hexadecimal digits of one chunk size after its leading zeros, which count as an extension's bytes where there are several.
    /// Fifteen cannot overflow.
    public static let sizeDigitsMax: UInt8 = 15

    public private(set) var framing: Framing = .none
    public private(set) var state: ChunkState = .size
    private var digits: UInt8 = 0
    private var hasLeadingZero = false
    private var extensionBytes: UInt32 = 0
    /// Bytes left: of the body with `length`, of the chunk with `chunked`.
    public private(set) var remaining: UInt64 = 0

    public init() {}

    public init(_ framing: Framing, length: UInt64 = 0) {
        self.framing = framing
        remaining = length
    }

    /// Nothing is due, and nothing was.
    @inlinable public var isEmpty: Bool { framing == .none || (framing == .length && remaining == 0) }

    /// Bytes of a body with a length have passed elsewhere: never its last.
    public mutating func skip(_ count: Int) {
        precondition(framing == .length && UInt64(count) < remaining)
        remaining -= UInt64(count)
    }

    /// At the place where a chunk's size is due.
    public var isAtChunkSize: Bool { framing == .chunked && state == .size }

    /// Decodes from `bytes[0..<count]`; `block` takes trailers and interim header blocks.
    public mutating func decode(
        _ bytes: UnsafeMutablePointer<UInt8>, count: Int, limits: HeadLimits, block: inout HeaderBlock
    ) -> BodyStep {
        switch framing {
        case .none: return BodyStep(consumed: 0, bodyStart: 0, bodyCount: 0, outcome: .end)
        case .untilClose: return BodyStep(consumed: count, bodyStart: 0, bodyCount: count, outcome: .more)
        case .length:
            let taken = Int(min(UInt64(count), remaining))
            remaining -= UInt64(taken)
            return BodyStep(consumed: taken, bodyStart: 0, bodyCount: taken, outcome: remaining == 0 ? .end : .more)
        case .chunked: return unsafe decodeChunks(bytes, count, limits, &block)
        }
    }

    private mutating func decodeChunks(
        _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int, _ limits: HeadLimits, _ block: inout HeaderBlock
    ) -> BodyStep {
        var i = 0
        var bodyStart = 0
        var bodyCount = 0
        @inline(__always) func step(_ outcome: BodyOutcome) -> BodyStep {
            BodyStep(consumed: i, bodyStart: bodyStart, bodyCount: bodyCount, outcome: outcome)
        }
        while i < count {
            switch state {
            case .data:
                let taken = Int(min(UInt64(count - i), remaining))
                if bodyCount == 0 {
                    bodyStart = i
                } else if bodyStart + bodyCount != i {
                    unsafe (bytes + bodyStart + bodyCount).update(from: bytes + i, count: taken)
                }
                bodyCount += taken
                i += taken
                remaining -= UInt64(taken)
                if remaining == 0 { state = .dataEnd }
            case .dataEnd:
                guard unsafe bytes[i] == 0x0d else { return step(.malformed(.chunkEnd)) }
                i += 1
                state = .dataLineFeed
            case .dataLineFeed:
                guard unsafe bytes[i] == 0x0a else { return step(.malformed(.chunkEnd)) }
                i += 1
                state = .size
                remaining = 0
                digits = 0
                hasLeadingZero = false
            case .size:
                if unsafe bytes[i] == 0x48 { return unsafe interim(bytes, count, limits, &block, step(.more)) }
                guard unsafe Scan.hexDigit(bytes[i]) != nil else { return step(.malformed(.chunkSize)) }
                state = .sizeDigits
            case .trailers:
                return unsafe trailers(bytes, count, limits, &block, step(.more))
            default:
                if let fault = unsafe sizeLine(bytes[i]) { return step(.malformed(fault)) }
                i += 1
            }
        }
        return step(.more)
    }

    /// One byte of a chunk's size line after its first digit was seen to be due (RFC 9112 section 7.1).
    private mutating func sizeLine(_ byte: UInt8) -> Malformation? {
        switch (state, byte) {
        case (.sizeDigits, _):
            if let digit = Scan.hexDigit(byte) {
                if digit == 0, remaining == 0 {
                    defer { hasLeadingZero = true }
                    return hasLeadingZero ? countExtension() : nil
                }
                guard digits < Self.sizeDigitsMax else { return .chunkSize }
                digits += 1
                remaining = remaining << 4 | UInt64(digit)
                return nil
            }
            switch byte {
            case 0x0d: state = .sizeEnd
            case 0x3b: state = .sizeExtension
            case 0x20, 0x09: state = .sizeSpace
            default: return .chunkSize
            }
        case (.sizeSpace, 0x0d), (.sizeExtension, 0x0d): state = .sizeEnd
        case (.sizeSpace, 0x3b): state = .sizeExtension
        case (.sizeSpace, 0x20), (.sizeSpace, 0x09): return countExtension()
        case (.sizeSpace, _): return .chunkSize
        case (.sizeExtension, let byte):
            // A lone line feed here is how requests are smuggled past a laxer reader.
            guard byte >= 0x20 || byte == 0x09, byte != 0x7f else { return .chunkSize }
            return countExtension()
        case (.sizeEnd, 0x0a):
            state = remaining == 0 ? .trailers : .data
        default: return .chunkSize
        }
        return nil
    }

    private mutating func countExtension() -> Malformation? {
        extensionBytes += 1
        return extensionBytes > Self.extensionBytesMax ? .chunkExtensionTooLarge : nil
    }

    /// The trailer section: most often only its empty line.
    private func trailers(
        _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int, _ limits: HeadLimits, _ block: inout HeaderBlock, _ before: BodyStep
    ) -> BodyStep {
        var step = before
        switch unsafe HeadParser.trailers(bytes + step.consumed, count: count - step.consumed, limits: limits, into: &block) {
        case .complete:
            step.consumed += block.byteCount
            step.hasTrailers = block.count > 0
            step.outcome = .end
        case .incomplete: step.outcome = .more
        case .malformed(let fault): step.outcome = .malformed(fault.isOurLimit ? fault : .trailer)
        }
        return step
    }

    /// An H where a chunk size is due: a header block, which is skipped when it is a whole interim one.
    private func interim(
        _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int, _ limits: HeadLimits, _ block: inout HeaderBlock, _ before: BodyStep
    ) -> BodyStep {
        var step = before
        let p = unsafe bytes + step.consumed
        let available = count - step.consumed
        // `HTTP/1.x 1`: another status is no interim, and needs no waiting for.
        if available > 9, unsafe p[9] != 0x31 {
            step.outcome = .malformed(.chunkSize)
            return step
        }
        switch unsafe HeadParser.response(p, count: available, limits: limits, into: &block) {
        case .complete:
            step.consumed += block.byteCount
            step.outcome = .interim
        case .incomplete: step.outcome = .more
        case .malformed: step.outcome = .malformed(.chunkSize)
        }
        return step
    }
}
