/// The last entries of one connection, the newest first: exchanges of an upstream's connection, its streams, a client's requests.
///
/// A ring in memory of its own that grows to `capacityMax` as entries come. Owned by the slot that holds it: `deallocate` ends it.
@frozen
@safe public struct History<Entry: BitwiseCopyable>: BitwiseCopyable {
    @usableFromInline var base: UnsafeMutablePointer<Entry>?
    @usableFromInline var room: UInt16 = 0
    @usableFromInline let capacityMax: UInt16
    /// Where the newest stands.
    @usableFromInline var newest: UInt16 = 0
    @usableFromInline var used: UInt16 = 0

    @inlinable
    public init(capacityMax: Int) { self.capacityMax = UInt16(capacityMax) }

    @inlinable public var count: Int { Int(used) }
    @inlinable public var isEmpty: Bool { used == 0 }
    @inlinable public var latest: Entry? { unsafe used == 0 ? nil : base.unsafelyUnwrapped[Int(newest)] }

    /// The entry that was added `age` entries before the newest.
    @inlinable
    public subscript(age: Int) -> Entry {
        precondition(age >= 0 && age < count)
        let place = Int(newest) - age
        return unsafe base.unsafelyUnwrapped[place < 0 ? place + Int(room) : place]
    }

    /// The entry that the next one will push out.
    @inlinable public var goesNext: Entry? { used < capacityMax ? nil : self[count - 1] }

    /// Remembers an entry; returns the one that it pushes out, whose memory the caller gives back.
    @inlinable
    public mutating func add(_ entry: Entry) -> Entry? {
        if used == room, room < capacityMax { grow() }
        guard used > 0 else {
            unsafe base.unsafelyUnwrapped.initialize(to: entry)
            (newest, used) = (0, 1)
            return nil
        }
        newest = newest &+ 1 == room ? 0 : newest &+ 1
        let place = unsafe base.unsafelyUnwrapped + Int(newest)
        let old: Entry? = unsafe used == room ? place.pointee : nil
        unsafe place.initialize(to: entry)
        if used < room { used += 1 }
        return old
    }

    @inlinable
    public mutating func replaceLatest(_ entry: Entry) {
        if used > 0 { unsafe base.unsafelyUnwrapped[Int(newest)] = entry }
    }

    /// Changes the newest entry that matches.
    @inlinable
    public mutating func change(where matches: (Entry) -> Bool, _ change: (inout Entry) -> Void) {
        for age in 0..<count where matches(self[age]) {
            let place = Int(newest) - age
            return unsafe change(&base.unsafelyUnwrapped[place < 0 ? place + Int(room) : place])
        }
    }

    @inlinable
    public func first(where matches: (Entry) -> Bool) -> Entry? {
        for age in 0..<count where matches(self[age]) { return self[age] }
        return nil
    }

    @inlinable
    public mutating func deallocate() {
        unsafe base?.deallocate()
        unsafe (base, room, used, newest) = (nil, 0, 0, 0)
    }

    /// Until it is full the entries stand in their order, so that they can be moved as they are.
    @usableFromInline
    mutating func grow() {
        let size = room == 0 ? min(4, capacityMax) : min(room * 2, capacityMax)
        let larger = UnsafeMutablePointer<Entry>.allocate(capacity: Int(size))
        if let base = unsafe base {
            unsafe larger.update(from: base, count: Int(used))
            unsafe base.deallocate()
        }
        unsafe base = unsafe larger
        room = size
    }
}
