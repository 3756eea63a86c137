/// Where each value stood in the file, for problems that only show when the settings are put into effect.
struct Positions: Sendable, Equatable {
    var file = ""
    var marks: [Place: Mark] = [:]

    /// Settings are the same wherever they were written.
    static func == (a: Self, b: Self) -> Bool { true }
}

extension Settings {
    /// A problem with the value at `place`: keys, names and list positions from the root of the file, such as
    /// `["listeners", "0", "tls", "certificate"]`. What stands nowhere is reported where the nearest thing around it stands.
    public func problem(_ message: String, at place: [String]) -> Problem {
        var steps = place
        while !steps.isEmpty {
            if let mark = positions.marks[Place(steps: steps)] {
                return Problem(file: positions.file, mark: mark, message: message)
            }
            steps.removeLast()
        }
        return Problem(file: positions.file, mark: nil, message: message)
    }
}

extension Settings {
    /// Whether the value at `place` came from an environment variable whose content must not be shown.
    public func isSecret(_ place: [String]) -> Bool { secrets.contains(Place(steps: place)) }
}

extension Problems {
    /// These problems, in the order of the file; nil when there are none.
    public init?(_ problems: [Problem]) {
        guard !problems.isEmpty else { return nil }
        let order = problems.sorted { ($0.line ?? 0, $0.column ?? 0, $0.message) < ($1.line ?? 0, $1.column ?? 0, $1.message) }
        self.init(all: Array(order.prefix(Self.countMax)), dropped: max(0, order.count - Self.countMax))
    }
}
