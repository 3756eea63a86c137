/// Which failures of a log file have been told, so that a full disk is one line in the operational log and not a flood.
struct LogTroubles {
    let log: String
    let path: String
    private var told: Set<String> = []

    init(log: String, path: String) {
        self.log = log
        self.path = path
    }

    mutating func note(_ failure: LogFile.Failure, _ report: @Sendable (String) -> Void) {
        guard told.insert(failure.action).inserted else { return }
        report("cannot \(failure.action) \(log) \(path): \(failure.reason)")
    }

    /// A later failure is news again.
    mutating func writeSucceeded() { told.remove("write") }
}
