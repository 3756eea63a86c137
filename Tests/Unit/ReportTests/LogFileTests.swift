import Glibc
import Testing

@testable import Report

/// A file that takes a part of a line and no more, as a full disk does: here a pipe that nobody reads.
@Suite struct LogFileTests {
    private let directory = ScratchDirectory()

    private func pipe() -> (path: String, reader: Int32) {
        let path = directory.path + "/pipe"
        #expect(mkfifo(path, 0o600) == 0)
        let reader = open(path, O_RDONLY | O_NONBLOCK)
        // F_SETPIPE_SZ: the least there is.
        #expect(fcntl(reader, 1031, 4096) == 4096)
        return (path, reader)
    }

    private func lines(_ letters: String) -> [UInt8] {
        letters.flatMap { Array((String(repeating: $0, count: 999) + "\n").utf8) }
    }

    private func append(_ bytes: [UInt8], to file: inout LogFile) -> Bool {
        do {
            try bytes.withUnsafeBytes { try file.append($0) }
            return true
        } catch {
            return false
        }
    }

    private func taken(from reader: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 8192)
        let count = read(reader, &bytes, bytes.count)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }

    @Test func aLineThatIsThereInPartIsFinishedBeforeAnotherBegins() throws {
        let (path, reader) = pipe()
        defer { close(reader) }
        var file = try LogFile(path: path, rotation: nil)
        #expect(!append(lines("abcdefg"), to: &file))
        // Four and the most of the fifth are there.
        #expect(file.takeLost() == 2)
        let first = taken(from: reader)
        #expect(append(lines("x"), to: &file))
        #expect(file.takeLost() == 0)
        #expect(first + taken(from: reader) == String(decoding: lines("abcdex"), as: UTF8.self))
        file.close()
        #expect(file.takeLost() == 0)
    }

    @Test func whileItCannotBeFinishedWhatComesIsLost() throws {
        let (path, reader) = pipe()
        defer { close(reader) }
        var file = try LogFile(path: path, rotation: nil)
        #expect(!append(lines("abcdefg"), to: &file))
        #expect(!append(lines("xy"), to: &file))
        #expect(file.takeLost() == 4)
        // With the file it is lost as well.
        file.close()
        #expect(file.takeLost() == 1)
    }
}
