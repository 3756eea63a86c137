import Records

/// How many came when, in a bounded number of slots: when time runs out of them, each takes twice as long.
struct Timeline {
    static let slotsMax = 64

    private var counts: [Int] = []

    /// The slots that all timelines of a table share.
    struct Scale {
        private(set) var start: Instant
        /// Of one slot.
        private(set) var microseconds: Int64 = 1_000_000

        init(from start: Instant) { self.start = start }

        func slot(_ instant: Instant) -> Int { Int(max(0, instant.microseconds - start.microseconds) / microseconds) }

        /// Makes room for an instant; how often every slot has become half of one.
        mutating func reach(_ instant: Instant) -> Int {
            var foldings = 0
            while slot(instant) >= Timeline.slotsMax {
                microseconds *= 2
                foldings += 1
            }
            return foldings
        }
    }

    mutating func fold() {
        counts = stride(from: 0, to: counts.count, by: 2).map { counts[$0] + ($0 + 1 < counts.count ? counts[$0 + 1] : 0) }
    }

    mutating func add(_ count: Int, at slot: Int) {
        while counts.count <= slot { counts.append(0) }
        counts[slot] += count
    }

    /// The slots up to the last one, in `cells` sums.
    func cells(_ cells: Int, through last: Int) -> [Int] {
        let slots = last + 1
        return (0..<cells).map { cell in
            let (from, to) = (cell * slots / cells, max((cell + 1) * slots / cells, cell * slots / cells + 1))
            return (from..<to).reduce(0) { $0 + ($1 < counts.count ? counts[$1] : 0) }
        }
    }
}
