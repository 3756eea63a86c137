/// A log's file in the hands of its writer: rotated, opened anew, replaced. What fails is reported, but each failure once, so that a
/// full disk is one line in the operational log and not a flood.
struct LogOutput {
    private var file: LogFile
    private let name: String
    private let report: @Sendable (String) -> Void
    private var reported: Set<String> = []

    /// `name` is what the log is called where its troubles are reported.
    init(_ file: LogFile, name: String, report: @escaping @Sendable (String) -> Void) {
        self.file = file
        self.name = name
        self.report = report
    }

    /// Returns how many lines are lost with a file that is left.
    mutating func make(_ changes: LogChanges) -> UInt64 {
        var lost: UInt64 = 0
        if let successor = changes.successor {
            file.close()
            lost = file.takeLost()
            file = successor
            reported = []
        }
        if changes.isReopenAsked {
            do {
                try file.reopen()
                reported = []
            } catch { reportOnce(error) }
        }
        return lost + file.takeLost()
    }

    /// Writes whole lines with one `write`. Returns how many are lost, since the last time.
    mutating func append(_ lines: UnsafeRawBufferPointer) -> UInt64 {
        do { try file.rotate(forBytes: lines.count) } catch { reportOnce(error) }
        do {
            unsafe try file.append(lines)
            // A later failure is news again.
            reported.remove("write")
        } catch { reportOnce(error) }
        return file.takeLost()
    }

    /// Returns how many lines are lost with it.
    mutating func close() -> UInt64 {
        file.close()
        return file.takeLost()
    }

    private mutating func reportOnce(_ failure: LogFile.Failure) {
        guard reported.insert(failure.action).inserted else { return }
        report("cannot \(failure.action) \(name) \(file.path): \(failure.reason)")
    }
}
