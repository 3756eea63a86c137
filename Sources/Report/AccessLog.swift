import Synchronization

/// The access log: chunks of whole lines in a bounded queue, and the one thread that writes them, one `write` each.
///
/// A worker hands a full chunk over and is given an empty one; chunks are reused, so that logging allocates nothing.
public final class AccessLog: Sendable {
    /// The log could not be opened.
    public struct OpenError: Error, CustomStringConvertible {
        public var path: String
        public var reason: String
        public var description: String { "cannot open access log \(path): \(reason)" }
    }

    private struct Queue {
        var waiting: [AccessChunk] = []
        /// Chunks handed over and not on disk yet, those in the writer's hands included.
        var unwritten = 0
        var free: [AccessChunk] = []
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

    /// Opens `path` (`-` is standard output) and starts the writer. `report` is told about failures, on the writer's thread.
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
        guard let thread = NamedThread("access-log", { Self.write(from: queue, to: file, metrics, report) }) else {
            throw OpenError(path: path, reason: "no thread for its writer")
        }
        self.queue = queue
        self.metrics = metrics
        self.thread = thread
    }

    deinit {
        close()
        queue.update { queue in
            for chunk in queue.free + queue.waiting { chunk.free() }
        }
    }

    /// An empty chunk for a worker.
    public func take() -> AccessChunk {
        queue.update { $0.free.popLast() } ?? AccessChunk()
    }

    /// Takes a chunk back that a worker has no use for any more.
    public func give(_ chunk: AccessChunk) {
        var chunk = chunk
        chunk.count = 0
        chunk.lines = 0
        queue.update { [chunk] in $0.free.append(chunk) }
    }

    /// Takes a chunk over to write it, and gives an empty one. Never waits for I/O: when the queue is full the lines are dropped and counted.
    public func exchange(_ full: AccessChunk) -> AccessChunk {
        enum Answer { case empty(AccessChunk), none, refused }
        let answer: Answer = queue.update { queue in
            guard !queue.isClosing, queue.unwritten < ReportLimit.accessChunksMax else { return .refused }
            queue.waiting.append(full)
            queue.unwritten += 1
            return queue.free.popLast().map { .empty($0) } ?? .none
        }
        switch answer {
        case .empty(let chunk): return chunk
        case .none: return AccessChunk()
        case .refused:
            metrics.countAccessLinesDropped(UInt64(full.lines))
            var same = full
            same.count = 0
            same.lines = 0
            return same
        }
    }

    /// Opens the file anew before the next lines (SIGUSR1, after an external rotation).
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

    /// Writes what is queued, then ends. What comes later is dropped and counted.
    public func close() {
        queue.update { $0.isClosing = true }
        queue.wait { $0.isClosed ? () : nil }
        if !isJoined.exchange(true, ordering: .relaxed) { thread.join() }
    }

    /// The writer's thread.
    private static func write(
        from queue: Monitor<Queue>, to opened: LogFile, _ metrics: Metrics, _ report: @Sendable (String) -> Void
    ) {
        var file = opened
        var troubles = LogTroubles(log: "access log", path: file.path)
        while true {
            let (chunks, isReopenAsked, successor): ([AccessChunk], Bool, LogFile?) = queue.wait { queue in
                guard !queue.waiting.isEmpty || queue.isReopenAsked || queue.successor != nil || queue.isClosing else {
                    return nil
                }
                defer {
                    queue.waiting = []
                    queue.successor = nil
                }
                return (queue.waiting, queue.isReopenAsked, queue.successor)
            }
            if let successor {
                file.close()
                file = successor
                troubles = LogTroubles(log: "access log", path: file.path)
            }
            if isReopenAsked {
                do {
                    try file.reopen()
                    troubles = LogTroubles(log: "access log", path: file.path)
                } catch { troubles.note(error, report) }
                queue.update { $0.isReopenAsked = false }
            }
            for chunk in chunks {
                let bytes = UnsafeRawBufferPointer(start: chunk.base, count: chunk.count)
                do {
                    do { try file.rotate(forBytes: chunk.count) } catch { troubles.note(error, report) }
                    try file.append(lines: bytes)
                    troubles.writeSucceeded()
                } catch {
                    // How many of them the disk took before it failed is not known: all count.
                    metrics.countAccessLinesDropped(UInt64(chunk.lines))
                    troubles.note(error, report)
                }
                var empty = chunk
                empty.count = 0
                empty.lines = 0
                queue.update { [empty] queue in
                    queue.unwritten -= 1
                    queue.free.append(empty)
                }
            }
            let isDone = queue.update { queue in
                queue.isClosed = queue.isClosing && queue.waiting.isEmpty
                return queue.isClosed
            }
            guard !isDone else { break }
        }
        file.close()
    }
}
