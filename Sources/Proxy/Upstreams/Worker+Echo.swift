import EventLoop
import HTTP1
import HTTP2
import Report
import Wire

/// The id echo. Each request carries the mark of its exchange, and with the probe loaded its answer carries it back: an answer
/// that belongs to another request is known before a byte of it is passed on.
///
/// What is expected is learned by the connection: one process is at its other end, so one answer with a mark means that each
/// will have it. What comes without then, has not passed through Node's answer to the request.
extension Worker {
    /// Whether the final header block at hand, which begins at `position` of the read buffer, answers the request that waits.
    /// False when it was taken for what it is, and the exchange goes on elsewhere or has ended.
    @inline(__always)
    mutating func isOwnAnswer(_ slot: UpstreamSlot, at position: Int, _ count: Int) -> Bool {
        plan.echo == .off
            || isOwn(Sighting(slot, at: upstreams[slot].pointee.received, transport.readBuffer + position, count - position))
    }

    /// Whether the header block that began a stream's answer is its request's.
    @inline(__always)
    mutating func isOwnAnswer(_ slot: UpstreamSlot, _ step: HTTP2Step) -> Bool {
        plan.echo == .off || isOwn(Sighting(slot, step))
    }

    private mutating func isOwn(_ sighting: Sighting) -> Bool {
        let u = upstreams[sighting.carrier]
        guard let field = responseBlock.first(.sendOnceID) else { return mayLackMark(sighting) }
        let value = responseBlock.value(field)
        let exchange = u.pointee.exchange
        if value.elementsEqual(exchanges[exchange].pointee.request.mark) {
            forgetBody(exchange)
            u.pointee.echoes = true
            return true
        }
        guard let other = ExchangeMark(value), other.salt == plan.salt, other.connection == u.pointee.number,
            !mayBeKept(other, sighting)
        else {
            // Given out on another connection, or for the same: somebody in between has kept the answer. It says nothing of this one.
            return plan.echo == .require ? refuse(sighting.carrier) : true
        }
        strayBeforeAnswer(sighting, leftBeforeRequest: true, mark: .of(other.ordinal))
        return false
    }

    /// Whether a cache in between may have kept the answer to an earlier request of this connection, and has given it to one for the same: it has a
    /// field that caches and web servers write, and Node does not.
    private func mayBeKept(_ mark: ExchangeMark, _ sighting: Sighting) -> Bool {
        guard responseBlock.has(.age) || responseBlock.has(.via) || responseBlock.hasOther(named: "server") else {
            return false
        }
        let request = exchanges[upstreams[sighting.carrier].pointee.exchange].pointee.request
        guard request.method == .get || request.method == .head else { return false }
        // One that is forgotten is from long ago: so late there are caches, and no second answers.
        guard let earlier = exchange(sighting.connection, mark.ordinal)?.request else { return true }
        return earlier.text(earlier.target) == request.text(request.target)
            && earlier.text(earlier.host) == request.text(request.host)
    }

    /// An answer without a mark, on a connection whose answers have theirs: a stray, or the application has answered on the
    /// socket itself. Nothing shows which. A request that may be sent again is: its client gets an answer either way. What comes
    /// for any other is delivered, as it is once an answer to the same request, asked for on a new connection, had no mark either;
    /// or, where marks are required, refused, and watched all the same.
    ///
    /// HTTP/2 itself binds answers to requests: that a stream's has no mark says nothing.
    private mutating func mayLackMark(_ sighting: Sighting) -> Bool {
        let u = upstreams[sighting.carrier]
        let e = exchanges[u.pointee.exchange]
        if u.pointee.hop.framesBodies {
            return plan.echo == .require && !e.pointee.asksUpgrade ? refuse(sighting.carrier) : true
        }
        guard !e.pointee.asksUpgrade, !isOfNodeItself else { return true }
        if e.pointee.staleRetries > 0, u.pointee.ordinal == 1 {
            retries.askedInVain.note(server: u.pointee.server, sort: e.pointee.request.sort)
        }
        guard u.pointee.echoes, u.pointee.ordinal > 1, plan.echo == .require || retries.maySendAgain(e),
            !retries.askedInVain.contains(server: u.pointee.server, sort: e.pointee.request.sort)
        else {
            if plan.echo == .require { return refuse(sighting.carrier) }
            forgetBody(u.pointee.exchange)
            return true
        }
        strayBeforeAnswer(sighting, leftBeforeRequest: true, mark: .missing(own: Array(e.pointee.request.mark)))
        return false
    }

    /// What Node writes past its answers, to a request that it cannot read, or that took too long: that it closes, and nothing else.
    private var isOfNodeItself: Bool {
        [400, 408, 413, 431].contains(responseBlock.status) && responseBlock.facts.contains(.close) && responseBlock.count == 1
    }

    /// `probe.echo: require`, and nothing says that the answer is this request's.
    private mutating func refuse(_ slot: UpstreamSlot) -> Bool {
        let exchange = upstreams[slot].pointee.exchange
        detach(slot, .incident)
        failExchange(exchange, status: 502, "the answer does not carry the id of its request, which probe.echo requires")
        return false
    }
}

extension RequestRecord {
    /// The mark that it carries to its upstream.
    fileprivate var mark: UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(
            start: UnsafePointer(head.first + head.count - ExchangeMark.distanceFromEnd), count: ExchangeMark.byteCount)
    }
}
