import Glibc

/// Standard input: what comes until it ends.
final class InputSource: Source {
    let descriptor: Int32 = STDIN_FILENO
    let wakeTime: UInt64? = nil
    private let isRead: Bool
    private var splitter = LineSplitter()
    private var pending: [[UInt8]] = []
    private(set) var isEnded = false

    /// `wholly`: all of it counts as having been there, so that it can be merged with others, or cut to its last lines.
    init(wholly: Bool) { isRead = wholly }

    func nextPast() throws(SourceFault) -> [UInt8]? {
        guard isRead else { return nil }
        while pending.isEmpty, !isEnded { pending = try advance(now: 0).reversed() }
        return pending.popLast()
    }

    func advance(now: UInt64) throws(SourceFault) -> [[UInt8]] {
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        let count = read(descriptor, &chunk, chunk.count)
        if count < 0, errno == EINTR || errno == EAGAIN { return [] }
        guard count >= 0 else { throw SourceFault("standard input", errno: errno) }
        if count > 0 { return splitter.receive(chunk[..<count]) }
        isEnded = true
        return splitter.end().map { [$0] } ?? []
    }
}
