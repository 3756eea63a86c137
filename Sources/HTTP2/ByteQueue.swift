/// Bytes that wait, first in, first out, in one stretch of memory; none while there are no bytes and it has grown large.
@safe struct ByteQueue {
    /// What an empty queue may keep.
    static let keptBytesMax = 1024

    private var memory: UnsafeMutablePointer<UInt8>?
    private var start = 0
    private var end = 0
    private var capacity = 0

    var count: Int { end &- start }
    var isEmpty: Bool { end == start }
    /// The first byte; only while there is memory.
    var first: UnsafeMutablePointer<UInt8> { unsafe memory! + start }

    /// Room for `n` bytes after the last; they are in the queue once `commit` says so.
    mutating func reserve(_ n: Int) -> UnsafeMutablePointer<UInt8> {
        if capacity - end < n { makeRoom(n) }
        return unsafe memory! + end
    }

    mutating func commit(_ n: Int) { end += n }

    mutating func append(_ bytes: UnsafePointer<UInt8>, _ n: Int) {
        guard n > 0 else { return }
        unsafe reserve(n).update(from: bytes, count: n)
        end += n
    }

    /// Moves as many bytes as fit to `p` and returns their number.
    mutating func take(into p: UnsafeMutablePointer<UInt8>, _ room: Int) -> Int {
        let n = min(room, count)
        guard n > 0 else { return 0 }
        unsafe p.update(from: first, count: n)
        drop(n)
        return n
    }

    mutating func drop(_ n: Int) {
        start += n
        guard start == end else { return }
        start = 0
        end = 0
        if capacity > Self.keptBytesMax { release() }
    }

    func deallocate() { unsafe memory?.deallocate() }

    /// Forgets the bytes and gives the memory back.
    mutating func release() {
        unsafe memory?.deallocate()
        unsafe memory = nil
        start = 0
        end = 0
        capacity = 0
    }

    private mutating func makeRoom(_ n: Int) {
        let count = count
        if count + n <= capacity, start >= capacity / 2 {
            unsafe memory!.update(from: memory! + start, count: count)
        } else {
            var size = max(capacity, 256)
            while size < count + n { size *= 2 }
            let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: size)
            if let memory = unsafe memory {
                unsafe larger.update(from: memory + start, count: count)
                unsafe memory.deallocate()
            }
            unsafe memory = unsafe larger
            capacity = size
        }
        start = 0
        end = count
    }
}
