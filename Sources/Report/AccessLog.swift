import Synchronization

/// The access log: chunks of whole lines in a bounded queue, and the one thread that writes them, one `write` each.
///
/// A worker hands a full chunk over and is given an empty one; chunks are reused, so that logging allocates nothing.
public final class AccessLog: Sendable {
    private static let name = "access log"

    private struct Queue {
        var waiting: [AccessChunk] = []
        /// Chunks handed over and not on disk yet, those in the writer's hands included.
        var unwritten = 0
        var free: [AccessChunk] = []
        var changes = LogChanges()
        var isClosing = false
        var isClosed = false
    }

    private let queue: Monitor<Queue>
    private let metrics: Metrics
    private let thread: NamedThread
    private let isJoined = Atomic(false)

    /// Opens `path` (`-` is standard output) and starts the writer. `report` is called with failures, on the writer's thread.
    public init(
        path: String, rotateBytes: UInt64? = nil, keep: Int = 5, metrics: Metrics,
        report: @escaping @Sendable (String) -> Void
    ) throws(LogOpenError) {
        let file = try LogFile.open(Self.name, path: path, rotateBytes: rotateBytes, keep: keep)
        let queue = Monitor(Queue())
        let output = LogOutput(file, name: Self.name, report: report)
        guard let thread = NamedThread("access-log", { Self.write(from: queue, to: output, metrics) }) else {
            throw LogOpenError(log: Self.name, path: path, reason: "no thread for its writer")
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
    public func reopen() { queue.update { $0.changes.isReopenAsked = true } }

    /// Goes on with another file, or another rotation. Throws, and changes nothing, when the file cannot be opened.
    public func change(path: String, rotateBytes: UInt64?, keep: Int) throws(LogOpenError) {
        let file = try LogFile.open(Self.name, path: path, rotateBytes: rotateBytes, keep: keep)
        if var replaced = queue.update({ $0.changes.succeed(with: file) }) { replaced.close() }
    }

    /// Writes what is queued, then ends. What comes later is dropped and counted.
    public func close() {
        queue.update { $0.isClosing = true }
        queue.wait { $0.isClosed ? () : nil }
        if !isJoined.exchange(true, ordering: .relaxed) { thread.join() }
    }

    /// The writer's thread.
    private static func write(from queue: Monitor<Queue>, to opened: LogOutput, _ metrics: Metrics) {
        var output = opened
        while true {
            let (chunks, changes): ([AccessChunk], LogChanges) = queue.wait { queue in
                guard !queue.waiting.isEmpty || !queue.changes.isEmpty || queue.isClosing else { return nil }
                defer { queue.waiting = [] }
                return (queue.waiting, queue.changes.take())
            }
            var lost = output.make(changes)
            for chunk in chunks {
                lost += unsafe output.append(UnsafeRawBufferPointer(start: chunk.base, count: chunk.count))
                var empty = chunk
                empty.count = 0
                empty.lines = 0
                queue.update { [empty] queue in
                    queue.unwritten -= 1
                    queue.free.append(empty)
                }
            }
            metrics.countAccessLinesDropped(lost)
            let isDone = queue.update { queue in
                queue.isClosed = queue.isClosing && queue.waiting.isEmpty && queue.changes.isEmpty
                return queue.isClosed
            }
            guard !isDone else { break }
        }
        metrics.countAccessLinesDropped(output.close())
    }
}
