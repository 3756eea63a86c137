import CShim
import Glibc

/// Bytes waiting in a pool's buffer: those between `start` and `end` are held.
@frozen
@safe public struct Buffer: BitwiseCopyable {
    public var base: UnsafeMutablePointer<UInt8>?
    public var capacity: UInt32 = 0
    public var start: UInt32 = 0
    public var end: UInt32 = 0

    @inlinable public init() {}
    /// Bytes held.
    @inlinable public var count: Int { Int(end &- start) }
    @inlinable public var isEmpty: Bool { end == start }
    /// The first byte held; only when not empty.
    @inlinable public var first: UnsafeMutablePointer<UInt8> { unsafe base! + Int(start) }
    /// Bytes that can be added after those held.
    @inlinable public var room: Int { Int(capacity &- end) }
}

/// Buffers for what could not be passed on at once, in a few sizes, reused last in, first out.
@safe public struct BufferPool: ~Copyable {
    /// Capacities of the size classes. A larger buffer comes from and goes back to malloc.
    public static let classes: [Int] = [2 << 10, 16 << 10, 160 << 10]
    /// Bytes of free buffers that a pool keeps; the rest goes back to malloc.
    public static let keptBytesMax = 8 << 20

    private var free: [[UnsafeMutablePointer<UInt8>]] = unsafe [[], [], []]
    private var keptBytes = 0
    /// Bytes of buffers that are out.
    public private(set) var lentBytes = 0

    public init() {
        for i in unsafe free.indices { unsafe free[i].reserveCapacity(64) }
    }

    deinit { unsafe free.forEach { unsafe $0.forEach { unsafe Glibc.free($0) } } }

    /// An empty buffer for at least so many bytes.
    public mutating func take(_ bytes: Int) -> Buffer {
        var buffer = Buffer()
        var capacity = bytes
        for (i, size) in Self.classes.enumerated() where bytes <= size {
            capacity = size
            if let base = unsafe free[i].popLast() {
                keptBytes -= size
                unsafe buffer.base = unsafe base
            }
            break
        }
        if unsafe buffer.base == nil { unsafe buffer.base = unsafe allocate(capacity) }
        buffer.capacity = UInt32(capacity)
        lentBytes += capacity
        return buffer
    }

    /// Gives a buffer back and empties the variable that named it.
    public mutating func give(_ buffer: inout Buffer) {
        guard let base = unsafe buffer.base else { return }
        let capacity = Int(buffer.capacity)
        lentBytes -= capacity
        buffer = Buffer()
        if let i = Self.classes.firstIndex(of: capacity), keptBytes + capacity <= Self.keptBytesMax {
            unsafe free[i].append(base)
            keptBytes += capacity
        } else {
            unsafe Glibc.free(base)
        }
    }

    /// Adds bytes after those that a buffer holds, moving to a larger buffer when they do not fit: one that
    /// is larger by half at least, so that many small pieces cost no more than their bytes.
    public mutating func append(_ buffer: inout Buffer, _ bytes: UnsafePointer<UInt8>, _ count: Int) {
        guard count > 0 else { return }
        if buffer.room < count {
            let needed = buffer.count + count
            var larger = take(
                needed > Self.classes.last! ? max(needed, Int(buffer.capacity) + Int(buffer.capacity) / 2) : needed)
            if buffer.count > 0 { unsafe larger.base!.update(from: buffer.first, count: buffer.count) }
            larger.end = UInt32(buffer.count)
            give(&buffer)
            buffer = larger
        }
        unsafe (buffer.base! + Int(buffer.end)).update(from: bytes, count: count)
        buffer.end += UInt32(count)
    }

    private func allocate(_ capacity: Int) -> UnsafeMutablePointer<UInt8> {
        guard let p = unsafe malloc(capacity) else { fatalError("out of memory for a buffer of \(capacity) bytes") }
        return unsafe p.assumingMemoryBound(to: UInt8.self)
    }
}
