import Facts

/// Bytes of one connection, or frames of one stream, that no answer accounts for: collected until they end, and then one incident, or
/// none. Cold: it exists once something has gone wrong.
///
///     the first ──▶ collected ──settle──▶ Finding ──attribute──▶ one record of each request that is likely to have sent some
///                    │  ▲  └──────────▶ nil: innocent
///                    └──┘ more
public struct SurplusCollection<Exchange: RememberedExchange> {
    /// Bytes that are counted; a peer that sends more is cut off, and the record says at least so many.
    public static var countedBytesMax: UInt64 { 64 << 20 }
    /// Reads that are kept apart.
    static var readsMax: Int { 32 }

    public let place: SurplusPlace
    /// Bytes that the connection had received before the first one.
    public let connectionOffset: UInt64
    /// When the first one was read.
    public let startedAt: UInt64
    /// Their beginning: of frames, the payload that is not a header block's.
    public private(set) var kept: [UInt8] = []
    public private(set) var total: UInt64
    /// What their codec says of frames; nil for bytes, which are read when they have ended.
    private let frames: SurplusFacts?
    /// When what begins at so many bytes was read, as far as reads are kept apart.
    private var reads: [(offset: UInt64, at: UInt64)] = []
    /// Bytes that have been seen to be line ends, until others came.
    private var lineEnds: UInt64 = 0
    private var isOnlyLineEnds = true

    /// The request that was waiting for its answer when they came, or whose answer they followed or broke: nil where that is the
    /// newest that the connection remembers.
    public var current: Exchange?
    /// They had left the upstream before the request that waits for its answer arrived there.
    public var leftBeforeRequest = false
    public var mark: Mark?
    /// What became of the client whose exchange was in progress.
    public var clientImpact: ClientImpact = .none
    /// Which rule they break, when they break one of their own message's.
    public var reason: String?
    /// The id that their incident will have, where an exchange's line names it already.
    public var id: String?

    /// Why an answer is another's, on a connection whose answers have marks.
    public enum Mark: Equatable, Sendable {
        /// Its mark names another exchange, by its number on the connection.
        case of(UInt32)
        /// It has none, where the request's own answer would have this.
        case missing(own: [UInt8])
    }

    /// Bytes, of which none has been added yet.
    public init(_ place: SurplusPlace, connectionOffset: UInt64, startedAt: UInt64) {
        self.place = place
        self.connectionOffset = connectionOffset
        self.startedAt = startedAt
        frames = nil
        total = 0
    }

    /// Frames that have come.
    public init(_ place: SurplusPlace, connectionOffset: UInt64, startedAt: UInt64, frames: SurplusFacts) {
        self.place = place
        self.connectionOffset = connectionOffset
        self.startedAt = startedAt
        self.frames = frames
        total = frames.total
    }

    /// Adds bytes, which were read later than the first ones.
    public mutating func add(_ bytes: UnsafePointer<UInt8>, _ count: Int, at now: UInt64) {
        if reads.count < Self.readsMax { reads.append((total, now)) }
        unsafe add(bytes, count)
    }

    public mutating func add(_ bytes: UnsafePointer<UInt8>, _ count: Int) {
        total += UInt64(count)
        unsafe look(bytes, count)
    }

    /// Counts bytes of frames whose content is known already, or is to be `keep`'s.
    public mutating func count(_ bytes: UInt64) { total += bytes }

    /// Keeps a frame's payload, which is counted already.
    public mutating func keep(_ bytes: UnsafePointer<UInt8>, _ count: Int) {
        if frames?.blockBytes == nil { unsafe look(bytes, count) }
    }

    private mutating func look(_ bytes: UnsafePointer<UInt8>, _ count: Int) {
        unsafe kept.keep(bytes, count)
        guard isOnlyLineEnds else { return }
        isOnlyLineEnds = (0..<count).allSatisfy { unsafe bytes[$0] == 0x0d || bytes[$0] == 0x0a }
        lineEnds += UInt64(count)
    }

    public var isFull: Bool { total >= Self.countedBytesMax }

    /// Whether they are innocent if they go on as a timeout's notice does, and their connection ends.
    func mayBeTimeoutNotice<Reader: SurplusReading>(by reader: Reader.Type, untimed: Bool) -> Bool {
        (place == .idle || place == .afterEnd && untimed) && reader.mayBeTimeoutNotice(kept)
    }

    /// When the byte at an offset was read.
    func time(of offset: UInt64) -> UInt64 { reads.last { $0.offset <= offset }?.at ?? startedAt }

    func facts<Reader: SurplusReading>(by reader: Reader.Type) -> SurplusFacts {
        var facts = frames ?? reader.read(kept, total: total)
        facts.total = total
        // However many: harmless, and more of them than are kept.
        if isOnlyLineEnds, total > 0, lineEnds == total { facts.isOnlyLineEnds = true }
        return facts
    }

    /// What stands before an answer that is due ends where that answer begins, or a stray answer with its own length.
    mutating func endAtNextAnswer<Reader: SurplusReading>(by reader: Reader.Type) {
        guard place == .beforeAnswer else { return }
        var end = Int(clamping: total)
        if leftBeforeRequest, let bytes = reader.read(kept, total: total).messageBytes { end = Int(clamping: bytes) }
        if !leftBeforeRequest, let start = reader.answerStart(in: kept) { end = start }
        guard end > 0, end < total else { return }
        total = UInt64(end)
        if end < kept.count { kept.removeSubrange(end...) }
    }
}

extension [UInt8] {
    /// Appends as many bytes as are kept at all.
    mutating func keep(_ bytes: UnsafePointer<UInt8>, _ more: Int) {
        let room = SurplusFacts.keptBytesMax - count
        if room > 0 { unsafe append(contentsOf: UnsafeBufferPointer(start: bytes, count: Swift.min(more, room))) }
    }
}
