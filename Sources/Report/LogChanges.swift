/// What the writer of a log is asked to do with its file before it writes on.
struct LogChanges {
    /// SIGUSR1: the file may have been moved away.
    var isReopenAsked = false
    /// Opened by a reload, to be written to from now on.
    private(set) var successor: LogFile?

    var isEmpty: Bool { !isReopenAsked && successor == nil }

    /// Gives another file to go on with, and takes the one back that would have been before it.
    mutating func succeed(with file: LogFile) -> LogFile? {
        defer { successor = file }
        return successor
    }

    /// All that has been asked for so far. What is asked for while the writer is at it waits for its next round: a file
    /// that is moved away again just as it is opened anew must be opened once more.
    mutating func take() -> LogChanges {
        defer { self = LogChanges() }
        return self
    }
}
