import CCurl
import Report

/// Sends incidents to an OpenTelemetry collector, off the loops: a bounded queue and one thread with one connection.
///
/// What does not fit into the queue, what the collector refuses, and what is left when the time to end is over, is dropped and counted.
public final class OTLPExporter: Sendable {
    /// As OpenTelemetry's batch processor has them.
    static let queueRecordsMax = 2048
    static let queueBytesMax = 8 << 20
    static let batchRecordsMax = 512
    /// So long records wait for others to go with them.
    static let gatherMilliseconds = 1000
    /// The last records may take so long.
    static let closeMilliseconds = 5000

    private struct Queue {
        var lines: [[UInt8]] = []
        var bytes = 0
        /// Lines in the sender's hands.
        var sending = 0
        var isClosing = false
        var isClosed = false
    }

    private let queue: Monitor<Queue>
    private let metrics: Metrics
    private let thread: NamedThread

    /// `report` is called, on the exporter's thread, when exporting fails and when it works again. Throws when there is no libcurl.
    public init(
        _ settings: OTLPSettings, version: String, metrics: Metrics, report: @escaping @Sendable (String) -> Void
    ) throws(OTLPSettings.Problem) {
        let client = try CurlClient(settings)
        let queue = Monitor(Queue())
        let sender = OTLPSender(settings: settings, version: version, client: client, metrics: metrics, report: report)
        guard let thread = NamedThread("otlp-export", { Self.run(sender, from: queue) }) else {
            throw OTLPSettings.Problem(description: "no thread for the exporter")
        }
        self.queue = queue
        self.metrics = metrics
        self.thread = thread
    }

    /// Queues one record, as the incident log has it. Never waits.
    public func append(_ line: [UInt8]) {
        let isQueued = queue.update { queue in
            guard !queue.isClosing, queue.lines.count + queue.sending < Self.queueRecordsMax,
                queue.bytes + line.count <= Self.queueBytesMax
            else { return false }
            queue.lines.append(line)
            queue.bytes += line.count
            return true
        }
        if !isQueued { metrics.countDropped(.otlp) }
    }

    /// Sends what is queued, as far as `closeMilliseconds` go, then ends.
    public func close() {
        queue.update { $0.isClosing = true }
        queue.wait { $0.isClosed ? () : nil }
        thread.join()
    }

    private static func run(_ sender: OTLPSender, from queue: Monitor<Queue>) {
        var sender = sender
        var deadline: UInt64?
        while true {
            let batch: [[UInt8]]? = take(from: queue)
            if deadline == nil, queue.update({ $0.isClosing }) {
                deadline = WallTime.monotonicNanoseconds() + UInt64(closeMilliseconds) * 1_000_000
            }
            guard let batch else { break }
            sender.send(batch) { milliseconds in
                // The wait before a retry ends when the exporter is to end.
                queue.wait(milliseconds: milliseconds) { $0.isClosing ? () : nil }
                if deadline == nil, queue.update({ $0.isClosing }) {
                    deadline = WallTime.monotonicNanoseconds() + UInt64(closeMilliseconds) * 1_000_000
                }
                return deadline.map { $0 > WallTime.monotonicNanoseconds() } ?? true
            }
            queue.update { $0.sending = 0 }
        }
        queue.update { $0.isClosed = true }
    }

    /// The next records, once there are some and others have had a moment to come; nil at the end.
    private static func take(from queue: Monitor<Queue>) -> [[UInt8]]? {
        let hasSome: Bool = queue.wait { $0.lines.isEmpty ? ($0.isClosing ? false : nil) : true }
        guard hasSome else { return nil }
        queue.wait(milliseconds: gatherMilliseconds) { $0.isClosing || $0.lines.count >= batchRecordsMax ? () : nil }
        return queue.update { queue in
            let batch = Array(queue.lines.prefix(batchRecordsMax))
            queue.lines.removeFirst(batch.count)
            queue.bytes -= batch.reduce(0) { $0 + $1.count }
            queue.sending = batch.count
            return batch
        }
    }
}
