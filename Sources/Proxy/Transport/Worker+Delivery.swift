import Report

/// Where the outbox goes: onto a connection's socket, or into a stream of one.
extension Worker {
    /// Sends the outbox to a client. False when the client is gone.
    @inline(__always)
    mutating func deliverToClient(_ slot: ClientSlot) -> Bool {
        let c = clients[slot]
        return c.pointee.isStream ? deliverToClientStream(slot) : transport.deliver(&outbox, to: &c.pointee.socket, .client)
    }

    /// Sends the outbox to an upstream. False when it takes no more.
    @inline(__always)
    mutating func deliverToUpstream(_ slot: UpstreamSlot) -> Bool {
        let u = upstreams[slot]
        return u.pointee.isStream ? deliverToUpstreamStream(slot) : transport.deliver(&outbox, to: &u.pointee.socket, .upstream)
    }
}
