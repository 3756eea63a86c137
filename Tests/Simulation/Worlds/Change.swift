import Simulation

/// What happens to the worker in the middle of traffic.
struct Change {
    enum Kind {
        /// Another worker goes on, and takes over clients as they become idle.
        case reload
        /// Another process goes on, with the same listening sockets.
        case upgrade
        /// Nobody goes on.
        case drain
    }

    var kind: Kind
    var after: UInt64

    /// One or two, with which the watch over the servers changes.
    static func reloads(_ random: inout SeededNumbers) -> [Change] {
        (0..<1 + random.below(2)).map { _ in
            Change(kind: .reload, after: random.upTo(random.pick([30_000_000, 400_000_000, 3_000_000_000])))
        }
    }

    static func some(isInnocent: Bool, _ random: inout SeededNumbers) -> [Change] {
        (0..<1 + random.below(3)).map { _ in
            let kind: Kind = random.pick([.reload, .reload, .upgrade, .drain])
            return Change(kind: kind, after: random.upTo(random.pick([30_000_000, 400_000_000, 3_000_000_000])))
        }
    }
}
