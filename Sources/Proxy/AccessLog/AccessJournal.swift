import Report

/// A worker's part of the access log: a chunk that it fills, line by line, and hands over.
struct AccessJournal: ~Copyable {
    /// So long a line waits for others before its chunk is handed over.
    static let waitTime: UInt64 = 50_000_000

    private let log: AccessLog
    private var writer: AccessWriter
    private var chunk: AccessChunk
    private let servers: UnsafeMutableBufferPointer<(upstream: UInt16, index: UInt16)>

    init(_ log: AccessLog, plan: Plan) {
        self.log = log
        let places = plan.upstreams.enumerated().flatMap { upstream, description in
            description.servers.indices.map { (upstream: UInt16(upstream), index: UInt16($0)) }
        }
        servers = .allocate(capacity: places.count)
        _ = servers.initialize(from: places)
        writer = AccessWriter(plan: plan, servers: UnsafeBufferPointer(servers), isCombined: plan.accessIsCombined)
        chunk = log.take()
    }

    deinit {
        if chunk.count > 0 { log.give(log.exchange(chunk)) } else { log.give(chunk) }
        servers.deallocate()
    }

    var isEmpty: Bool { chunk.lines == 0 }

    mutating func add(_ entry: AccessEntry, incidents: [String]) {
        var out = ByteWriter(chunk.base + chunk.count)
        writer.write(entry, incidents: incidents, &out)
        chunk.count += out.count
        chunk.lines += 1
        if chunk.count > ReportLimit.accessChunkBytesMax - ReportLimit.accessLineBytesMax { handOver() }
    }

    /// Gives the lines to the log's writer.
    mutating func handOver() {
        if chunk.lines > 0 { chunk = log.exchange(chunk) }
    }
}
