import CShim
import Capture
import EventLoop
import Glibc
import Report
import TLS

/// Reading and writing: every byte that enters or leaves a worker passes here, TLS between socket and buffers, and a tape beside them.
///
/// It knows sockets, and neither connections nor what their bytes mean. What is read stands in `readBuffer` until the next read.
struct Transport: ~Copyable {
    /// Bytes asked of a socket in one read; the most that one read can make a peer's memory grow.
    ///
    /// 64 KiB is what programs like to write at a time: with the header block before it, or in TLS records, it is a little more.
    static let readBytes = 72 << 10

    /// What a look at a connection that should be quiet has found.
    enum Look { case quiet, ended, bytes }

    let kernel: Kernel
    let counters: WorkerCounters
    /// What has been read last; good until the next read.
    let readBuffer: UnsafeMutablePointer<UInt8>
    /// Held bytes up to which more is read: a header block's worth.
    let heldBytesMax: Int
    var buffers = BufferPool()
    /// For bodies that pass unread.
    var pipes: Pipes
    /// TLS: what has been read last, before it is decrypted, and after it room for what a look at a pooled connection finds.
    let records: UnsafeMutablePointer<UInt8>
    /// Where sessions put their records.
    var port: TLSPort
    /// Why the session that has just failed did so.
    var tlsFailure: TLSFailure?
    /// Of the first record that was sent last; 0 where there was none.
    var firstRecordBytes: UInt64 = 0
    /// What has travelled on connections to upstreams lately; nil when nothing is captured.
    private var tapes: TapeDeck?
    let isTaping: Bool

    init(kernel: Kernel, counters: WorkerCounters, headBytesMax: Int, usesTLS: Bool, captures: CaptureStore?) {
        self.kernel = kernel
        self.counters = counters
        pipes = Pipes(kernel)
        heldBytesMax = headBytesMax
        readBuffer = .allocate(capacity: headBytesMax + 2 * Self.readBytes)
        records = .allocate(capacity: 3 * Self.readBytes)
        port = TLSPort(isNeeded: usesTLS)
        isTaping = captures != nil
        if let captures { tapes = TapeDeck(captures) } else { tapes = nil }
    }

    deinit {
        readBuffer.deallocate()
        records.deallocate()
    }

    // MARK: Reading

    /// Puts what the socket holds, and what has arrived, at the start of the read buffer. Returns how many bytes stand there.
    ///
    /// The held bytes stay held until `keep` says what is left.
    mutating func load(_ socket: UnsafeMutablePointer<Socket>, _ side: SideLabel) -> Int {
        guard isTaping, side == .upstream else { return read(socket, side) }
        let held = socket.pointee.input.count
        let count = read(socket, side)
        tapeRead(socket, held, count)
        return count
    }

    private mutating func read(_ socket: UnsafeMutablePointer<Socket>, _ side: SideLabel) -> Int {
        let held = socket.pointee.input.count
        if held > 0 { readBuffer.update(from: socket.pointee.input.first, count: held) }
        // More than a header block's worth waits unread: it is to be worked off first.
        guard socket.pointee.isReadable, held <= heldBytesMax else { return held }
        if socket.pointee.security != .none { return loadRecords(socket, side, after: held) }
        let n = kernel.recv(socket.pointee.fd, readBuffer + held, Self.readBytes)
        if n > 0 {
            counters.addReceived(side, bytes: n)
            // A short read means drained; the end of the stream needs another look.
            if n < Self.readBytes, !socket.pointee.peerEnded { socket.pointee.isReadable = false }
            return held + n
        }
        if n == Int(-EINTR) { return held }
        socket.pointee.isReadable = false
        if n == 0 {
            socket.pointee.sawEnd = true
        } else if n != Int(-EAGAIN) {
            socket.pointee.isBroken = true
        }
        return held
    }

    /// Holds the bytes of the read buffer from `start` to `end` for the next time.
    mutating func keep(_ socket: UnsafeMutablePointer<Socket>, from start: Int, to end: Int) {
        if start == end {
            if socket.pointee.input.base != nil { buffers.give(&socket.pointee.input) }
            return
        }
        if start == 0, socket.pointee.input.count == end { return }
        socket.pointee.input.start = 0
        socket.pointee.input.end = 0
        buffers.append(&socket.pointee.input, readBuffer + start, end - start)
    }

    /// Looks at a connection that should be quiet. Plaintext that it finds in TLS stays with the connection; the read buffer
    /// is somebody else's now.
    mutating func look(at socket: UnsafeMutablePointer<Socket>) -> Look {
        guard socket.pointee.security == .none else { return lookThrough(socket) }
        // A byte that no read uses.
        let n = kernel.peek(socket.pointee.fd, records, 1)
        return n > 0 ? .bytes : n == Int(-EAGAIN) ? .quiet : .ended
    }

    // MARK: Writing

    /// Sends what is in the outbox, which is empty then, and holds what the socket does not take. False when the connection is broken.
    @discardableResult
    mutating func deliver(_ outbox: inout Outbox, to socket: UnsafeMutablePointer<Socket>, _ side: SideLabel) -> Bool {
        defer { outbox.clear() }
        if isTaping, side == .upstream { tape(outbox, for: socket) }
        if socket.pointee.security != .none { return deliverRecords(outbox, to: socket, side) }
        guard outbox.byteCount > 0, socket.pointee.mayWrite else { return socket.pointee.mayWrite }
        var taken = 0
        if socket.pointee.output.isEmpty {
            let n =
                outbox.count == 1
                ? kernel.send(socket.pointee.fd, outbox.runs[0].iov_base, outbox.byteCount)
                : kernel.sendv(socket.pointee.fd, outbox.runs, outbox.count)
            if n >= 0 {
                counters.addSent(side, bytes: n)
                if n == outbox.byteCount { return true }
                taken = n
            } else if n != Int(-EAGAIN), n != Int(-EINTR) {
                socket.pointee.isBroken = true
                return false
            }
            socket.pointee.isWritable = false
        }
        for i in 0..<outbox.count {
            let run = outbox.runs[i]
            if taken >= run.iov_len {
                taken -= run.iov_len
                continue
            }
            let bytes = run.iov_base.assumingMemoryBound(to: UInt8.self) + taken
            buffers.append(&socket.pointee.output, bytes, run.iov_len - taken)
            taken = 0
        }
        return true
    }

    /// Sends what the socket holds. False when the connection is broken.
    mutating func flush(_ socket: UnsafeMutablePointer<Socket>, _ side: SideLabel) -> Bool {
        while !socket.pointee.output.isEmpty, socket.pointee.isWritable {
            let count = socket.pointee.output.count
            let n = kernel.send(socket.pointee.fd, socket.pointee.output.first, count)
            if n >= 0 {
                // Full: an event says when it is not. A peer that empties it as fast as it is filled has no more of the turn.
                if n < count { socket.pointee.isWritable = false }
                // Bytes in records were counted when these were made.
                if socket.pointee.security == .none { counters.addSent(side, bytes: n) }
                socket.pointee.output.start += UInt32(n)
            } else if n == Int(-EAGAIN) {
                socket.pointee.isWritable = false
            } else if n != Int(-EINTR) {
                socket.pointee.isBroken = true
                return false
            }
        }
        if socket.pointee.output.isEmpty {
            if socket.pointee.output.base != nil { buffers.give(&socket.pointee.output) }
            endIfSent(socket)
        }
        return true
    }

    /// Ends our side once everything has been sent. The peer's may go on.
    mutating func endWriting(_ socket: UnsafeMutablePointer<Socket>) {
        if socket.pointee.security != .none { announceEnd(socket) }
        socket.pointee.writing = .ending
        endIfSent(socket)
    }

    /// Ends our side, if that is due: not before bytes that wait here, or in a pipe.
    func endIfSent(_ socket: UnsafeMutablePointer<Socket>) {
        if socket.pointee.writing == .ending, !socket.pointee.isBlocked {
            socket.pointee.writing = .ended
            kernel.shutdownWrite(socket.pointee.fd)
        }
    }

    /// Gives a socket's buffers back and closes it; with RST when the peer must see that its message was cut.
    mutating func shut(_ socket: UnsafeMutablePointer<Socket>, reset: Bool) {
        if isTaping { tapes?.end(socket.pointee.fd) }
        if socket.pointee.security != .none { closeSession(socket, announced: !reset) }
        buffers.give(&socket.pointee.input)
        buffers.give(&socket.pointee.output)
        if reset { kernel.reset(socket.pointee.fd) } else { kernel.close(socket.pointee.fd) }
    }

    // MARK: Tapes

    /// A connection to an upstream begins, whose bytes are kept.
    mutating func beginTape(_ fd: Int32, connection: UInt64) { tapes?.begin(fd, connection: connection) }

    /// Writes down what travelled on the connection of an incident, and names that in the record.
    mutating func capture(_ incident: inout Incident) { tapes?.capture(&incident) }

    /// What is about to be sent.
    private mutating func tape(_ outbox: borrowing Outbox, for socket: UnsafeMutablePointer<Socket>) {
        guard outbox.byteCount > 0, !socket.pointee.isBroken else { return }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(outbox.byteCount)
        for index in 0..<outbox.count {
            let run = outbox.runs[index]
            bytes.append(contentsOf: UnsafeRawBufferPointer(start: run.iov_base, count: run.iov_len))
        }
        tapes?.sent(socket.pointee.fd, bytes, at: kernel.now())
    }

    /// What has been read after the `held` bytes, and whether the connection's end came with it.
    private mutating func tapeRead(_ socket: UnsafeMutablePointer<Socket>, _ held: Int, _ count: Int) {
        let bytes = UnsafeBufferPointer(start: readBuffer + held, count: count - held)
        // A session that broke is written as an end: a trace has no word for TLS.
        let isReset = socket.pointee.isBroken && socket.pointee.security == .none
        let hasEnded = socket.pointee.sawEnd || socket.pointee.isBroken
        tapes?.received(socket.pointee.fd, bytes, hasEnded: hasEnded, isReset: isReset, at: kernel.now())
    }
}
