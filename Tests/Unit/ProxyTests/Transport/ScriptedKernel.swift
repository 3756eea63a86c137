import CShim
import EventLoop
import Glibc

/// A kernel that does what a test has written down, call by call, and notes what it was asked for.
final class ScriptedKernel: SimulatedKernel {
    enum Read {
        case bytes([UInt8])
        case end
        case error(Int32)

        static func text(_ text: String) -> Read { .bytes(Array(text.utf8)) }
    }

    /// What reads yield, in their order; then nothing has come.
    var reads: [Read] = []
    /// How many bytes each write takes, negative errno for a failure; then all are taken.
    var writes: [Int] = []
    /// What each `splice` moves.
    var splices: [Int] = []
    var hasPipes = true
    private(set) var sent: [UInt8] = []
    private(set) var writeCount = 0
    private(set) var closed: [Int32] = []
    private(set) var reset: [Int32] = []
    private(set) var ended: [Int32] = []
    private var nextPipe: Int32 = 100

    var text: String { String(decoding: sent, as: UTF8.self) }

    override func recv(_ fd: Int32, _ p: UnsafeMutableRawPointer, _ count: Int, peek: Bool) -> Int {
        guard let read = reads.first else { return Int(-EAGAIN) }
        if !peek { reads.removeFirst() }
        switch read {
        case .end: return 0
        case .error(let error): return Int(-error)
        case .bytes(let bytes):
            let taken = min(count, bytes.count)
            p.copyMemory(from: bytes, byteCount: taken)
            if !peek, taken < bytes.count { reads.insert(.bytes(Array(bytes[taken...])), at: 0) }
            return taken
        }
    }

    override func sendv(_ fd: Int32, _ vectors: UnsafeMutablePointer<iovec>, _ count: Int) -> Int {
        writeCount += 1
        var bytes: [UInt8] = []
        for i in 0..<count { bytes += UnsafeRawBufferPointer(start: vectors[i].iov_base, count: vectors[i].iov_len) }
        let result = writes.isEmpty ? bytes.count : writes.removeFirst()
        guard result >= 0 else { return result }
        sent += bytes.prefix(result)
        return min(result, bytes.count)
    }

    override func pipe(_ ends: UnsafeMutablePointer<Int32>, bytes: Int) -> Int32 {
        guard hasPipes else { return -EMFILE }
        (ends[0], ends[1]) = (nextPipe, nextPipe + 1)
        nextPipe += 2
        return 0
    }

    override func splice(from: Int32, to: Int32, _ count: Int) -> Int {
        splices.isEmpty ? Int(-EAGAIN) : min(splices.removeFirst(), count)
    }

    override func close(_ fd: Int32, reset: Bool) {
        if reset { self.reset.append(fd) } else { closed.append(fd) }
    }

    override func shutdownWrite(_ fd: Int32) { ended.append(fd) }
}
