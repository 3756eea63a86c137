import EventLoop
import Glibc
import Report

/// Clients as they come: accepted, and given a slot.
extension Worker {
    /// Connections accepted before others have their turn.
    private static var acceptsPerTurn: Int { 64 }

    mutating func acceptClients(_ place: Int) {
        let listener = listeners[place]
        guard listener.isOpen else { return }
        for _ in 0..<Self.acceptsPerTurn {
            var address = sockaddr_storage()
            let fd = kernel.accept(listener.fd, &address)
            if fd < 0 {
                if Kernel.isOutOfResources(fd) { pauseAccepting() }
                if fd == -ECONNABORTED || fd == -EINTR { continue }
                return
            }
            admit(fd, address, listener: listener.index)
            // The last descriptors are for upstreams: clients that nobody can serve would only wait in here instead of outside.
            if fd >= fleetState.clientDescriptorMax { return pauseAccepting() }
        }
    }

    mutating func admit(_ fd: Int32, _ address: sockaddr_storage, listener: Int) {
        guard fleetState.changeClients(by: 1) < UInt64(plan.limits.clientConnections) else {
            _ = fleetState.changeClients(by: -1)
            counters.countRejected(.connectionLimit)
            return kernel.close(fd)
        }
        let peer = PeerAddress(address)
        var connection = ClientConnection(fd: fd, listener: UInt16(listener), address: peer)
        if !plan.trusted.isEmpty { connection.isTrusted = plan.trusted.contains { peer.isIn($0) } }
        connection.awaitsProxyHeader = plan.expectsProxyHeader(listener)
        let slot = clients.take(connection)
        guard slot.exists else {
            _ = fleetState.changeClients(by: -1)
            counters.countRejected(.connectionLimit)
            return kernel.close(fd)
        }
        counters.changeClientConnections(listener: listener, by: 1)
        timers.open(Worker.clientTimer(slot))
        timers.set(Worker.clientTimer(slot), now + plan.timeouts.clientHeader)
        let languages = plan.languages.indices.contains(listener) ? plan.languages[listener] : .http1
        if languages.contains(.http2) { clients[slot].pointee.http2 = languages == .http2 ? .always : .perhaps }
        if let acceptor = plan.acceptor(listener) {
            guard beginTLS(slot, acceptor) else { return closeClient(slot) }
        }
        guard loop.register(fd, clientTag(slot), edge: true) >= 0 else { return closeClient(slot) }
    }
}
