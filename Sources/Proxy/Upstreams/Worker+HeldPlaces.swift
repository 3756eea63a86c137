import Detector
import EventLoop
import Facts
import HTTP1
import HTTP2
import Report
import Wire

/// Places at an upstream that clients hold who do not move, while others wait for one.
///
/// A client sets the pace of its exchange for as long as it likes while there are places left. Once somebody waits for one, whoever
/// takes less than `Pace.bytesPerSecondMin` of an answer gives its place up: first those of
/// the clients that hold the most, of these the one that has stood still for the longest.
extension Worker {
    /// So long may a client take nothing of its answer before its place is given to somebody who waits.
    private static var stillAnswerTimeMax: UInt64 { 1_000_000_000 }
    /// While somebody waits it is looked that often.
    private static var stillLookTime: UInt64 { 100_000_000 }

    /// From now on a client sets the pace of its answer: its upstream is not read, and what that owes is not due meanwhile. The client has
    /// its time to take some of it, which nothing else that happens makes longer.
    mutating func answerIsHeld(_ slot: UpstreamSlot) {
        let exchange = upstreams[slot].pointee.exchange
        let e = exchanges[exchange]
        // It is held already. A tunnel's upstream has no deadline, so that there the answer says it.
        let isHeld = e.pointee.state.isTunnel ? e.pointee.answer.wasHeldBack : timers.deadline(upstreamTimer(slot)) == 0
        guard !isHeld else { return }
        timers.set(Worker.clientTimer(e.pointee.client), now + plan.timeouts.clientBody)
        e.pointee.answer.wasHeldBack = true
        guard !e.pointee.state.isTunnel else { return }
        timers.set(upstreamTimer(slot), 0)
        e.pointee.pace.begin(at: taken(exchange), now)
        let c = clients[e.pointee.client]
        guard c.pointee.isStream else { return }
        let connection = clients[c.pointee.parent]
        multiplexing[connection.pointee.sharedIndex].pace.join(at: acknowledged(connection) ?? 0, now)
    }

    /// Bytes of an answer that its client has taken: that its kernel has acknowledged, or that its windows had room for.
    private func taken(_ exchange: ExchangeSlot) -> UInt64 {
        let e = exchanges[exchange]
        let c = clients[e.pointee.client]
        guard c.pointee.isStream else { return acknowledged(c) ?? e.pointee.answer.bodyBytes }
        let session = multiplexing[clients[c.pointee.parent].pointee.sharedIndex].session
        return e.pointee.answer.bodyBytes &- UInt64(session.pending(c.pointee.stream))
    }

    private func acknowledged(_ c: UnsafeMutablePointer<ClientConnection>) -> UInt64? {
        let bytes = kernel.bytesAcknowledged(c.pointee.socket.fd)
        return bytes < 0 ? nil : UInt64(bytes)
    }

    /// How long the client of an answer has taken nothing worth mentioning.
    private mutating func stillTime(_ exchange: ExchangeSlot) -> UInt64 {
        let e = exchanges[exchange]
        let own = e.pointee.pace.look(at: taken(exchange), now)
        let c = clients[e.pointee.client]
        guard c.pointee.isStream else { return own }
        let connection = clients[c.pointee.parent]
        let shared = multiplexing[connection.pointee.sharedIndex]
        if !shared.pace.isKnown(now) {
            guard let bytes = acknowledged(connection) else { return own }
            _ = shared.pace.look(at: bytes, now)
        }
        // Where the connection moves, a stream may be waiting for its siblings: it has more time.
        return shared.pace.stillTime < Self.stillAnswerTimeMax ? own / 5 : own
    }

    // MARK: Giving up

    /// One whose place could be given to somebody else.
    private struct Still {
        var exchange: ExchangeSlot
        var time: UInt64
        var client: Owner
    }

    private struct Owner: Hashable {
        var high: UInt64
        var low: UInt64
    }

    /// Gives up as many places of an upstream as there are exchanges that wait for one, as far as somebody there stands still.
    mutating func giveUpStill(_ upstream: Int) {
        guard waitQueues.looksForPlaces(upstream, now, after: Self.stillLookTime) else { return }
        let wanted = waitQueues.placesWanted(upstream, servers: servers.of(upstream))
        guard wanted > 0 else { return }
        var found: [Still] = []
        var exchange = exchanges.next(after: .none)
        while exchange.exists {
            if let still = still(exchange, upstream) { found.append(still) }
            exchange = exchanges.next(after: exchange)
        }
        guard !found.isEmpty else { return }
        var held: [Owner: Int] = [:]
        for one in found { held[one.client, default: 0] += 1 }
        found.sort { a, b in
            let (x, y) = (held[a.client]!, held[b.client]!)
            return x == y ? a.time > b.time : x > y
        }
        for one in found.prefix(wanted) { giveUp(one) }
    }

    private mutating func still(_ exchange: ExchangeSlot, _ upstream: Int) -> Still? {
        let e = exchanges[exchange]
        guard Int(e.pointee.upstreamIndex) == upstream, e.pointee.upstream.exists, !e.pointee.state.isTunnel else { return nil }
        let c = clients[e.pointee.client]
        let address = e.pointee.request.client
        let owner = Owner(high: address.bytes.0, low: address.bytes.1)
        // Who sends slowly is not sent away: a body may be made while it is sent, and `timeouts.client_body` bounds its pauses.
        guard c.pointee.socket.isBlocked, timers.deadline(upstreamTimer(e.pointee.upstream)) == 0 else { return nil }
        let time = stillTime(exchange)
        guard time >= Self.stillAnswerTimeMax else { return nil }
        return Still(exchange: exchange, time: time, client: owner)
    }

    private mutating func giveUp(_ still: Still) {
        guard exchanges.isTaken(still.exchange) else { return }
        counters.countRejected(.slowReader)
        cutClient(exchanges[still.exchange].pointee.client)
    }

    /// What came has been handed to the client: the server may send as much again, unless the client is slower.
    mutating func paceUpstreamStream(_ stream: UpstreamSlot) {
        let exchange = upstreams[stream].pointee.exchange
        let client = exchanges[exchange].pointee.client
        guard clients[client].pointee.socket.isBlocked else { return openUpstreamWindow(stream) }
        answerIsHeld(stream)
    }
}
