import EventLoop

/// Pipes through which bytes pass from one socket to the other without being copied.
///
///     idle ──take──▶ lent ──give──▶ idle
///                      └──close──▶ gone
///
/// One is lent for as long as bytes are in it. Their number is bounded; whoever gets none reads and writes as ever.
struct Pipes: ~Copyable {
    /// What one holds, where this user may have pipes so large.
    static let bytesMax = 256 << 10
    /// Lent at once: each holds two descriptors, and up to `bytesMax` of the kernel's memory.
    static let lentMax = Int(Int8.max) + 1
    /// Kept open while nobody needs them.
    private static let idleMax = 8

    struct Pipe: BitwiseCopyable {
        var readEnd: Int32 = -1
        var writeEnd: Int32 = -1
        /// Bytes that are in it.
        var held = 0
    }

    private let kernel: Kernel
    private var pipes: [Pipe] = []
    private var idle: [Int8] = []
    private var unused: [Int8] = []
    private(set) var lent = 0
    /// Pipes can be had, and sockets take them.
    private var areUsable = true

    init(_ kernel: Kernel) { self.kernel = kernel }

    deinit {
        for pipe in pipes where pipe.readEnd >= 0 {
            kernel.close(pipe.readEnd)
            kernel.close(pipe.writeEnd)
        }
    }

    subscript(_ number: Int8) -> Pipe { pipes[Int(number)] }

    var mayTake: Bool { areUsable && lent < Self.lentMax }

    /// An empty pipe's index, -1 when there is none to be had.
    mutating func take() -> Int8 {
        guard mayTake else { return -1 }
        if let number = idle.popLast() {
            lent += 1
            return number
        }
        var ends: (Int32, Int32) = (-1, -1)
        let result = withUnsafeMutablePointer(to: &ends) {
            $0.withMemoryRebound(to: Int32.self, capacity: 2) { kernel.pipe($0, bytes: Self.bytesMax) }
        }
        guard result == 0 else { return -1 }
        lent += 1
        let pipe = Pipe(readEnd: ends.0, writeEnd: ends.1)
        guard let number = unused.popLast() else {
            pipes.append(pipe)
            return Int8(pipes.count - 1)
        }
        pipes[Int(number)] = pipe
        return number
    }

    /// Bytes have gone into it, or out of it.
    mutating func change(_ number: Int8, by count: Int) { pipes[Int(number)].held += count }

    /// Nobody needs it any more. What is in it is lost.
    mutating func give(_ number: Int8) {
        lent -= 1
        let pipe = pipes[Int(number)]
        if pipe.held == 0, idle.count < Self.idleMax { return idle.append(number) }
        kernel.close(pipe.readEnd)
        kernel.close(pipe.writeEnd)
        pipes[Int(number)] = Pipe()
        unused.append(number)
    }

    /// Sockets of this system do not take them.
    mutating func giveUp() { areUsable = false }
}
