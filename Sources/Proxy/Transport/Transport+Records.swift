import EventLoop
import Glibc
import Report
import TLS

/// TLS between a socket and the buffers: what stands in its records passes here, both ways.
///
/// Everything above knows plaintext alone: bytes, offsets and ends are those before TLS.
extension Transport {
    /// Records that answer a peer's own (a key update) and that it does not take; a peer beyond this is cut off.
    static var heldAnswersMax: Int { 256 << 10 }
    /// Reads without a byte of plaintext after which a connection is not quiet, whatever comes.
    static var recordLooksMax: Int { 4 }

    /// `load` for a connection with TLS: puts plaintext after the held bytes.
    ///
    /// The end of the stream, or a failure, is reported by itself, after the bytes before it: as a plain socket does.
    mutating func loadRecords(_ socket: UnsafeMutablePointer<Socket>, _ side: SideLabel, after held: Int) -> Int {
        switch socket.pointee.security {
        case .ended, .failed, .refused, .flooded:
            endReading(socket)
            return held
        case .none, .awaited, .handshaking, .open: break
        }
        let n = kernel.recv(socket.pointee.fd, records, Self.readBytes)
        guard n > 0 else {
            if n == Int(-EINTR) { return held }
            socket.pointee.isReadable = false
            // A reset that bytes of ours have met is told to them, and to no read behind them.
            if n == 0, !socket.pointee.refusesBytes {
                socket.pointee.isCut = true
                socket.pointee.sawEnd = true
            } else if n != Int(-EAGAIN) {
                socket.pointee.isBroken = true
            }
            return held
        }
        if n < Self.readBytes, !socket.pointee.peerEnded { socket.pointee.isReadable = false }
        let count = unseal(socket, n, into: readBuffer + held)
        counters.addReceived(side, bytes: count)
        if count == 0, socket.pointee.security.rawValue > Socket.Security.open.rawValue { endReading(socket) }
        return held + count
    }

    /// Decrypts the first `n` bytes of `records`, and sends what the session has to say to its peer. Returns the bytes of
    /// plaintext: at most `n` and a record.
    mutating func unseal(_ socket: UnsafeMutablePointer<Socket>, _ n: Int, into plaintext: UnsafeMutablePointer<UInt8>) -> Int {
        let session = socket.pointee.session!
        let received = session.receive(records, n, into: plaintext, capacity: n + TLSSession.surplusPlaintextMax)
        let wasHandshaking = socket.pointee.security != .open
        if wasHandshaking {
            socket.pointee.security = session.isEstablished ? .open : .handshaking
            if session.isEstablished { socket.pointee.agreedHTTP2 = session.alpn == .http2 }
        }
        switch received.state {
        case .open: break
        case .full: preconditionFailure("a read buffer has room for all that its records hold")
        case .ended: socket.pointee.security = .ended
        case .failed:
            // Both may come in one read: the handshake's end, and what is wrong behind it.
            socket.pointee.security = wasHandshaking && !port.hasShakenHands ? .refused : .failed
            tlsFailure = port.failure
        }
        if port.hasLateSteps, socket.pointee.security == .open, !session.mayStep(kernel.now()) {
            socket.pointee.security = .flooded
            tlsFailure = port.failure
            socket.pointee.isReadable = true
        }
        // More is to be reported than these bytes, and no event will remind us.
        if received.state != .open { socket.pointee.isReadable = true }
        if socket.pointee.writing == .ended {
            // An answer to new keys, which nobody is owed any more.
            port.clear()
        } else if port.outputCount > 0 {
            if socket.pointee.output.count > Self.heldAnswersMax {
                socket.pointee.isBroken = true
                port.clear()
            } else if !sendRecords(socket) {
                // That the peer takes nothing more does not end what it has said.
                socket.pointee.isBroken = false
                socket.pointee.refusesBytes = true
            }
        }
        return received.count
    }

    /// The bytes before the session's end have been taken.
    private func endReading(_ socket: UnsafeMutablePointer<Socket>) {
        socket.pointee.isReadable = false
        if socket.pointee.security == .ended { socket.pointee.sawEnd = true } else { socket.pointee.isBroken = true }
    }

    /// `deliver` for a connection with TLS. The outbox is cleared by the caller.
    mutating func deliverRecords(
        _ outbox: borrowing Outbox, to socket: UnsafeMutablePointer<Socket>, _ side: SideLabel
    ) -> Bool {
        guard outbox.byteCount > 0, socket.pointee.mayWrite else { return socket.pointee.mayWrite }
        switch socket.pointee.session!.write(outbox.runs, outbox.count) {
        case .done: break
        case .handshaking, .failed:
            tlsFailure = port.failure
            port.clear()
            // No end of the peer's will come for a session that has failed by itself.
            socket.pointee.security = .failed
            socket.pointee.isBroken = true
            return false
        }
        counters.addSent(side, bytes: outbox.byteCount)
        return sendRecords(socket)
    }

    /// Sends the records that a session has just made, and holds what the socket does not take.
    @discardableResult
    mutating func sendRecords(_ socket: UnsafeMutablePointer<Socket>) -> Bool {
        defer { port.clear() }
        let bytes = port.output
        // RFC 8446 section 5.1: type, version, length.
        firstRecordBytes = bytes.count < 5 ? 0 : 5 + UInt64(bytes[3]) << 8 + UInt64(bytes[4])
        socket.pointee.recordBytes += UInt64(bytes.count)
        guard socket.pointee.mayWrite else { return false }
        var taken = 0
        if socket.pointee.output.isEmpty {
            let n = kernel.send(socket.pointee.fd, bytes.baseAddress!, bytes.count)
            if n == bytes.count { return true }
            if n >= 0 {
                taken = n
            } else if n != Int(-EAGAIN), n != Int(-EINTR) {
                socket.pointee.isBroken = true
                return false
            }
            socket.pointee.isWritable = false
        }
        let rest = bytes.baseAddress!.assumingMemoryBound(to: UInt8.self) + taken
        buffers.append(&socket.pointee.output, rest, bytes.count - taken)
        return true
    }

    /// `look` through a connection's TLS: what has come may be a session ticket, or the announcement of the end.
    mutating func lookThrough(_ socket: UnsafeMutablePointer<Socket>) -> Look {
        guard socket.pointee.security == .open else { return .ended }
        for _ in 0..<Self.recordLooksMax {
            let n = kernel.recv(socket.pointee.fd, records, Self.readBytes)
            guard n > 0 else { return n == Int(-EAGAIN) ? .quiet : .ended }
            let plaintext = records + Self.readBytes
            let count = unseal(socket, n, into: plaintext)
            counters.addReceived(.upstream, bytes: count)
            if count > 0 {
                buffers.append(&socket.pointee.input, plaintext, count)
                return .bytes
            }
            guard socket.pointee.security == .open, !socket.pointee.isBroken else { return .ended }
            // The end may stand behind what says nothing to us.
        }
        return .bytes
    }

    // MARK: Beginning and ending

    /// Announces to the peer that nothing more comes, so that it knows our last message to be whole.
    mutating func announceEnd(_ socket: UnsafeMutablePointer<Socket>) {
        guard socket.pointee.mayWrite, let session = socket.pointee.session else { return }
        session.shutdown()
        if port.outputCount > 0 { sendRecords(socket) }
    }

    /// Frees a socket's session. Announced: the peer gets close_notify, unless something is still unsent, which makes it untrue.
    mutating func closeSession(_ socket: UnsafeMutablePointer<Socket>, announced: Bool) {
        guard let session = socket.pointee.session else { return }
        if announced, socket.pointee.output.isEmpty { announceEnd(socket) }
        session.close()
        socket.pointee.session = nil
    }
}
