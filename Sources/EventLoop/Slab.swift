import CShim

/// A fixed number of places for trivial values, taken and given back by slot.
///
/// The memory is reserved at once and costs nothing until touched. Free places are reused last in, first out: the
/// warmest is taken first. A place's generation changes whenever it is given back, so that an event for whoever
/// stood there before is recognised.
@frozen
@safe public struct Slab<Element: BitwiseCopyable>: ~Copyable {
    public let capacity: Int
    @usableFromInline let elements: UnsafeMutablePointer<Element>
    /// Per place: generation in the high half; in the low half the next free place, or `inUse`.
    @usableFromInline let links: UnsafeMutablePointer<UInt64>
    @usableFromInline static var inUse: UInt64 { 0x8000_0000 }
    @usableFromInline var firstFree: Int32 = -1
    @usableFromInline var used: Int32 = 0
    /// Places taken.
    @usableFromInline var taken = 0
    @inlinable public var count: Int { taken }

    /// nil when the address space cannot be had.
    public init?(capacity: Int) {
        guard let memory = unsafe so_reserve(capacity * MemoryLayout<Element>.stride),
            let linkMemory = unsafe so_reserve(capacity * MemoryLayout<UInt64>.stride)
        else { return nil }
        self.capacity = capacity
        unsafe elements = unsafe memory.bindMemory(to: Element.self, capacity: capacity)
        unsafe links = unsafe linkMemory.bindMemory(to: UInt64.self, capacity: capacity)
    }

    deinit {
        unsafe so_unreserve(elements, capacity * MemoryLayout<Element>.stride)
        unsafe so_unreserve(links, capacity * MemoryLayout<UInt64>.stride)
    }

    /// The value in a place. The pointer stays valid; what it shows after `release` is somebody else's.
    @inlinable
    public subscript(_ slot: Slot<Element>) -> UnsafeMutablePointer<Element> {
        @inline(__always) get { unsafe elements + Int(slot.index) }
    }

    /// Changes each time the place is given back.
    @inlinable
    public func generation(_ slot: Slot<Element>) -> UInt32 { unsafe UInt32(truncatingIfNeeded: links[Int(slot.index)] >> 32) }

    /// A free place, filled with the value; none when all are taken.
    @inlinable
    public mutating func take(_ value: Element) -> Slot<Element> {
        var place = firstFree
        if place >= 0 {
            firstFree = unsafe Int32(truncatingIfNeeded: links[Int(place)])
        } else {
            guard Int(used) < capacity else { return .none }
            place = used
            used += 1
        }
        unsafe (elements + Int(place)).initialize(to: value)
        unsafe links[Int(place)] = unsafe (links[Int(place)] & ~0xffff_ffff) | Self.inUse
        taken += 1
        return Slot(place)
    }

    /// Gives a place back.
    @inlinable
    public mutating func release(_ slot: Slot<Element>) {
        let next = UInt64(generation(slot) &+ 1) << 32 | UInt64(UInt32(bitPattern: firstFree))
        unsafe links[Int(slot.index)] = next
        firstFree = slot.index
        taken -= 1
    }

    /// Whether somebody has the place.
    @inlinable
    public func isTaken(_ slot: Slot<Element>) -> Bool {
        unsafe slot.index < used && links[Int(slot.index)] & 0xffff_ffff == Self.inUse
    }

    /// The next place that somebody has; none after the last. `.none` begins.
    @inlinable
    public func next(after slot: Slot<Element>) -> Slot<Element> {
        var index = slot.index + 1
        while index < used {
            if isTaken(Slot(index)) { return Slot(index) }
            index += 1
        }
        return .none
    }
}
