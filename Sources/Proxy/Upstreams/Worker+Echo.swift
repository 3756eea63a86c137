import EventLoop
import HTTP1
import Report
import Wire

/// The id echo. Each request carries the mark of its exchange, and with the probe loaded its answer carries it back: an answer
/// that belongs to another request is known before a byte of it is passed on.
///
/// What is expected is learned by the connection: one process is at its other end, so one answer with a mark means that each
/// will have it. What comes without then, has not passed through Node's answer to the request.
extension Worker {
    /// The request is about to leave on its connection.
    @inline(__always)
    func markRequest(_ number: Int32) {
        guard plan.echo != .off else { return }
        let e = exchanges[number]
        let u = upstreams[e.pointee.upstream]
        let head = e.pointee.request.head
        let mark = ExchangeMark(
            salt: plan.salt, server: u.pointee.server, route: e.pointee.request.route, connection: u.pointee.number,
            ordinal: u.pointee.ordinal)
        mark.write(to: head.first + head.count - ExchangeMark.distanceFromEnd)
    }

    /// Whether the final header block at hand, which begins at `position` of the read buffer, answers the request that waits.
    /// False when it was taken for what it is, and the exchange goes on elsewhere or has ended.
    mutating func isOwnAnswer(_ slot: Int32, at position: Int, _ count: Int) -> Bool {
        guard plan.echo != .off else { return true }
        let u = upstreams[slot]
        guard let field = responseBlock.first(.sendOnceID) else { return mayLackMark(slot, at: position, count) }
        let value = responseBlock.value(field)
        let head = exchanges[u.pointee.exchange].pointee.request.head
        let mark = UnsafeBufferPointer(
            start: UnsafePointer(head.first + head.count - ExchangeMark.distanceFromEnd), count: ExchangeMark.byteCount)
        if value.elementsEqual(mark) {
            forgetBody(u.pointee.exchange)
            u.pointee.echoes = true
            return true
        }
        guard let other = ExchangeMark(value), other.salt == plan.salt, other.connection == u.pointee.number else {
            // Given out on another connection: somebody in between has kept the answer. It says nothing of this one.
            return plan.echo == .require ? refuse(slot) : true
        }
        isStray(slot, at: position, count, ordinal: other.ordinal)
        return false
    }

    /// An answer without a mark.
    private mutating func mayLackMark(_ slot: Int32, at position: Int, _ count: Int) -> Bool {
        let u = upstreams[slot]
        let e = exchanges[u.pointee.exchange]
        guard u.pointee.echoes || plan.echo == .require, !e.pointee.asksUpgrade, !isOfNodeItself else { return true }
        guard u.pointee.echoes, u.pointee.ordinal > 1 else { return refuse(slot) }
        isStray(slot, at: position, count, ordinal: nil)
        return false
    }

    /// What Node writes past its answers: to a request that it cannot read, or that took too long. It closes after it.
    private var isOfNodeItself: Bool {
        [400, 408, 413, 431, 503].contains(responseBlock.status) && responseBlock.facts.contains(.close)
            && !responseBlock.has(.date)
    }

    private mutating func isStray(_ slot: Int32, at position: Int, _ count: Int, ordinal: UInt32?) {
        strayBeforeAnswer(
            slot, transport.readBuffer + position, count - position, leftBeforeRequest: true,
            mark: SurplusCollection.Mark(ordinal: ordinal))
    }

    /// Where an answer has no mark at all, the application may have written it by itself: it is another's for certain when the
    /// request's true answer has come after it.
    func isConfirmed(_ collection: SurplusCollection) -> Bool {
        guard let mark = collection.mark, mark.ordinal == nil, let head = collection.current?.request.head else { return true }
        let own = UnsafeBufferPointer(
            start: UnsafePointer(head.first + head.count - ExchangeMark.distanceFromEnd), count: ExchangeMark.byteCount)
        return collection.kept.indices.contains { collection.kept[$0...].starts(with: own) }
    }

    /// `probe.echo: require`, and nothing says that the answer is this request's.
    private mutating func refuse(_ slot: Int32) -> Bool {
        let number = upstreams[slot].pointee.exchange
        detach(slot, .incident)
        failExchange(number, status: 502, "the answer does not carry the id of its request, which probe.echo requires")
        return false
    }
}
