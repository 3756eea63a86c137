/// Connections that wait for their turn, by tag: first come, first served.
struct TurnQueue {
    /// As many places are freed at a time, so that taking one out costs the same however many wait.
    private static let spentMax = 512

    private var tags: [UInt64] = []
    private var spent = 0

    init() { tags.reserveCapacity(2 * Self.spentMax) }

    var count: Int { tags.count - spent }
    var isEmpty: Bool { tags.count == spent }

    mutating func append(_ tag: UInt64) { tags.append(tag) }

    /// The one that has waited the longest; there must be one.
    mutating func takeFirst() -> UInt64 {
        let tag = tags[spent]
        spent += 1
        if spent == tags.count {
            tags.removeAll(keepingCapacity: true)
            spent = 0
        } else if spent >= Self.spentMax, spent >= tags.count / 2 {
            tags.removeFirst(spent)
            spent = 0
        }
        return tag
    }
}
