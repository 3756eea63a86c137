import CNghttp2

/// Takes bytes off several runs as if they were one.
@unsafe struct RunReader {
    private var runs: UnsafePointer<iovec>
    private var taken = 0
    private(set) var left: Int

    init(_ runs: UnsafePointer<iovec>, _ count: Int) {
        unsafe self.runs = unsafe runs
        unsafe left = 0
        for i in 0..<count { unsafe left += runs[i].iov_len }
    }

    var isEmpty: Bool { unsafe left == 0 }

    /// Copies `n` bytes, of which there must be as many left.
    mutating func take(_ n: Int, into p: UnsafeMutablePointer<UInt8>) {
        var done = 0
        while done < n {
            let run = unsafe runs.pointee
            let part = unsafe min(n - done, run.iov_len - taken)
            if part > 0 {
                unsafe (p + done).update(from: run.iov_base.assumingMemoryBound(to: UInt8.self) + taken, count: part)
            }
            done += part
            unsafe taken += part
            if unsafe taken == run.iov_len {
                unsafe runs += 1
                unsafe taken = 0
            }
        }
        unsafe left -= n
    }
}
