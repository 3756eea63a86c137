import EventLoop
import Facts
import HTTP1
import Wire

/// Requests that got no byte of an answer: sent again where that cannot do harm, otherwise their clients get an error.
extension Worker {
    /// Sends the request again, where that is safe and allowed; otherwise its client gets an error. False when it has got one.
    @discardableResult
    mutating func retryOrFail(_ exchange: ExchangeSlot, _ reason: NoAnswer) -> Bool {
        let e = exchanges[exchange]
        let upstream = Int(e.pointee.upstreamIndex)
        let limits = Retries.Limits(
            attempts: plan.upstreams[upstream].retryAttempts, servers: plan.upstreams[upstream].servers.count)
        let decision = retries.decide(e, reason, limits, now)
        guard case .again(let isFresh) = decision else {
            if decision == .refused { counters.countRetryRefused(upstream: upstream) }
            let what = reason.cannotHaveArrived ? "cannot be reached" : "closed the connection without an answer"
            failExchange(exchange, status: 502, "upstream \(plan.upstreams[upstream].name) \(what)")
            return false
        }
        if reason != .unplaced { counters.countRetry(upstream: upstream) }
        e.pointee.state.receive(.sentAgain)
        // A stream that its server has refused is as good on another connection that is there.
        e.pointee.wantsNewConnection = isFresh && (reason == .stale || !plan.upstreams[upstream].protocol.sharesConnections)
        outbox.clear()
        findUpstream(exchange)
        // No server can be used: the client has got an error.
        guard exchanges.isTaken(exchange) else { return false }
        if !outbox.isEmpty { sendToUpstream(exchange) }
        // The rest of the body waits in the client's connection.
        if !e.pointee.state.requestEnded { queueClient(e.pointee.client) }
        return true
    }

    /// A server has failed a request, which looks for another. When all have, those before it are asked once more: the first may be
    /// back when the last has just gone.
    mutating func avoid(_ server: ServerIndex, _ exchange: ExchangeSlot) {
        let e = exchanges[exchange]
        e.pointee.failedServers.insert(server)
        guard servers.allHaveFailed(Int(e.pointee.upstreamIndex), e.pointee.failedServers) else { return }
        e.pointee.failedServers = FailedServers(server)
    }

    /// What the end of a connection says about the request that it carried and did not answer.
    func noAnswer(_ slot: UpstreamSlot) -> NoAnswer {
        let u = upstreams[slot]
        if u.pointee.isUnsent { return .unsent }
        guard exchanges[u.pointee.exchange].pointee.wasPooled else { return .unanswered }
        return endedBeforeRequest(slot) ? .unsent : .stale
    }
}
