import EventLoop

/// What can stand in a list that is linked through its elements, by slot.
protocol Listed: BitwiseCopyable {
    var next: Int32 { get set }
    var previous: Int32 { get set }
}

extension UpstreamConnection: Listed {}
extension ClientConnection: Listed {}

/// A list of one server's connections, or of one connection's streams, linked through these themselves: each is in one list at most.
struct ConnectionList: BitwiseCopyable {
    private(set) var first: Int32 = -1
    private(set) var last: Int32 = -1

    var isEmpty: Bool { first < 0 }

    mutating func append<Element: Listed>(_ slot: Int32, _ connections: borrowing Slab<Element>) {
        connections[slot].pointee.next = -1
        connections[slot].pointee.previous = last
        if last >= 0 { connections[last].pointee.next = slot } else { first = slot }
        last = slot
    }

    mutating func prepend<Element: Listed>(_ slot: Int32, _ connections: borrowing Slab<Element>) {
        connections[slot].pointee.previous = -1
        connections[slot].pointee.next = first
        if first >= 0 { connections[first].pointee.previous = slot } else { last = slot }
        first = slot
    }

    mutating func remove<Element: Listed>(_ slot: Int32, _ connections: borrowing Slab<Element>) {
        let next = connections[slot].pointee.next
        let previous = connections[slot].pointee.previous
        if previous >= 0 { connections[previous].pointee.next = next } else { first = next }
        if next >= 0 { connections[next].pointee.previous = previous } else { last = previous }
        connections[slot].pointee.next = -1
        connections[slot].pointee.previous = -1
    }
}
