import Glibc
import Report

/// PROXY headers of clients' connections: read before anything else, TLS included.
extension Worker {
    /// Reads the header that a connection begins with. False when it is not there yet, or the connection has been closed.
    ///
    /// It is looked at before it is taken, so that not one byte after it is.
    mutating func readProxyHeader(_ slot: ClientSlot) -> Bool {
        let c = clients[slot]
        guard c.pointee.socket.isReadable || c.pointee.socket.peerEnded else { return false }
        let count = kernel.peek(c.pointee.socket.fd, transport.readBuffer, ProxyHeader.bytesMax)
        if count == Int(-EAGAIN) || count == Int(-EINTR) {
            c.pointee.socket.isReadable = count == Int(-EINTR)
            if count == Int(-EINTR) { queueClient(slot) }
            return false
        }
        guard count > 0 else {
            closeClient(slot)
            return false
        }
        switch ProxyHeader.read(UnsafeBufferPointer(start: transport.readBuffer, count: count)) {
        case .incomplete where !c.pointee.socket.peerEnded:
            // More bytes are another event.
            c.pointee.socket.isReadable = false
            return false
        case .incomplete, .malformed:
            counters.countRejected(.malformedRequest)
            closeClient(slot, reset: true)
            return false
        case .complete(let byteCount, let source):
            guard kernel.recv(c.pointee.socket.fd, transport.readBuffer, byteCount) == byteCount else {
                closeClient(slot)
                return false
            }
            counters.addReceived(.client, bytes: byteCount)
            c.pointee.awaitsProxyHeader = false
            // Only a trusted peer is believed; whom it speaks for may be a trusted proxy in turn.
            if c.pointee.isTrusted, let source {
                c.pointee.address = source
                c.pointee.isTrusted = plan.trusted.contains { source.isIn($0) }
            }
            return true
        }
    }
}
