import Glibc
import Report
import Synchronization
import Testing

struct IncidentLogTests {
    private let scratch = ScratchDirectory()
    private let metrics = Metrics(schema: testSchema(), version: "1")
    private let reports = Reports()

    private final class Reports: Sendable {
        let lines = Mutex<[String]>([])
        func add(_ line: String) { lines.withLock { $0.append(line) } }
        var all: [String] { lines.withLock { $0 } }
    }

    private func log(rotateBytes: UInt64? = nil, keep: Int = 5, name: String = "i.jsonl") throws -> IncidentLog {
        try IncidentLog(
            path: scratch.path + "/" + name, rotateBytes: rotateBytes, keep: keep, metrics: metrics,
            report: { [reports] in reports.add($0) })
    }

    private var dropped: String {
        let lines = text(metrics.exposition(.prometheus)).split(separator: "\n")
        return lines.first { $0.hasPrefix("sendonce_incidents_dropped_total{sink=\"log\"}") }.map(String.init) ?? ""
    }

    @Test func recordsAreLinesInOrder() throws {
        let log = try log()
        for number in 0..<1000 { log.append(Array("{\"n\":\(number)}".utf8)) }
        log.close()
        #expect(scratch.contents("i.jsonl") == (0..<1000).map { "{\"n\":\($0)}\n" }.joined())
    }

    /// Else a start, and a reload, would wait for somebody who reads it.
    @Test func aPipeThatNobodyReadsIsRefused() throws {
        #expect(mkfifo(scratch.path + "/pipe", 0o600) == 0)
        #expect(throws: LogOpenError.self) { try log(name: "pipe") }
    }

    @Test func itAppendsToWhatIsThere() throws {
        for number in 1...2 {
            let log = try log()
            log.append(Array("\(number)".utf8))
            log.close()
        }
        #expect(scratch.contents("i.jsonl") == "1\n2\n")
    }

    @Test func afterCloseRecordsAreCountedAsDropped() throws {
        let log = try log()
        log.close()
        log.append([0x61])
        #expect(dropped.hasSuffix(" 1"))
    }

    @Test func rotationBySize() throws {
        let log = try log(rotateBytes: 10, keep: 2)
        for number in 1...5 { log.append(Array("line\(number)".utf8)) }  // 6 bytes each: one a file
        log.close()
        #expect(scratch.names == ["i.jsonl", "i.jsonl.1", "i.jsonl.2"])
        #expect(scratch.contents("i.jsonl") == "line5\n")
        #expect(scratch.contents("i.jsonl.1") == "line4\n")
        #expect(scratch.contents("i.jsonl.2") == "line3\n")
    }

    @Test func rotationWithoutKeeping() throws {
        let log = try log(rotateBytes: 10, keep: 0)
        for number in 1...3 { log.append(Array("line\(number)".utf8)) }
        log.close()
        #expect(scratch.names == ["i.jsonl"])
        #expect(scratch.contents("i.jsonl") == "line3\n")
    }

    @Test func aRecordLargerThanTheSizeIsWrittenAllTheSame() throws {
        let log = try log(rotateBytes: 3, keep: 1)
        log.append(Array("longer".utf8))
        log.close()
        #expect(scratch.contents("i.jsonl") == "longer\n")
    }

    @Test func reopenAfterTheFileWasMoved() throws {
        let log = try log()
        log.append(Array("old".utf8))
        log.flush()
        rename(scratch.path + "/i.jsonl", scratch.path + "/moved")
        log.reopen()
        log.append(Array("new".utf8))
        log.close()
        #expect(scratch.contents("moved") == "old\n")
        #expect(scratch.contents("i.jsonl") == "new\n")
    }

    @Test func aWishToReopenIsNotLostWhileTheFileIsBeingOpened() throws {
        let log = try log()
        let path = scratch.path + "/i.jsonl"
        for round in 0..<10 {
            // Opening a pipe that nobody reads keeps the writer in the middle of it.
            unlink(path)
            mkfifo(path, 0o600)
            log.reopen()
            // Only makes it likely that the writer is there: otherwise there is nothing to be lost.
            usleep(2000)
            rename(path, path + ".moved")
            log.reopen()
            let reader = open(path + ".moved", O_RDONLY | O_NONBLOCK)
            log.flush()
            log.append(Array("\(round)".utf8))
            log.flush()
            close(reader)
            #expect(scratch.contents("i.jsonl") == "\(round)\n")
        }
        log.close()
    }

    @Test func aReloadGoesOnInAnotherFileAndLosesNothing() throws {
        let log = try log()
        for number in 0..<100 { log.append(Array("\(number)".utf8)) }
        #expect(throws: LogOpenError.self) {
            try log.change(path: scratch.path + "/nowhere/i.jsonl", rotateBytes: nil, keep: 5)
        }
        try log.change(path: scratch.path + "/other.jsonl", rotateBytes: nil, keep: 5)
        for number in 100..<200 { log.append(Array("\(number)".utf8)) }
        log.close()
        #expect(scratch.contents("other.jsonl").hasSuffix("199\n"))
        let both = scratch.contents("i.jsonl") + scratch.contents("other.jsonl")
        #expect(both == (0..<200).map { "\($0)\n" }.joined())
    }

    @Test func openingFailsWithPathAndReason() {
        #expect {
            try IncidentLog(path: "/nonexistent/dir/i.jsonl", metrics: metrics, report: { _ in })
        } throws: { error in
            "\(error)" == "cannot open incident log /nonexistent/dir/i.jsonl: No such file or directory"
        }
    }

    @Test func aFullDiskIsCountedEachTimeAndReportedOnce() throws {
        let log = try IncidentLog(path: "/dev/full", metrics: metrics, report: { [reports] in reports.add($0) })
        for _ in 0..<5 { log.append([0x61]) }
        log.close()
        #expect(dropped.hasSuffix(" 5"))
        #expect(reports.all == ["cannot write incident log /dev/full: No space left on device"])
    }

    @Test func aFullQueueDropsAndNeverWaits() throws {
        // A pipe that nobody reads holds the writer up.
        let path = scratch.path + "/fifo"
        mkfifo(path, 0o600)
        let reader = open(path, O_RDONLY | O_NONBLOCK)
        let log = try log(name: "fifo")
        let line = [UInt8](repeating: 0x61, count: 65536)
        for _ in 0..<1000 { log.append(line) }
        let count = try #require(dropped.split(separator: " ").last.flatMap { Int($0) })
        #expect(count >= 1000 - ReportLimit.queueBytesMax / 65536)
        close(reader)  // the writer sees it and goes on
        log.close()
        #expect(reports.all.count == 1)
    }
}
