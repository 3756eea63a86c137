import Synchronization

/// The incident log: a bounded queue and the one thread that writes from it, so that no worker waits for a disk.
public final class IncidentLog: Sendable {
    private static let name = "incident log"

    private struct Queue {
        var lines: [[UInt8]] = []
        /// Records and bytes that are not on disk yet, those in the writer's hands included.
        var unwritten = 0
        var unwrittenBytes = 0
        var changes = LogChanges()
        /// The writer is making the changes that were asked for.
        var isChanging = false
        var isClosing = false
        var isClosed = false
    }

    private let queue: Monitor<Queue>
    private let metrics: Metrics
    private let thread: NamedThread
    private let isJoined = Atomic(false)

    /// Opens `path` (`-` is standard output) and starts the writer.
    ///
    /// `report` is called with failures, once each, on the writer's thread.
    public init(
        path: String, rotateBytes: UInt64? = nil, keep: Int = 5, metrics: Metrics,
        report: @escaping @Sendable (String) -> Void
    ) throws(LogOpenError) {
        let file = try LogFile.open(Self.name, path: path, rotateBytes: rotateBytes, keep: keep)
        let queue = Monitor(Queue())
        let output = LogOutput(file, name: Self.name, report: report)
        guard let thread = NamedThread("incident-log", { Self.write(from: queue, to: output, metrics: metrics) }) else {
            throw LogOpenError(log: Self.name, path: path, reason: "no thread for its writer")
        }
        self.queue = queue
        self.metrics = metrics
        self.thread = thread
    }

    deinit { close() }

    /// Queues one record (without its newline). Never waits for I/O; when the queue is full the record is dropped and counted.
    public func append(_ record: [UInt8]) {
        let isQueued = queue.update { queue in
            guard !queue.isClosing, queue.unwritten < ReportLimit.queueRecordsMax,
                queue.unwrittenBytes + record.count < ReportLimit.queueBytesMax
            else { return false }
            queue.lines.append(record + [UInt8(ascii: "\n")])
            queue.unwritten += 1
            queue.unwrittenBytes += record.count + 1
            return true
        }
        if !isQueued { metrics.countDropped(.log) }
    }

    /// Opens the file anew before the next record (SIGUSR1, after an external rotation).
    public func reopen() { queue.update { $0.changes.isReopenAsked = true } }

    /// Goes on with another file, or another rotation. Throws, and changes nothing, when the file cannot be opened.
    public func change(path: String, rotateBytes: UInt64?, keep: Int) throws(LogOpenError) {
        let file = try LogFile.open(Self.name, path: path, rotateBytes: rotateBytes, keep: keep)
        if var replaced = queue.update({ $0.changes.succeed(with: file) }) { replaced.close() }
    }

    /// Waits until everything queued so far has been written or has failed.
    public func flush() {
        queue.wait { $0.unwritten == 0 && $0.changes.isEmpty && !$0.isChanging || $0.isClosed ? () : nil }
    }

    /// Writes what is queued, then ends. What comes later is dropped and counted.
    public func close() {
        queue.update { $0.isClosing = true }
        queue.wait { $0.isClosed ? () : nil }
        if !isJoined.exchange(true, ordering: .relaxed) { thread.join() }
    }

    /// The writer's thread.
    private static func write(from queue: Monitor<Queue>, to opened: LogOutput, metrics: Metrics) {
        var output = opened
        while true {
            let (lines, changes): ([[UInt8]], LogChanges) = queue.wait { queue in
                guard !queue.lines.isEmpty || !queue.changes.isEmpty || queue.isClosing else { return nil }
                defer { queue.lines = [] }
                queue.isChanging = !queue.changes.isEmpty
                return (queue.lines, queue.changes.take())
            }
            metrics.countDropped(.log, output.make(changes))
            queue.update { $0.isChanging = false }
            for line in lines {
                metrics.countDropped(.log, unsafe line.withUnsafeBytes { unsafe output.append($0) })
                queue.update { queue in
                    queue.unwritten -= 1
                    queue.unwrittenBytes -= line.count
                }
            }
            let isDone = queue.update { queue in
                queue.isClosed = queue.isClosing && queue.lines.isEmpty && queue.changes.isEmpty
                return queue.isClosed
            }
            guard !isDone else { break }
        }
        metrics.countDropped(.log, output.close())
    }
}
