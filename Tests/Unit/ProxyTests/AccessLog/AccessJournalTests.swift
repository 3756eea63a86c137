import EventLoop
import Glibc
import Report
import Testing

@testable import Proxy

/// A worker's lines: gathered in a chunk, handed over when it is full or its time has come, and none is lost at the end.
@Suite struct AccessJournalTests {
    /// A log in a file of its own.
    private final class Stage {
        let path: String
        let log: AccessLog
        private let metrics = Metrics(schema: MetricsSchema(routes: [], upstreams: [], listeners: []), version: "test")

        init() throws {
            var template = Array("/tmp/access-journal-XXXXXX".utf8CString)
            close(mkstemp(&template))
            path = String(cString: template)
            log = try AccessLog(path: path, metrics: metrics, report: { _ in })
        }

        deinit { unlink(path) }

        func journal() -> AccessJournal { AccessJournal(log, plan: Plan(upstreams: [], routes: [])) }

        /// Lines of the file, when all has been written.
        func lines() -> [String] {
            log.close()
            guard let file = fopen(path, "r") else { return [] }
            defer { fclose(file) }
            var bytes: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 65_536)
            while true {
                let count = fread(&buffer, 1, buffer.count, file)
                guard count > 0 else { break }
                bytes += buffer.prefix(count)
            }
            return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
        }
    }

    private func add(_ id: Int, to journal: inout AccessJournal, padding: Int = 0) {
        let text = Array("\(id)".utf8)
        let target = [UInt8](repeating: 0x61, count: padding)
        text.withUnsafeBufferPointer { id in
            target.withUnsafeBufferPointer { target in
                var entry = AccessEntry()
                (entry.id, entry.target) = (id, target)
                journal.add(entry, incidents: [])
            }
        }
    }

    private func ids(_ lines: [String]) -> [Int] {
        lines.compactMap { line in
            line.split(separator: "\"request\":{\"id\":\"").last.flatMap { Int($0.prefix { $0 != "\"" }) }
        }
    }

    @Test func linesAreHandedOverInTheirOrder() throws {
        let stage = try Stage()
        do {
            var journal = stage.journal()
            var isEmpty = journal.isEmpty
            #expect(isEmpty)
            for id in 0..<5 { add(id, to: &journal) }
            isEmpty = journal.isEmpty
            #expect(!isEmpty)
            journal.handOver()
            isEmpty = journal.isEmpty
            #expect(isEmpty)
            journal.handOver()
            add(5, to: &journal)
            journal.handOver()
            isEmpty = journal.isEmpty
            #expect(isEmpty, "a single line as well")
            add(6, to: &journal)
            // What waits when the worker ends is written too.
        }
        #expect(ids(stage.lines()) == Array(0...6))
    }

    /// A chunk that has no room for another line leaves by itself.
    @Test func aFullChunkLeaves() throws {
        let stage = try Stage()
        do {
            var journal = stage.journal()
            var handovers = 0
            for id in 0..<400 {
                add(id, to: &journal, padding: 1900)
                if journal.isEmpty { handovers += 1 }
            }
            #expect(handovers > 1 && handovers < 100)
        }
        #expect(ids(stage.lines()) == Array(0..<400))
    }
}
