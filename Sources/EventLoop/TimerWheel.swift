/// Deadlines of slab places, kept cheaply: setting one is a store, except when it comes earlier than the place is scheduled.
///
/// Two rings of 256 ticks: near ones of 4 ms (about a second), far ones of 1.024 s (about 4 minutes). A place stands in
/// one list of one ring. When its tick comes and its deadline has been moved since, it is put back; so a deadline that
/// moves with every request costs one look each time it would have expired.
@safe public struct TimerWheel: ~Copyable {
    /// Granularity: a deadline is met up to this much late, never early.
    public static let tickNanoseconds: UInt64 = 4_000_000
    private static let slots = 256
    private static let mask: UInt64 = 255

    private struct Entry: BitwiseCopyable {
        /// 0 when none is set.
        var deadline: UInt64 = 0
        /// Tick at which the entry is looked at.
        var tick: UInt64 = 0
        var next: Int32 = -1
        var previous: Int32 = -1
        /// Which list it stands in: 0..<256 near, 256..<512 far, -1 none.
        var list: Int16 = -1
    }

    private let entries: UnsafeMutablePointer<Entry>
    private let capacity: Int
    private var heads: [Int32]
    /// Lists that are not empty, a bit each.
    private var occupied: [UInt64]
    /// The last tick that has been worked off.
    private var current: UInt64

    public init(capacity: Int, now: UInt64) {
        self.capacity = capacity
        unsafe entries = .allocate(capacity: capacity)
        heads = Array(repeating: -1, count: 2 * Self.slots)
        occupied = Array(repeating: 0, count: 2 * Self.slots / 64)
        current = now / Self.tickNanoseconds
    }

    deinit { unsafe entries.deallocate() }

    /// Readies a place that has just been taken.
    public mutating func open(_ slot: Int32) { unsafe (entries + Int(slot)).initialize(to: Entry()) }

    /// Takes a place's deadline away.
    public mutating func close(_ slot: Int32) {
        unlink(slot)
        unsafe entries[Int(slot)].deadline = 0
    }

    /// Sets a place's deadline, replacing the one it had; 0 takes it away. Nanoseconds on the loop's clock.
    @inline(__always)
    public mutating func set(_ slot: Int32, _ deadline: UInt64) {
        let entry = unsafe entries + Int(slot)
        unsafe entry.pointee.deadline = deadline
        guard deadline != 0 else { return }
        if unsafe entry.pointee.list < 0 || deadline / Self.tickNanoseconds + 1 < entry.pointee.tick {
            schedule(slot, earliest: current + 1)
        }
    }

    public func deadline(_ slot: Int32) -> UInt64 { unsafe entries[Int(slot)].deadline }

    private mutating func schedule(_ slot: Int32, earliest: UInt64) {
        let entry = unsafe entries + Int(slot)
        unlink(slot)
        // Rounded up: never early. Beyond the far ring it is looked at, and put back, on the way.
        var tick = unsafe max(entry.pointee.deadline / Self.tickNanoseconds + 1, earliest)
        let list: Int
        if tick - current < UInt64(Self.slots) {
            list = Int(tick & Self.mask)
        } else {
            tick = min(tick, current + UInt64(Self.slots * (Self.slots - 1)))
            list = Self.slots + Int((tick / UInt64(Self.slots)) & Self.mask)
        }
        unsafe entry.pointee.tick = tick
        unsafe entry.pointee.list = Int16(list)
        unsafe entry.pointee.previous = -1
        unsafe entry.pointee.next = heads[list]
        if heads[list] >= 0 { unsafe entries[Int(heads[list])].previous = slot }
        heads[list] = slot
        occupied[list >> 6] |= 1 << UInt64(list & 63)
    }

    private mutating func unlink(_ slot: Int32) {
        let entry = unsafe entries + Int(slot)
        let list = unsafe Int(entry.pointee.list)
        guard list >= 0 else { return }
        let next = unsafe entry.pointee.next
        let previous = unsafe entry.pointee.previous
        if next >= 0 { unsafe entries[Int(next)].previous = previous }
        if previous >= 0 { unsafe entries[Int(previous)].next = next } else { heads[list] = next }
        if heads[list] < 0 { occupied[list >> 6] &= ~(1 << UInt64(list & 63)) }
        unsafe entry.pointee.list = -1
    }

    /// Takes the next place whose deadline has come, or nil. Its deadline is then 0. Call until nil.
    public mutating func expire(now: UInt64) -> Int32? {
        let target = now / Self.tickNanoseconds
        if target > current + UInt64(2 * Self.slots * Self.slots) { current = target - UInt64(2 * Self.slots * Self.slots) }
        while true {
            let list = Int(current & Self.mask)
            var slot = heads[list]
            while slot >= 0 {
                let next = unsafe entries[Int(slot)].next
                if unsafe entries[Int(slot)].tick <= current {
                    unlink(slot)
                    let deadline = unsafe entries[Int(slot)].deadline
                    if deadline != 0, deadline <= now {
                        unsafe entries[Int(slot)].deadline = 0
                        return slot
                    }
                    if deadline != 0 { schedule(slot, earliest: current + 1) }
                }
                slot = next
            }
            guard current < target else { return nil }
            current += 1
            if current & Self.mask == 0 { cascade(Self.slots + Int((current / UInt64(Self.slots)) & Self.mask)) }
        }
    }

    /// Puts a far list's entries where they belong now; the current tick's own list is yet to be worked off.
    private mutating func cascade(_ list: Int) {
        while heads[list] >= 0 {
            let slot = heads[list]
            unlink(slot)
            if unsafe entries[Int(slot)].deadline != 0 { schedule(slot, earliest: current) }
        }
    }

    /// Milliseconds until something may expire, rounded up; -1 when nothing is scheduled.
    @inline(__always)
    public static func milliseconds(until due: UInt64, now: UInt64) -> Int {
        guard due != .max else { return -1 }
        return due <= now ? 0 : Int((due - now + 999_999) / 1_000_000)
    }

    /// When something may expire; the end of time when nothing is scheduled.
    public var due: UInt64 {
        let near = nextOccupied(ring: 0, after: current).map { current + $0 }
        let far = nextOccupied(ring: 1, after: current / UInt64(Self.slots)).map {
            (current / UInt64(Self.slots) + $0) * UInt64(Self.slots)
        }
        guard let tick = near.map({ min($0, far ?? .max) }) ?? far else { return .max }
        return tick * Self.tickNanoseconds
    }

    /// Steps from a position to the next list of a ring that is not empty: 1...256, or nil.
    @inline(__always)
    private func nextOccupied(ring: Int, after position: UInt64) -> UInt64? {
        let first = Int((position + 1) & Self.mask)
        for i in 0...4 {
            let word = (first >> 6 + i) & 3
            var bits = occupied[ring * 4 + word]
            if i == 0 { bits &= ~0 << UInt64(first & 63) }
            if i == 4 { bits &= (1 << UInt64(first & 63)) &- 1 }
            if bits != 0 {
                let list = UInt64(word * 64 + bits.trailingZeroBitCount)
                return (list &- UInt64(first)) & Self.mask + 1
            }
        }
        return nil
    }
}
