/// Bytes in, bytes out, in order.
struct ByteQueue {
    private var bytes: [UInt8] = []
    private var start = 0

    var count: Int { bytes.count - start }
    var isEmpty: Bool { count == 0 }

    mutating func append(_ more: UnsafeRawBufferPointer) { bytes.append(contentsOf: more) }

    mutating func append(_ more: [UInt8]) { bytes.append(contentsOf: more) }

    /// Copies up to `count` bytes out without taking them.
    func copy(to out: UnsafeMutableRawPointer, _ count: Int) -> Int {
        let n = min(count, self.count)
        bytes.withUnsafeBytes { out.copyMemory(from: $0.baseAddress! + start, byteCount: n) }
        return n
    }

    /// Takes up to `count` bytes.
    mutating func take(_ count: Int) -> [UInt8] {
        let n = min(count, self.count)
        let taken = Array(bytes[start..<start + n])
        drop(n)
        return taken
    }

    mutating func drop(_ count: Int) {
        start += count
        if start == bytes.count {
            bytes.removeAll(keepingCapacity: true)
            start = 0
        } else if start > 64 << 10 {
            bytes.removeFirst(start)
            start = 0
        }
    }

    mutating func removeAll() {
        bytes.removeAll()
        start = 0
    }
}
