import Glibc
import Records

/// A file of the incident log, followed over its rotation by whichever program, and after it the files that it was rotated into.
final class FileSource: Source {
    /// `incidents.jsonl.1` to this one are looked at for what is wanted of the past.
    private static let rotatedMax = 1000

    let descriptor: Int32 = -1
    let wakeTime: UInt64? = nil
    private let path: String
    private let follows: Bool
    /// Files before the present one, the oldest last.
    private var earlier: [LogReader] = []
    private var reader: LogReader?
    private var splitter = LineSplitter()
    /// Read and not given yet; reversed.
    private var pending: [[UInt8]] = []
    private(set) var isEnded = false

    /// Files in `taken` are read by another source.
    init(_ path: String, past: Past, follows: Bool, waits: Bool, taken: inout Set<LogReader.Identity>) throws(SourceFault) {
        self.path = path
        self.follows = follows
        if waits, LogReader.identity(of: path) == nil { return }
        let present = try LogReader(path)
        guard taken.insert(present.identity).inserted else {
            isEnded = true
            return
        }
        earlier = try Self.earlier(than: present, path, past, &taken)
        reader = present
    }

    /// Goes to where the wanted past begins; the rotated files that it reaches into, the latest first.
    private static func earlier(
        than present: LogReader, _ path: String, _ past: Past, _ taken: inout Set<LogReader.Identity>
    ) throws(SourceFault) -> [LogReader] {
        var earlier: [LogReader] = []
        switch past {
        case .all: return []
        case .none: _ = present.seekToLast(0)
        case .last(let count):
            var wanted = count - present.seekToLast(count)
            while wanted > 0, let file = try rotated(path, earlier.count + 1, &taken) {
                earlier.append(file)
                // Of a compressed one all is given: whoever asked takes the last of it.
                wanted = file.isCompressed ? 0 : wanted - file.seekToLast(wanted)
            }
        case .since(let since):
            var oldest = present
            while try begins(after: since, oldest), let file = try rotated(path, earlier.count + 1, &taken) {
                earlier.append(file)
                oldest = file
            }
        }
        return earlier
    }

    private static func rotated(
        _ path: String, _ number: Int, _ taken: inout Set<LogReader.Identity>
    ) throws(SourceFault) -> LogReader? {
        guard number <= rotatedMax else { return nil }
        for name in ["\(path).\(number)", "\(path).\(number).gz"] where LogReader.identity(of: name) != nil {
            let file = try LogReader(name)
            return taken.insert(file.identity).inserted ? file : nil
        }
        return nil
    }

    /// Whether the file's first record is later, so that what is wanted may stand in an earlier file.
    private static func begins(after since: Instant, _ file: LogReader) throws(SourceFault) -> Bool {
        let peek = try LogReader(file.name)
        guard peek.identity == file.identity else { return false }
        var splitter = LineSplitter()
        while case let bytes = try peek.read(), !bytes.isEmpty {
            for line in splitter.receive(bytes) {
                if let record = Record(line: line) { return record.instant > since }
            }
        }
        return true
    }

    func nextPast() throws(SourceFault) -> [UInt8]? {
        while pending.isEmpty {
            guard let file = earlier.last ?? reader else { return nil }
            let bytes = try file.read()
            pending = splitter.receive(bytes).reversed()
            guard bytes.isEmpty else { continue }
            let isPresent = earlier.isEmpty
            // Of a file that is still written, the last line may be half a line.
            if !isPresent || !follows || file.isCompressed, let line = splitter.end() { pending = [line] }
            if isPresent {
                if !follows || file.isCompressed { end() }
                if pending.isEmpty { return nil }
            } else {
                earlier.removeLast()
            }
        }
        return pending.removeLast()
    }

    private func end() {
        reader = nil
        isEnded = true
    }

    func advance(now: UInt64) throws(SourceFault) -> [[UInt8]] {
        guard !isEnded else { return [] }
        var lines: [[UInt8]] = []
        if let reader { lines += try rest(of: reader) }
        guard let identity = LogReader.identity(of: path), identity != reader?.identity else { return lines }
        // Between the last look and the renaming something may have been written.
        if let reader { lines += try rest(of: reader) + (splitter.end().map { [$0] } ?? []) + between(reader.identity) }
        reader = try? LogReader(path)
        if let reader { lines += try rest(of: reader) }
        return lines
    }

    /// What came and was rotated away again since the last look: the files between the one that was read and the present one.
    private func between(_ read: LogReader.Identity) throws(SourceFault) -> [[UInt8]] {
        var names: [String] = []
        for number in 1...Self.rotatedMax {
            guard let identity = LogReader.identity(of: "\(path).\(number)") else { return [] }
            if identity == read { break }
            names.append("\(path).\(number)")
        }
        guard names.count < Self.rotatedMax else { return [] }
        var lines: [[UInt8]] = []
        for name in names.reversed() {
            let file = try LogReader(name)
            lines += try rest(of: file) + (splitter.end().map { [$0] } ?? [])
        }
        return lines
    }

    private func rest(of file: LogReader) throws(SourceFault) -> [[UInt8]] {
        if file.size < file.offset {
            // Cut to nothing in its place: it begins anew.
            _ = splitter.end()
            file.seek(to: 0)
        }
        var lines: [[UInt8]] = []
        while case let bytes = try file.read(), !bytes.isEmpty { lines += splitter.receive(bytes) }
        return lines
    }
}
