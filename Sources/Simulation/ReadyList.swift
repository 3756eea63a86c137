import CShim

/// What epoll has to report: the sockets that were woken since they were reported last, in the order in which that happened.
struct ReadyList {
    private enum Entry { case socket(SimulatedSocket), listener(SimulatedListener) }
    private var entries: [Entry] = []

    var isEmpty: Bool { entries.isEmpty }

    mutating func add(_ socket: SimulatedSocket) {
        socket.isInReadyList = true
        entries.append(.socket(socket))
    }

    mutating func add(_ listener: SimulatedListener) {
        guard !listener.isInReadyList else { return }
        listener.isInReadyList = true
        entries.append(.listener(listener))
    }

    mutating func remove(_ socket: SimulatedSocket) {
        guard socket.isInReadyList else { return }
        socket.isInReadyList = false
        entries.removeAll { if case .socket(let other) = $0 { other === socket } else { false } }
    }

    mutating func removeAll() {
        for case .socket(let socket) in entries { socket.isInReadyList = false }
        for case .listener(let listener) in entries { listener.isInReadyList = false }
        entries = []
    }

    /// Edge-triggered sockets are reported once a wake-up, with all that is true of them now; listening ones as long as clients wait.
    mutating func report(_ events: UnsafeMutablePointer<so_event>, _ capacity: Int) -> Int {
        var count = 0
        var place = 0
        var kept: [Entry] = []
        while place < entries.count, count < capacity {
            defer { place += 1 }
            switch entries[place] {
            case .socket(let socket):
                socket.isInReadyList = false
                guard socket.isRegistered else { continue }
                let flags = socket.pollFlags
                guard flags != 0 else { continue }
                events[count] = so_event(tag: socket.tag, flags: flags)
                if flags & UInt32(so_readable) != 0 { socket.isKnownReadable = true }
                count += 1
            case .listener(let listener):
                guard listener.isRegistered, !listener.backlog.waiting.isEmpty else {
                    listener.isInReadyList = false
                    continue
                }
                events[count] = so_event(tag: listener.tag, flags: UInt32(so_readable))
                count += 1
                kept.append(entries[place])
            }
        }
        entries.removeFirst(place)
        entries += kept
        return count
    }
}
