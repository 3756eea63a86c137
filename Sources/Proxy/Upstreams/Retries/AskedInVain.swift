/// Requests whose answers have no mark although their server's have, by server and sort: what answers them writes to the socket
/// itself, so to ask again shows nothing. The last few alone.
struct AskedInVain {
    static let countMax = 64

    private struct Entry: Equatable {
        var server: ServerIndex
        var sort: UInt32
    }

    private var entries: [Entry] = []
    private var next = 0

    var isEmpty: Bool { entries.isEmpty }

    func contains(server: ServerIndex, sort: UInt32) -> Bool { entries.contains(Entry(server: server, sort: sort)) }

    /// - Parameter sort: `RequestSort`'s.
    mutating func note(server: ServerIndex, sort: UInt32) {
        let entry = Entry(server: server, sort: sort)
        guard !entries.contains(entry) else { return }
        if entries.count < Self.countMax { return entries.append(entry) }
        entries[next] = entry
        next = (next + 1) % Self.countMax
    }
}
