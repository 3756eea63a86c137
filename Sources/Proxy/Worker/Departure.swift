/// Whether a worker is to end, and how.
///
///     serving ──retire──▶ retiring ──drain──▶ draining ──end──▶ ended
///        └───────────────drain──────────────────▲
///                             └───────────────end────────────────▲
struct Departure: ~Copyable {
    enum Phase: Equatable {
        case serving
        /// In its own time: others have the listening sockets, and whoever can go on with them does.
        case retiring
        /// With a deadline, on the worker's clock.
        case draining(until: UInt64)
        case ended
    }

    private(set) var phase = Phase.serving
    /// Those who go on, when they are in this process.
    private var succession: Succession?

    /// No client is accepted any more, and none that ends its exchange is kept for another.
    @inline(__always) var isLeaving: Bool { phase != .serving }
    @inline(__always) var isRetiring: Bool { phase == .retiring }
    @inline(__always) var isDraining: Bool { if case .draining = phase { true } else { false } }
    @inline(__always) var hasEnded: Bool { phase == .ended }

    /// False when the worker leaves already, and goes on as it does.
    mutating func retire(to succession: Succession?) -> Bool {
        guard phase == .serving else { return false }
        phase = .retiring
        self.succession = succession
        return true
    }

    /// False when it drains or has ended.
    mutating func drain(until deadline: UInt64) -> Bool {
        guard !isDraining, !hasEnded else { return false }
        phase = .draining(until: deadline)
        return true
    }

    /// The drain's deadline is over.
    func isOverdue(now: UInt64) -> Bool { if case .draining(let deadline) = phase { now >= deadline } else { false } }

    mutating func end() { phase = .ended }

    // MARK: Succession

    /// Whether there are successors, but not for this listener: nobody will listen there any more.
    func abandons(listener: Int) -> Bool { succession.map { $0.listeners[listener] < 0 } ?? false }

    /// Whether a client that came by this listener can go on with a successor.
    func handsOver(listener: Int) -> Bool {
        guard isRetiring, let succession else { return false }
        return succession.listeners[listener] >= 0
    }

    /// Who takes a client over from a worker, and which of its listeners the client came by.
    func successor(ofWorker index: Int, listener: Int) -> (mailbox: Mailbox, listener: UInt16)? {
        guard handsOver(listener: listener), let succession else { return nil }
        return (succession.mailboxes[index % succession.mailboxes.count], UInt16(succession.listeners[listener]))
    }

    /// The successor has ended first: nobody is handed over any more.
    mutating func successorHasEnded() { succession = nil }
}
