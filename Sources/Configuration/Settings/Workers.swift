extension Settings {
    /// How many event loops there are, each on a thread of its own.
    public enum Workers: Sendable, Equatable {
        public static let countMax = 256

        /// One a core.
        case auto
        case count(Int)
    }
}

extension Format where Value == Settings.Workers {
    static let workers = scalar(
        "`auto` or integer 1…\(Settings.Workers.countMax)",
        expected: "'auto' or a whole number from 1 to \(Settings.Workers.countMax)",
        parse: { text in
            if text == "auto" { return .auto }
            return Int(text).flatMap { (1...Settings.Workers.countMax).contains($0) ? .count($0) : nil }
        },
        show: { workers in
            switch workers {
            case .auto: .text("auto")
            case .count(let count): .number(count)
            }
        })
}
