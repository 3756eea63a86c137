import EventLoop
import Glibc
import Report

/// Bytes that the kernel moves from socket to socket through a pipe, without anybody seeing them.
extension Transport {
    /// Most moves of bytes out of one pipe before others have their turn: one that takes most, and one that finds the socket full.
    static let movesPerTurn = 2

    /// What came of moving bytes out of a socket.
    enum Moved: Equatable {
        case bytes(Int)
        /// There are none now, or no more: the socket says which.
        case nothing
        /// Pipes cannot be had here: the bytes are to be read.
        case refused
    }

    /// Whether bytes of one socket can go to another unseen: none wait to be looked at, or to be sent.
    @inline(__always)
    func mayMove(from source: UnsafeMutablePointer<Socket>, to target: UnsafeMutablePointer<Socket>) -> Bool {
        pipes.mayTake && !isTaping && source.pointee.security == .none && target.pointee.security == .none
            && source.pointee.input.isEmpty && !target.pointee.isBlocked && target.pointee.mayWrite
    }

    /// Moves what has arrived at a socket to another, as far as that takes it; the rest waits in the pipe. Where the other is broken, it says so.
    mutating func move(
        from source: UnsafeMutablePointer<Socket>, _ side: SideLabel, to target: UnsafeMutablePointer<Socket>, most: UInt64,
        through pipe: inout Int8
    ) -> Moved {
        let moved = moveIn(from: source, side, most: most, into: &pipe)
        if case .bytes = moved { _ = moveOut(&pipe, to: target, side == .client ? .upstream : .client) }
        return moved
    }

    /// Moves what has arrived, at most so many bytes, into an empty pipe, which is the caller's when there were any.
    mutating func moveIn(from socket: UnsafeMutablePointer<Socket>, _ side: SideLabel, most: UInt64, into pipe: inout Int8)
        -> Moved
    {
        let taken = pipes.take()
        guard taken >= 0 else { return .refused }
        let n = kernel.splice(from: socket.pointee.fd, to: pipes[taken].writeEnd, min(Int(clamping: most), Pipes.bytesMax))
        if n > 0 {
            pipes.change(taken, by: n)
            counters.addReceived(side, bytes: n)
            pipe = taken
            return .bytes(n)
        }
        pipes.give(taken)
        switch Int32(n) {
        case -EINTR: return .nothing
        case -EINVAL, -ENOSYS:
            pipes.giveUp()
            return .refused
        case 0: socket.pointee.sawEnd = true
        case -EAGAIN: break
        default: socket.pointee.isBroken = true
        }
        socket.pointee.isReadable = false
        return .nothing
    }

    /// Moves what is in a pipe on into a socket, as far as that takes it. An empty pipe is given back. False when the connection is broken.
    ///
    /// A peer that takes little, as often as it is given, has `movesPerTurn` of a turn: what is left then holds the socket back though it
    /// `isWritable`, and its owner is to be queued. That less was taken than given does not say that the socket is full, as it does of a
    /// send: an event that says when it is not might never come.
    mutating func moveOut(_ pipe: inout Int8, to socket: UnsafeMutablePointer<Socket>, _ side: SideLabel) -> Bool {
        var moves = 0
        while pipes[pipe].held > 0 {
            guard moves < Self.movesPerTurn else {
                socket.pointee.isHeldBack = true
                return true
            }
            moves += 1
            let n = kernel.splice(from: pipes[pipe].readEnd, to: socket.pointee.fd, pipes[pipe].held)
            if n > 0 {
                pipes.change(pipe, by: -n)
                counters.addSent(side, bytes: n)
            } else if n == Int(-EAGAIN) {
                socket.pointee.isWritable = false
                socket.pointee.isHeldBack = true
                return true
            } else if n != Int(-EINTR) {
                socket.pointee.isBroken = true
                return false
            }
        }
        drop(&pipe, of: socket)
        endIfSent(socket)
        return true
    }

    /// Gives a pipe back. What is still in it is lost.
    mutating func drop(_ pipe: inout Int8, of socket: UnsafeMutablePointer<Socket>) {
        pipes.give(pipe)
        pipe = -1
        socket.pointee.isHeldBack = false
    }
}
