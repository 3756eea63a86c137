import Synchronization

/// The incident log: a bounded queue and the one thread that writes from it, so that no worker waits for a disk.
public final class IncidentLog: Sendable {
    /// The log could not be opened.
    public struct OpenError: Error, CustomStringConvertible {
        public var path: String
        public var reason: String
        public var description: String { "cannot open incident log \(path): \(reason)" }
    }

    private struct Queue {
        var lines: [[UInt8]] = []
        /// Records and bytes that are not on disk yet, those in the writer's hands included.
        var unwritten = 0
        var unwrittenBytes = 0
        var isReopenAsked = false
        /// Opened by a reload, to be written to from now on.
        var successor: LogFile?
        var isClosing = false
        var isClosed = false
    }

    private let queue: Monitor<Queue>
    private let metrics: Metrics
    private let thread: NamedThread
    private let isJoined = Atomic(false)

    /// Opens `path` (`-` is standard output) and starts the writer.
    ///
    /// `report` is told about failures, once each, on the writer's thread.
    public init(
        path: String, rotateBytes: UInt64? = nil, keep: Int = 5, metrics: Metrics,
        report: @escaping @Sendable (String) -> Void
    ) throws(OpenError) {
        let file: LogFile
        do throws(LogFile.Failure) {
            file = try LogFile(path: path, rotation: rotateBytes.map { .init(sizeBytes: $0, keep: max(0, keep)) })
        } catch {
            throw OpenError(path: path, reason: error.reason)
        }
        let queue = Monitor(Queue())
        let write: @Sendable () -> Void = { Self.write(from: queue, to: file, metrics: metrics, report: report) }
        guard let thread = NamedThread("incident-log", write) else {
            throw OpenError(path: path, reason: "no thread for its writer")
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
    public func reopen() { queue.update { $0.isReopenAsked = true } }

    /// Goes on with another file, or another rotation. Throws, and changes nothing, when the file cannot be opened.
    public func change(path: String, rotateBytes: UInt64?, keep: Int) throws(OpenError) {
        let file: LogFile
        do throws(LogFile.Failure) {
            file = try LogFile(path: path, rotation: rotateBytes.map { .init(sizeBytes: $0, keep: max(0, keep)) })
        } catch {
            throw OpenError(path: path, reason: error.reason)
        }
        let replaced = queue.update { queue in
            defer { queue.successor = file }
            return queue.successor
        }
        if var replaced { replaced.close() }
    }

    /// Waits until everything queued so far has been written or has failed.
    public func flush() {
        queue.wait { $0.unwritten == 0 && !$0.isReopenAsked && $0.successor == nil || $0.isClosed ? () : nil }
    }

    /// Writes what is queued, then ends. What comes later is dropped and counted.
    public func close() {
        queue.update { $0.isClosing = true }
        queue.wait { $0.isClosed ? () : nil }
        if !isJoined.exchange(true, ordering: .relaxed) { thread.join() }
    }

    /// The writer's thread.
    private static func write(
        from queue: Monitor<Queue>, to opened: LogFile, metrics: Metrics, report: @Sendable (String) -> Void
    ) {
        var file = opened
        var troubles = Troubles(path: file.path)
        while true {
            let (lines, isReopenAsked, successor): ([[UInt8]], Bool, LogFile?) = queue.wait { queue in
                guard !queue.lines.isEmpty || queue.isReopenAsked || queue.successor != nil || queue.isClosing else {
                    return nil
                }
                defer {
                    queue.lines = []
                    queue.successor = nil
                }
                return (queue.lines, queue.isReopenAsked, queue.successor)
            }
            if let successor {
                file.close()
                file = successor
                troubles = Troubles(path: file.path)
            }
            if isReopenAsked {
                do {
                    try file.reopen()
                    troubles = Troubles(path: file.path)
                } catch { report("cannot reopen incident log \(file.path): \(error.reason)") }
                queue.update { $0.isReopenAsked = false }
            }
            for line in lines {
                do {
                    do { try file.rotate(forBytes: line.count) } catch { troubles.note(error, report) }
                    try file.append(line)
                    troubles.writeSucceeded()
                } catch {
                    metrics.countDropped(.log)
                    troubles.note(error, report)
                }
                queue.update { queue in
                    queue.unwritten -= 1
                    queue.unwrittenBytes -= line.count
                }
            }
            let isDone = queue.update { queue in
                queue.isClosed = queue.isClosing && queue.lines.isEmpty
                return queue.isClosed
            }
            guard !isDone else { break }
        }
        file.close()
    }

    /// Which failures have been told, so that a full disk is one line in the operational log and not a flood.
    private struct Troubles {
        let path: String
        private var told: Set<String> = []

        init(path: String) { self.path = path }

        mutating func note(_ failure: LogFile.Failure, _ report: @Sendable (String) -> Void) {
            guard told.insert(failure.action).inserted else { return }
            report("cannot \(failure.action) incident log \(path): \(failure.reason)")
        }

        /// A later failure is news again.
        mutating func writeSucceeded() { told.remove("write") }
    }
}
