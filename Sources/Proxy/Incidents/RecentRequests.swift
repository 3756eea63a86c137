import EventLoop
import Exchanges
import Wire

/// The last requests of one HTTP/2 connection of a client: whom frames on streams that are over are attributed to.
///
/// A ring in memory of its own, which grows as requests come. What names a request is copied into it, cut where it is long.
struct RecentRequests {
    /// Requests remembered of one connection, and bytes of each one's names.
    static let capacity = 8
    static let textBytes = 256

    private struct Entry: BitwiseCopyable {
        var stream: Int32
        var server: Int32
        var connection: UInt64
        var exchange: FinishedExchange
    }

    private var entries: UnsafeMutablePointer<Entry>?
    private var texts: UnsafeMutablePointer<UInt8>?
    private var room = 0
    private var count = 0
    private var oldest = 0

    /// Remembers a request whose exchange is over.
    mutating func add(stream: Int32, _ record: RequestRecord, _ exchange: Exchange) {
        if count == room, room < Self.capacity { grow() }
        let place = count < room ? count : oldest
        if count < room { count += 1 } else { oldest = oldest + 1 == room ? 0 : oldest + 1 }
        var request = record
        let text = texts! + place * Self.textBytes
        request.head = Buffer()
        request.head.base = text
        var used = 0
        /// The target comes last: it is the longest, and a part of it says something.
        for part in [\RequestRecord.methodText, \.id, \.trace, \.host, \.target] {
            let range = record[keyPath: part]
            let n = min(Int(range.count), Self.textBytes - used)
            if n > 0 { (text + used).update(from: record.head.base! + Int(range.start), count: n) }
            request[keyPath: part] = ByteRange(start: used, count: n)
            used += n
        }
        request.head.end = UInt32(used)
        let finished = FinishedExchange(request: request, answer: exchange.answer, ordinal: exchange.ordinal)
        entries![place] = Entry(stream: stream, server: exchange.server, connection: exchange.connection, exchange: finished)
    }

    /// The request of a stream with the server that it was sent to last, -1 for none. Good until the next is added.
    func find(_ stream: Int32) -> (exchange: FinishedExchange, server: Int32, connection: UInt64)? {
        for i in 0..<count where entries![i].stream == stream {
            return (entries![i].exchange, entries![i].server, entries![i].connection)
        }
        return nil
    }

    func deallocate() {
        entries?.deallocate()
        texts?.deallocate()
    }

    private mutating func grow() {
        let size = max(1, room * 2)
        let (entries, texts) = (entries, texts)
        self.entries = .allocate(capacity: size)
        self.texts = .allocate(capacity: size * Self.textBytes)
        if let entries, let texts {
            self.entries!.update(from: entries, count: count)
            self.texts!.update(from: texts, count: count * Self.textBytes)
            for i in 0..<count { self.entries![i].exchange.request.head.base = self.texts! + i * Self.textBytes }
            entries.deallocate()
            texts.deallocate()
        }
        room = size
    }
}
