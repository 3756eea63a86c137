/// A log's file in the hands of its writer: rotated, opened anew, replaced. What fails is told, but each failure once, so that a
/// full disk is one line in the operational log and not a flood.
struct LogOutput {
    private var file: LogFile
    private let name: String
    private let report: @Sendable (String) -> Void
    private var told: Set<String> = []

    /// `name` is what the log is called where its troubles are told.
    init(_ file: LogFile, name: String, report: @escaping @Sendable (String) -> Void) {
        self.file = file
        self.name = name
        self.report = report
    }

    mutating func make(_ changes: LogChanges) {
        if let successor = changes.successor {
            file.close()
            file = successor
            told = []
        }
        if changes.isReopenAsked {
            do {
                try file.reopen()
                told = []
            } catch { tell(error) }
        }
    }

    /// Writes whole lines with one `write`. False when the file could not take them, or not all of them.
    mutating func append(_ lines: UnsafeRawBufferPointer) -> Bool {
        do { try file.rotate(forBytes: lines.count) } catch { tell(error) }
        do {
            try file.append(lines)
            // A later failure is news again.
            told.remove("write")
            return true
        } catch {
            tell(error)
            return false
        }
    }

    mutating func close() { file.close() }

    private mutating func tell(_ failure: LogFile.Failure) {
        guard told.insert(failure.action).inserted else { return }
        report("cannot \(failure.action) \(name) \(file.path): \(failure.reason)")
    }
}
