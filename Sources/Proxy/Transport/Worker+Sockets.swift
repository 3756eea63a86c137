import CShim
import EventLoop
import Glibc
import Report

/// Reading and writing: every byte that enters or leaves the worker passes here.
extension Worker {
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
        guard socket.pointee.isReadable, held <= headBytesMax else { return held }
        if socket.pointee.security != .none { return loadRecords(socket, side, behind: held) }
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

    /// Sends what is in the outbox, and holds what the socket does not take. False when the connection is broken.
    @discardableResult
    mutating func deliver(_ socket: UnsafeMutablePointer<Socket>, _ side: SideLabel) -> Bool {
        defer { outbox.clear() }
        if isTaping, side == .upstream { tapeOutbox(socket) }
        if socket.pointee.security != .none { return deliverRecords(socket, side) }
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
            let n = kernel.send(socket.pointee.fd, socket.pointee.output.first, socket.pointee.output.count)
            if n >= 0 {
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
            if socket.pointee.endsWriting {
                socket.pointee.endsWriting = false
                kernel.shutdownWrite(socket.pointee.fd)
            }
        }
        return true
    }

    /// Ends our side once everything has been sent. The peer's may go on.
    mutating func endWriting(_ socket: UnsafeMutablePointer<Socket>) {
        if socket.pointee.security != .none { announceEnd(socket) }
        if socket.pointee.output.isEmpty {
            kernel.shutdownWrite(socket.pointee.fd)
        } else {
            socket.pointee.endsWriting = true
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
}
