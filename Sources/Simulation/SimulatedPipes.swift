import Glibc

/// The pipes of a simulated kernel, by descriptor: two ends each, bytes in order between them.
struct SimulatedPipes {
    private final class Pipe {
        let capacity: Int
        var bytes = ByteQueue()
        init(capacity: Int) { self.capacity = capacity }
    }

    private struct End {
        let pipe: Pipe
        let isForReading: Bool
    }

    private var ends: [Int32: End] = [:]

    mutating func open(_ readEnd: Int32, _ writeEnd: Int32, capacity: Int) {
        let pipe = Pipe(capacity: capacity)
        ends[readEnd] = End(pipe: pipe, isForReading: true)
        ends[writeEnd] = End(pipe: pipe, isForReading: false)
    }

    /// False when the descriptor is no pipe's.
    mutating func close(_ fd: Int32) -> Bool { ends.removeValue(forKey: fd) != nil }

    func isPipe(_ fd: Int32) -> Bool { ends[fd] != nil }

    /// As splice does between a socket and the end of a pipe that fits: what the socket does decides.
    func fill(_ writeEnd: Int32, _ count: Int, from socket: SimulatedSocket) -> Int {
        guard let end = ends[writeEnd], !end.isForReading else { return -Int(EINVAL) }
        let room = min(count, end.pipe.capacity - end.pipe.bytes.count)
        guard room > 0 else { return -Int(EAGAIN) }
        return withUnsafeTemporaryAllocation(byteCount: room, alignment: 1) { space in
            let n = socket.recv(space.baseAddress!, room, peek: false)
            if n > 0 { end.pipe.bytes.append(UnsafeRawBufferPointer(rebasing: space[..<n])) }
            return n
        }
    }

    func empty(_ readEnd: Int32, _ count: Int, into socket: SimulatedSocket) -> Int {
        guard let end = ends[readEnd], end.isForReading else { return -Int(EINVAL) }
        let most = min(count, end.pipe.bytes.count)
        guard most > 0 else { return -Int(EAGAIN) }
        return withUnsafeTemporaryAllocation(byteCount: most, alignment: 1) { space in
            var one = iovec(iov_base: space.baseAddress, iov_len: end.pipe.bytes.copy(to: space.baseAddress!, most))
            let n = socket.sendv(&one, 1)
            if n > 0 { end.pipe.bytes.drop(n) }
            return n
        }
    }
}
