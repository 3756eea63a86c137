import Glibc
import Report
import Synchronization
import Traces

/// The folder of captures, and the one thread that writes to it, so that no worker waits for a disk.
public final class CaptureStore: Sendable {
    private struct Queue {
        var tapes: [Tape] = []
        var isClosing = false
        var isClosed = false
    }

    private struct Bucket {
        var tokens = CaptureLimit.burst
        var filledAt = WallTime.monotonicNanoseconds()
    }

    public let policy: CapturePolicy
    private let queue: Monitor<Queue>
    private let bucket = Mutex(Bucket())
    private let metrics: Metrics
    private let thread: NamedThread
    private let isJoined = Atomic(false)

    /// Makes the folder if it is not there. `program` stands in each trace; `report` is called with failures.
    public init(
        folder: String, keep: Int, policy: CapturePolicy, program: String, metrics: Metrics,
        report: @escaping @Sendable (String) -> Void
    ) throws(LogOpenError) {
        let files = try CaptureFolder(path: folder, keep: keep)
        let queue = Monitor(Queue())
        guard
            let thread = NamedThread(
                "captures", { Self.write(from: queue, to: files, program: program, metrics: metrics, report: report) })
        else { throw LogOpenError(log: "captures", path: folder, reason: "no thread for their writer") }
        self.policy = policy
        self.queue = queue
        self.metrics = metrics
        self.thread = thread
    }

    deinit { close() }

    static func name(of incident: Incident) -> String { incident.id + CaptureFolder.suffix }

    /// Whether another capture may be begun now.
    func admit() -> Bool {
        let now = WallTime.monotonicNanoseconds()
        return bucket.withLock { bucket in
            let seconds = Double(now - min(now, bucket.filledAt)) / 1e9
            bucket.tokens = min(CaptureLimit.burst, bucket.tokens + seconds * CaptureLimit.perSecond)
            bucket.filledAt = now
            guard bucket.tokens >= 1 else { return false }
            bucket.tokens -= 1
            return true
        }
    }

    /// Queues a tape. A later one of the same connection takes its place.
    func write(_ tape: Tape) {
        let isQueued = queue.update { queue in
            if let place = queue.tapes.firstIndex(where: { $0.name == tape.name }) {
                queue.tapes[place] = tape
                return true
            }
            guard !queue.isClosing, queue.tapes.count < CaptureLimit.queueMax else { return false }
            queue.tapes.append(tape)
            return true
        }
        if !isQueued { metrics.countDropped(.capture) }
    }

    /// A capture's bytes; nil when there is none of that name.
    public static func read(_ name: String, in folder: String) -> [UInt8]? { CaptureFolder.read(folder, name) }

    /// Why captures could not be kept in the folder; nil when they can, as far as can be seen. Makes nothing.
    public static func obstacle(to folder: String) -> String? { CaptureFolder.obstacle(to: folder) }

    /// Names of all captures, the oldest first.
    public static func names(in folder: String) -> [String] { CaptureFolder.names(in: folder) }

    /// Writes what is queued, then ends.
    public func close() {
        queue.update { $0.isClosing = true }
        queue.wait { $0.isClosed ? () : nil }
        if !isJoined.exchange(true, ordering: .relaxed) { thread.join() }
    }

    private static func write(
        from queue: Monitor<Queue>, to files: CaptureFolder, program: String, metrics: Metrics, report: (String) -> Void
    ) {
        var hasFailed = false
        while true {
            let (tapes, isClosing): ([Tape], Bool) = queue.wait { queue in
                guard !queue.tapes.isEmpty || queue.isClosing else { return nil }
                defer { queue.tapes = [] }
                return (queue.tapes, queue.isClosing)
            }
            for tape in tapes {
                guard let name = tape.name, let trace = tape.trace(by: program) else { continue }
                if let failure = files.write(trace.render(), name) {
                    metrics.countDropped(.capture)
                    if !hasFailed { report("cannot write captures to \(files.path): \(failure)") }
                    hasFailed = true
                } else {
                    hasFailed = false
                }
            }
            if isClosing,
                queue.update({ queue in
                    queue.isClosed = queue.tapes.isEmpty
                    return queue.isClosed
                })
            {
                return
            }
        }
    }
}
