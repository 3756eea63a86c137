import Glibc
import Testing

@testable import Report

/// The access log's files and its queue; its lines are tested end to end.
@Suite struct AccessLogTests {
    private let metrics = Metrics(schema: MetricsSchema(routes: [], upstreams: [], listeners: []), version: "1")

    private func dropped() -> String {
        String(decoding: metrics.exposition(.prometheus), as: UTF8.self).split(separator: "\n")
            .first { $0.hasPrefix("sendonce_access_log_dropped_total ") }.map { String($0.split(separator: " ")[1]) } ?? "none"
    }

    private func fill(_ chunk: inout AccessChunk, _ line: String) {
        // At once: a pipe that takes nothing for a second is given up.
        let bytes = Array(line.utf8) + [0x0a]
        (chunk.base + chunk.count).update(from: bytes, count: bytes.count)
        chunk.count += bytes.count
        chunk.lines += 1
    }

    @Test func chunksAreWrittenWholeAndInOrder() throws {
        let directory = ScratchDirectory()
        let log = try AccessLog(path: directory.path + "/access.log", metrics: metrics, report: { _ in })
        var chunk = log.take()
        for i in 0..<500 {
            fill(&chunk, "line \(i)")
            if i % 20 == 0 { chunk = log.exchange(chunk) }
            #expect(chunk.count == 0 || i % 20 != 0)
        }
        log.give(log.exchange(chunk))
        log.close()
        let lines = fileText(directory.path + "/access.log").split(separator: "\n")
        #expect(lines.map(String.init) == (0..<500).map { "line \($0)" })
        #expect(dropped() == "0")
    }

    @Test func whatComesAfterTheEndIsCounted() throws {
        let directory = ScratchDirectory()
        let log = try AccessLog(path: directory.path + "/access.log", metrics: metrics, report: { _ in })
        var chunk = log.take()
        log.close()
        fill(&chunk, "late")
        fill(&chunk, "later")
        chunk = log.exchange(chunk)
        #expect(chunk.count == 0 && chunk.lines == 0)
        log.give(chunk)
        #expect(dropped() == "2")
        #expect(fileText(directory.path + "/access.log") == "")
    }

    /// A reader that takes nothing fills the pipe, then the queue; what does not fit is dropped, counted, and holds nobody up.
    @Test func aFullQueueDropsAndCounts() throws {
        let directory = ScratchDirectory()
        let path = directory.path + "/pipe"
        #expect(mkfifo(path, 0o600) == 0)
        let reader = open(path, O_RDONLY | O_NONBLOCK)
        defer { close(reader) }
        let log = try AccessLog(path: path, metrics: metrics, report: { _ in })
        let line = String(repeating: "x", count: 60_000)
        var chunk = log.take()
        var handedOver = 0
        while dropped() == "0", handedOver < 10 * ReportLimit.accessChunksMax {
            fill(&chunk, line)
            chunk = log.exchange(chunk)
            handedOver += 1
        }
        #expect(dropped() == "1")
        #expect(handedOver > ReportLimit.accessChunksMax)
        // Once somebody reads, the rest is written.
        var taken = 0
        let thread = NamedThread("closing") { log.close() }
        var bytes = [UInt8](repeating: 0, count: 65536)
        while taken < (handedOver - 1) * 60_001 {
            var entry = pollfd(fd: reader, events: Int16(POLLIN), revents: 0)
            guard poll(&entry, 1, 10_000) > 0 else { break }
            let count = read(reader, &bytes, bytes.count)
            guard count > 0 else { break }
            taken += count
        }
        #expect(taken == (handedOver - 1) * 60_001)
        thread?.join()
        log.give(chunk)
    }
}
