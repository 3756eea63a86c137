import CNghttp2

/// Takes bytes off several runs as if they were one.
struct RunReader {
    private var runs: UnsafePointer<iovec>
    private var taken = 0
    private(set) var left: Int

    init(_ runs: UnsafePointer<iovec>, _ count: Int) {
        self.runs = runs
        left = 0
        for i in 0..<count { left += runs[i].iov_len }
    }

    var isEmpty: Bool { left == 0 }

    /// Copies `n` bytes, of which there must be as many left.
    mutating func take(_ n: Int, into p: UnsafeMutablePointer<UInt8>) {
        var done = 0
        while done < n {
            let run = runs.pointee
            let part = min(n - done, run.iov_len - taken)
            if part > 0 {
                (p + done).update(from: run.iov_base.assumingMemoryBound(to: UInt8.self) + taken, count: part)
            }
            done += part
            taken += part
            if taken == run.iov_len {
                runs += 1
                taken = 0
            }
        }
        left -= n
    }
}
