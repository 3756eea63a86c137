import Chance
import EventLoop
import Testing

@Suite struct BufferPoolTests {
    private func text(_ buffer: Buffer) -> [UInt8] {
        buffer.isEmpty ? [] : Array(UnsafeBufferPointer(start: buffer.first, count: buffer.count))
    }

    @Test func classes() {
        var pool = BufferPool()
        for (bytes, capacity) in [(0, 2048), (1, 2048), (2048, 2048), (2049, 16384), (16385, 163_840), (163_841, 163_841)] {
            var buffer = pool.take(bytes)
            #expect(buffer.capacity == capacity && buffer.isEmpty && buffer.room == capacity)
            #expect(pool.lentBytes == capacity)
            pool.give(&buffer)
            #expect(buffer.base == nil && buffer.count == 0 && pool.lentBytes == 0)
        }
    }

    @Test func buffersAreReusedLastInFirstOut() {
        var pool = BufferPool()
        var first = pool.take(10)
        var second = pool.take(10)
        let bases = [first.base, second.base]
        pool.give(&first)
        pool.give(&second)
        let again = [pool.take(10).base, pool.take(10).base]
        #expect(again == [bases[1], bases[0]])
    }

    @Test func givingNothingBackIsNothing() {
        var pool = BufferPool()
        var buffer = Buffer()
        pool.give(&buffer)
        #expect(pool.lentBytes == 0)
        var held = pool.take(1)
        pool.give(&held)
        pool.give(&held)
        #expect(pool.lentBytes == 0)
    }

    @Test func bytesMoveToLargerBuffers() {
        var pool = BufferPool()
        var buffer = Buffer()
        var expected: [UInt8] = []
        for size in [1, 2000, 100, 20_000, 200_000] {
            let bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: size), count: size)
            pool.append(&buffer, bytes, bytes.count)
            expected += bytes
            #expect(buffer.count == expected.count && pool.lentBytes == buffer.capacity)
        }
        #expect(text(buffer) == expected)
        pool.give(&buffer)
        #expect(pool.lentBytes == 0)
    }

    /// What a slow peer has not taken is moved a few times, however small the pieces are that are added to it.
    @Test func manySmallPiecesAreMovedSeldom() {
        var pool = BufferPool()
        var buffer = Buffer()
        let piece = [UInt8](repeating: 7, count: 30)
        var moves = 0
        for _ in 0..<100_000 {
            let base = buffer.base
            pool.append(&buffer, piece, piece.count)
            if buffer.base != base { moves += 1 }
        }
        #expect(buffer.count == 3_000_000 && moves <= 12)
        pool.give(&buffer)
        #expect(pool.lentBytes == 0)
    }

    @Test func appendingNothingIsNothing() {
        var pool = BufferPool()
        var buffer = Buffer()
        pool.append(&buffer, [0], 0)
        #expect(buffer.isEmpty && pool.lentBytes == 0)
    }

    /// What the pool keeps for later is bounded, and every buffer out is counted.
    @Test func aStormLeavesNothingOut() {
        var pool = BufferPool()
        var buffers = (0..<200).map { _ in pool.take(100_000) }
        #expect(pool.lentBytes == 200 * 163_840)
        for i in buffers.indices { pool.give(&buffers[i]) }
        #expect(pool.lentBytes == 0)
        let again = (0..<200).map { _ in pool.take(100_000) }
        #expect(Set(again.map(\.base)).count == 200)
    }

    /// Several buffers against arrays: appended to, consumed from the front, given back.
    @Test(arguments: 0..<20) func randomOperations(seed: UInt64) {
        var chance = Chance(seed: seed)
        var pool = BufferPool()
        var buffers = [Buffer](repeating: Buffer(), count: 6)
        var expected = [[UInt8]](repeating: [], count: 6)
        for _ in 0..<500 {
            let i = chance.below(6)
            switch chance.below(4) {
            case 0:
                pool.give(&buffers[i])
                expected[i] = []
            case 1 where !expected[i].isEmpty:
                let count = 1 + chance.below(expected[i].count)
                buffers[i].start += UInt32(count)
                expected[i].removeFirst(count)
            default:
                let bytes = chance.bytes(1 + chance.below(chance.pick([10, 3000, 30_000])))
                pool.append(&buffers[i], bytes, bytes.count)
                expected[i] += bytes
            }
            #expect(text(buffers[i]) == expected[i])
            #expect(pool.lentBytes == buffers.reduce(0) { $0 + Int($1.capacity) })
        }
        for i in buffers.indices { pool.give(&buffers[i]) }
        #expect(pool.lentBytes == 0)
    }
}
