import CShim
import EventLoop
import Glibc
import Report

/// A listening socket of one worker.
struct ListenerSocket {
    var fd: Int32
    var index: Int
    /// Accepts wait for a descriptor to come free.
    var isOpen = true
}

/// Accepting clients, and orders from outside: the mailbox, draining.
extension Worker {
    /// Connections accepted before others have their turn.
    static var acceptsPerTurn: Int { 64 }

    package mutating func addListener(fd: Int32, index: Int) -> Int32 {
        let place = listeners.add(ListenerSocket(fd: fd, index: index))
        // Level-triggered: a turn that does not accept everything is reminded.
        return loop.register(fd, EventTag(.listener, slot: place), edge: false)
    }

    mutating func acceptClients(_ place: Int) {
        let listener = listeners[place]
        guard listener.isOpen else { return }
        for _ in 0..<Self.acceptsPerTurn {
            var address = sockaddr_storage()
            let fd = kernel.accept(listener.fd, &address)
            if fd < 0 {
                if Self.meansExhausted(fd) { pauseAccepting() }
                if fd == -ECONNABORTED || fd == -EINTR { continue }
                return
            }
            admit(fd, address, listener: listener.index)
            // The last descriptors are for upstreams: clients that nobody can serve would only wait in here instead of outside.
            if fd >= world.clientDescriptorMax { return pauseAccepting() }
        }
    }

    mutating func admit(_ fd: Int32, _ address: sockaddr_storage, listener: Int) {
        guard world.changeClients(by: 1) < UInt64(plan.limits.clientConnections) else {
            _ = world.changeClients(by: -1)
            counters.countRejected(.connectionLimit)
            return kernel.close(fd)
        }
        let peer = PeerAddress(address)
        var connection = ClientConnection(fd: fd, listener: UInt16(listener), address: peer)
        if !plan.trusted.isEmpty { connection.isTrusted = plan.trusted.contains { peer.isIn($0) } }
        connection.awaitsProxyHeader = plan.expectsProxyHeader(listener)
        let slot = clients.take(connection)
        guard slot >= 0 else {
            _ = world.changeClients(by: -1)
            counters.countRejected(.connectionLimit)
            return kernel.close(fd)
        }
        counters.changeClientConnections(listener: listener, by: 1)
        timers.open(Worker.clientTimer(slot))
        timers.set(Worker.clientTimer(slot), now + plan.timeouts.clientHeader)
        let languages = plan.languages.indices.contains(listener) ? plan.languages[listener] : .http1
        clients[slot].pointee.mayBeHTTP2 = languages.contains(.http2)
        clients[slot].pointee.mustBeHTTP2 = languages == .http2
        if let acceptor = plan.acceptor(listener) {
            guard beginTLS(slot, acceptor) else { return closeClient(slot) }
        }
        guard loop.register(fd, clientTag(slot), edge: true) >= 0 else { return closeClient(slot) }
        if !peer.isUnix { kernel.noDelay(fd) }
    }

    /// Whether a call failed for want of descriptors or memory of our own.
    static func meansExhausted(_ result: Int32) -> Bool {
        result == -EMFILE || result == -ENFILE || result == -ENOMEM || result == -ENOBUFS
    }

    /// Descriptors have run out: listening sockets are left alone for a while, so that nothing spins.
    mutating func pauseAccepting() {
        guard case .begins(let isNews) = listeners.pause(now: now) else { return }
        for place in listeners.open { loop.unregister(listeners[place].fd) }
        if isNews { world.log.warning("accepting paused: out of file descriptors or memory") }
    }

    /// Accepts again, once there is a descriptor for a client.
    mutating func resumeAccepting() {
        guard departure.isLeaving || world.hasRoomForClient else {
            _ = listeners.pause(now: now)
            return
        }
        listeners.resume()
        guard !departure.isLeaving else { return }
        for place in listeners.open {
            _ = loop.register(listeners[place].fd, EventTag(.listener, slot: Int32(place)), edge: false)
        }
    }

    // MARK: Orders

    mutating func watchMailbox() {
        _ = loop.register(world.mailboxes[number].fd, EventTag(.mailbox), edge: false)
    }

    package mutating func readMailbox() {
        for order in world.mailboxes[number].take() {
            switch order {
            case .drain: startDrain()
            case .retire(let succession): startRetirement(succession)
            case .adopt(let moved): adopt(moved)
            case .grant(let server): takeGrant(server)
            case .giveIdle(let server): giveIdle(server)
            case .giveUpStill(let upstream): giveUpStill(upstream)
            case .identify(let mark): identify(mark)
            }
        }
    }
}
