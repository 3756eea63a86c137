/// What will happen on the simulated clock, by time; what is due at the same time happens in the order in which it was put down.
struct Agenda {
    struct Item {
        var time: UInt64
        var sequence: UInt64
        var happening: Happening
    }

    private var heap: [Item] = []
    private var sequence: UInt64 = 0

    var isEmpty: Bool { heap.isEmpty }
    var firstTime: UInt64? { heap.first?.time }

    mutating func add(_ time: UInt64, _ happening: Happening) {
        sequence += 1
        heap.append(Item(time: time, sequence: sequence, happening: happening))
        var i = heap.count - 1
        while i > 0 {
            let parent = (i - 1) / 2
            guard isBefore(i, parent) else { break }
            heap.swapAt(i, parent)
            i = parent
        }
    }

    mutating func takeFirst() -> Item {
        heap.swapAt(0, heap.count - 1)
        let item = heap.removeLast()
        var i = 0
        while true {
            var least = i
            for child in [2 * i + 1, 2 * i + 2] where child < heap.count && isBefore(child, least) { least = child }
            if least == i { return item }
            heap.swapAt(i, least)
            i = least
        }
    }

    mutating func removeAll() { heap.removeAll() }

    private func isBefore(_ a: Int, _ b: Int) -> Bool {
        heap[a].time != heap[b].time ? heap[a].time < heap[b].time : heap[a].sequence < heap[b].sequence
    }
}

/// Something that happens at a time: a packet arrives at a socket, a kernel's timer fires, or a peer acts.
enum Happening {
    /// A connect request arrives at a server, or its decision at who asked.
    case connectRequest(SimulatedSocket)
    case connectDecision(SimulatedSocket, error: Int32)
    /// Bytes, with what their sender had received when they left.
    case segment(SimulatedSocket, [UInt8], acknowledges: UInt64)
    case end(SimulatedSocket)
    case reset(SimulatedSocket)
    case acknowledgement(SimulatedSocket, UInt64)
    /// The receiver has not sent data for a while and acknowledges what it has.
    case acknowledgementDue(SimulatedSocket)
    /// The receiver has room again, or the sender's memory has.
    case window(SimulatedSocket)
    case writeSpace(SimulatedSocket)
    case action(() -> Void)
}
