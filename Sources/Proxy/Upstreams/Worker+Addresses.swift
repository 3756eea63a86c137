import EventLoop

/// Servers that are given by name have several addresses, and others from time to time.
extension Worker {
    /// The address for the next connection to a server.
    mutating func nextAddress(_ server: ServerIndex) -> (address: SocketAddress, place: Int, generation: UInt64) {
        let configured = plan.upstreams[servers.upstream(server)].servers[Int(servers[server].index)].address
        guard let turn = servers.nextAddressTurn(server), let table = fleetState.addresses(server) else {
            return (configured, 0, 0)
        }
        return table.next(turn: turn, now) ?? (configured, 0, 0)
    }

    /// One address of a server could not be connected to. True when it has another, which has not failed lately: then
    /// that is tried at once, and nothing is held against the server.
    func isAnotherAddress(_ server: ServerIndex, _ place: Int, _ generation: UInt64) -> Bool {
        guard servers[server].addressGeneration != nil, let table = fleetState.addresses(server) else { return false }
        return table.noteFailure(place, generation: generation, now)
    }

    /// Whether a connection leads to where its server's name no longer does, as far as is known.
    @inline(__always)
    func isOutdated(_ slot: UpstreamSlot) -> Bool {
        let u = upstreams[slot]
        guard let generation = servers.addressGeneration(u.pointee.server) else { return false }
        return generation != u.pointee.addressGeneration
    }
}
