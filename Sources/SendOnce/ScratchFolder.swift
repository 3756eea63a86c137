import Glibc

/// A folder for one run, removed at its end.
struct ScratchFolder {
    struct Failure: Error, CustomStringConvertible {
        let description: String

        init(_ path: String) { description = "\(path): \(String(cString: strerror(errno)))" }
    }

    private let folder: String

    init() throws {
        let parent = Environment.variables["TMPDIR"].flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp"
        var template = Array("\(parent)/sendonce-gate-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SendOnce.Failure.runtime("cannot make a folder in \(parent)") }
        folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    func path(_ name: String) -> String { "\(folder)/\(name)" }

    func write(_ bytes: [UInt8], _ name: String) throws(Failure) { try Self.write(bytes, path(name)) }

    static func write(_ bytes: [UInt8], _ path: String, appending: Bool = false) throws(Failure) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (appending ? O_APPEND : O_TRUNC), 0o644)
        guard descriptor >= 0 else { throw Failure(path) }
        defer { close(descriptor) }
        var start = 0
        while start < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress! + start, $0.count - start) }
            guard count > 0 else { throw Failure(path) }
            start += count
        }
    }

    /// The lines of a file in it; none when there is none.
    func lines(_ name: String) throws -> [[UInt8]] {
        let descriptor = open(path(name), O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 256 << 10)
        while case let count = read(descriptor, &chunk, chunk.count), count > 0 { bytes += chunk[..<count] }
        return bytes.split(separator: UInt8(ascii: "\n")).map(Array.init)
    }

    func remove() {
        // Nothing but files that this program and the probe have made.
        for name in ["probe.cjs", "probe.jsonl", "incidents.jsonl"] { unlink(path(name)) }
        rmdir(folder)
    }
}
