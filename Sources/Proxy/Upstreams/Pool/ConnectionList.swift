import EventLoop

/// What can stand in a list that is linked through its elements, by slot.
protocol Listed: BitwiseCopyable {
    var next: Slot<Self> { get set }
    var previous: Slot<Self> { get set }
}

extension UpstreamConnection: Listed {}
extension ClientConnection: Listed {}

/// A list of one server's connections, or of one connection's streams, linked through these themselves: each is in one list at most.
struct ConnectionList<Element: Listed>: BitwiseCopyable {
    private(set) var first = Slot<Element>.none
    private(set) var last = Slot<Element>.none

    var isEmpty: Bool { first.isNone }

    mutating func append(_ slot: Slot<Element>, _ connections: borrowing Slab<Element>) {
        connections[slot].pointee.next = .none
        connections[slot].pointee.previous = last
        if last.exists { connections[last].pointee.next = slot } else { first = slot }
        last = slot
    }

    mutating func prepend(_ slot: Slot<Element>, _ connections: borrowing Slab<Element>) {
        connections[slot].pointee.previous = .none
        connections[slot].pointee.next = first
        if first.exists { connections[first].pointee.previous = slot } else { last = slot }
        first = slot
    }

    mutating func remove(_ slot: Slot<Element>, _ connections: borrowing Slab<Element>) {
        let next = connections[slot].pointee.next
        let previous = connections[slot].pointee.previous
        if previous.exists { connections[previous].pointee.next = next } else { first = next }
        if next.exists { connections[next].pointee.previous = previous } else { last = previous }
        connections[slot].pointee.next = .none
        connections[slot].pointee.previous = .none
    }
}
