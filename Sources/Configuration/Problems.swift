/// Everything that is wrong with a configuration, in the order of the file.
public struct Problems: Error, Sendable, CustomStringConvertible {
    /// How many are kept; the rest is only counted.
    public static let countMax = 100

    public let all: [Problem]
    /// Problems beyond `countMax`.
    public let dropped: Int

    /// One problem a line.
    public var description: String {
        var lines = all.map(\.description)
        if dropped > 0 { lines.append("and \(dropped) more problems") }
        return lines.joined(separator: "\n")
    }
}

/// Collects problems while a configuration is being read.
struct ProblemLog {
    let file: String
    private var noted: Set<Problem> = []
    private var dropped = 0

    init(file: String) { self.file = file }

    var isEmpty: Bool { noted.isEmpty }

    /// A node behind a YAML alias is read once a use: the same complaint about it is made once.
    mutating func note(_ message: String, at mark: Mark?, flag: String? = nil) {
        let problem = Problem(file: flag ?? file, mark: mark, message: message)
        guard !noted.contains(problem) else { return }
        if noted.count < Problems.countMax { noted.insert(problem) } else { dropped += 1 }
    }

    func sorted() -> Problems {
        let order = noted.sorted {
            ($0.line ?? 0, $0.column ?? 0, $0.file, $0.message) < ($1.line ?? 0, $1.column ?? 0, $1.file, $1.message)
        }
        return Problems(all: order, dropped: dropped)
    }
}
