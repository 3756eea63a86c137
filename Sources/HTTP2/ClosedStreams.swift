/// The streams that were closed last: whose late frames they are, and whether those are late at all.
@safe struct ClosedStreams {
    struct Entry {
        var id: Int32
        var tag: Int32
        /// Body bytes reported and not yet passed on; they still count against the connection's window.
        var unconsumed: Int32
        var endedByPeer: Bool
        var resetByPeer: Bool
        var resetByUs: Bool
        /// Server: something that should not have come on it has been reported; what follows is of the same fault.
        var isReported = false
    }

    private let countMax: Int
    private var entries: UnsafeMutablePointer<Entry>
    private var capacity: Int
    private var count = 0
    /// The oldest, once all places are taken and there will be no more.
    private var oldest = 0
    /// The highest number that has been forgotten.
    private(set) var forgottenMax: Int32 = 0

    init(countMax: Int) {
        self.countMax = max(1, countMax)
        capacity = min(8, self.countMax)
        unsafe entries = .allocate(capacity: capacity)
    }

    func deallocate() { unsafe entries.deallocate() }

    /// Remembers a stream, and returns the unconsumed bytes of the one that it pushes out.
    mutating func add(_ entry: Entry) -> Int {
        if count == capacity, capacity < countMax { grow() }
        if count < capacity {
            unsafe entries[count] = entry
            count += 1
            return 0
        }
        let forgotten = unsafe entries[oldest]
        forgottenMax = max(forgottenMax, forgotten.id)
        unsafe entries[oldest] = entry
        oldest = oldest + 1 == capacity ? 0 : oldest + 1
        return Int(forgotten.unconsumed)
    }

    private mutating func grow() {
        let size = min(capacity * 2, countMax)
        let larger = UnsafeMutablePointer<Entry>.allocate(capacity: size)
        unsafe larger.moveInitialize(from: entries, count: count)
        unsafe entries.deallocate()
        unsafe entries = unsafe larger
        capacity = size
    }

    /// Newest first: that one is asked for most.
    func find(_ id: Int32) -> UnsafeMutablePointer<Entry>? {
        var i = oldest
        for _ in 0..<count {
            i = i == 0 ? count - 1 : i - 1
            if unsafe entries[i].id == id { return unsafe entries + i }
        }
        return nil
    }
}
