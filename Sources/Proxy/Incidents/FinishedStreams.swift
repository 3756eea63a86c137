/// The last answers of one HTTP/2 connection to an upstream: whom frames on closed streams are attributed to.
///
/// A ring; each entry owns its request's bytes until it is overwritten.
struct FinishedStreams {
    /// Answers remembered of one connection.
    static let capacity = 64

    struct Entry {
        var stream: Int32
        var exchange: FinishedExchange
    }

    private(set) var entries: [Entry] = []
    private var next = 0

    /// Remembers an answer; returns the exchange that it pushes out, whose bytes the caller gives back.
    mutating func add(_ entry: Entry) -> FinishedExchange? {
        if entries.count < Self.capacity {
            entries.append(entry)
            return nil
        }
        let old = entries[next].exchange
        entries[next] = entry
        next = (next + 1) % Self.capacity
        return old
    }

    func find(_ stream: Int32) -> FinishedExchange? { entries.last { $0.stream == stream }?.exchange }
}
