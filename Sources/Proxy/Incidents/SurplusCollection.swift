import Exchanges
import HTTP1

/// Bytes on one upstream connection that no answer accounts for, collected until they end. Cold: it exists once something has gone wrong.
struct SurplusCollection {
    /// Bytes that are counted; a peer that sends more is cut off, and the record says at least so many.
    static let countedBytesMax: UInt64 = 64 << 20

    let place: SurplusPlace
    /// Bytes that the connection had received before the first one.
    let connectionOffset: UInt64
    /// When the first one was read.
    let startedAt: UInt64
    private(set) var kept: [UInt8] = []
    private(set) var total: UInt64 = 0
    /// When what begins at so many bytes was read, as far as reads are told apart.
    private var reads: [(offset: UInt64, at: UInt64)] = []
    /// The request that was waiting for its answer when they came, or whose answer they broke.
    var current: FinishedExchange?
    /// `current`'s record is a copy, to be given back.
    var ownsCurrent = false
    /// They had left the upstream before the request that waits for its answer arrived there.
    var leftBeforeRequest = false
    /// Their header block has not the mark of the request that waits, though the connection's answers have theirs.
    var mark: Mark?
    var impact: ClientEffect = .none
    /// Which rule the bytes break, when they break one of their own message's.
    var reason: String?
    /// The id that its incident will have, where an exchange's line names it already.
    var id: String?

    /// The exchange that their mark names, by its number on the connection; nil where they have none.
    struct Mark { var ordinal: UInt32? }

    /// What became of the client whose exchange was in progress.
    enum ClientEffect { case none, aborted, badGateway }

    init(_ place: SurplusPlace, connectionOffset: UInt64, startedAt: UInt64) {
        self.place = place
        self.connectionOffset = connectionOffset
        self.startedAt = startedAt
    }

    /// Adds bytes, which were read later than the first ones.
    mutating func add(_ bytes: UnsafePointer<UInt8>, _ count: Int, at now: UInt64) {
        if reads.count < Self.readsMax { reads.append((total, now)) }
        add(bytes, count)
    }

    mutating func add(_ bytes: UnsafePointer<UInt8>, _ count: Int) {
        total += UInt64(count)
        keep(bytes, count)
    }

    private static let readsMax = 32

    /// When the byte at an offset was read.
    func time(of offset: UInt64) -> UInt64 { reads.last { $0.offset <= offset }?.at ?? startedAt }

    /// Keeps bytes that are counted already.
    mutating func keep(_ bytes: UnsafePointer<UInt8>, _ count: Int) {
        let room = SurplusReader.keptBytesMax - kept.count
        if room > 0 { kept.append(contentsOf: UnsafeBufferPointer(start: bytes, count: min(count, room))) }
    }

    /// Counts bytes whose content is known already.
    mutating func count(_ bytes: UInt64) { total += bytes }

    /// Nothing but line ends has come.
    var isOnlyLineEnds: Bool { total > 0 && UInt64(kept.count) == total && kept.allSatisfy { $0 == 0x0d || $0 == 0x0a } }

    var isFull: Bool { total >= Self.countedBytesMax }

    /// What stands before an answer that is due ends where that answer begins, or a stray answer with its own length.
    mutating func endAtNextAnswer() {
        guard place == .beforeAnswer else { return }
        var end = Int(clamping: total)
        if leftBeforeRequest, let bytes = SurplusReader.read(kept, total: total).messageBytes { end = Int(clamping: bytes) }
        if !leftBeforeRequest, let at = SurplusReader.statusLine(in: kept) { end = at }
        guard end > 0, end < total else { return }
        total = UInt64(end)
        if end < kept.count { kept.removeSubrange(end...) }
    }
}

/// What followed a status line inside a Content-Length body, as far as it is kept.
struct EmbeddedCapture {
    /// Offset of the status line from the body's first byte.
    let offset: UInt64
    private(set) var kept: [UInt8] = []

    init(offset: UInt64) { self.offset = offset }

    mutating func add(_ bytes: UnsafePointer<UInt8>, _ count: Int) {
        let room = SurplusReader.keptBytesMax - kept.count
        if room > 0 { kept.append(contentsOf: UnsafeBufferPointer(start: bytes, count: min(count, room))) }
    }
}
