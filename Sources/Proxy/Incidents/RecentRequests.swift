import Detector
import EventLoop
import Facts
import Wire

/// The last requests of one HTTP/2 connection of a client: whom frames on streams that are over are attributed to.
///
/// What names a request is copied, cut where it is long, into memory that its entry owns.
struct RecentRequests {
    /// Requests remembered of one connection, and bytes of each one's names.
    static let capacity = 8
    static let textBytes = 256

    private struct Entry: BitwiseCopyable {
        var stream: Int32
        var server: ServerIndex
        var connection: UInt64
        var exchange: FinishedExchange
    }

    private var entries = History<Entry>(capacityMax: capacity)

    /// Remembers a request whose exchange is over.
    mutating func add(stream: Int32, _ record: RequestRecord, _ exchange: Exchange) {
        // The memory of the entry that is about to go is the new one's.
        let text = entries.goesNext?.exchange.request.head.base ?? .allocate(capacity: Self.textBytes)
        var request = record
        request.head = Buffer()
        request.head.base = text
        var used = 0
        func copy(_ part: ByteRange) -> ByteRange {
            let n = min(Int(part.count), Self.textBytes - used)
            if n > 0 { (text + used).update(from: record.head.base! + Int(part.start), count: n) }
            defer { used += n }
            return ByteRange(start: used, count: n)
        }
        request.methodText = copy(record.methodText)
        request.id = copy(record.id)
        request.trace = copy(record.trace)
        request.host = copy(record.host)
        // The target comes last: it is the longest, and a part of it says something.
        request.target = copy(record.target)
        request.head.end = UInt32(used)
        let finished = FinishedExchange(request: request, answer: exchange.answer, ordinal: exchange.ordinal)
        let entry = Entry(stream: stream, server: exchange.server, connection: exchange.connection, exchange: finished)
        _ = entries.add(entry)
    }

    /// The request of a stream with the server that it was sent to last, if any. Good until the next is added.
    func find(_ stream: Int32) -> (exchange: FinishedExchange, server: ServerIndex, connection: UInt64)? {
        entries.first { $0.stream == stream }.map { ($0.exchange, $0.server, $0.connection) }
    }

    mutating func deallocate() {
        for age in 0..<entries.count { entries[age].exchange.request.head.base?.deallocate() }
        entries.deallocate()
    }
}
