/// Whether a request that got not one byte of an answer is sent again.
///
/// Safe: its server has not received it, or its method is idempotent (RFC 9110 section 9.2.2), and all of it that has been sent
/// is still there. Allowed: `retry.attempts`, within the upstream's budget; once more for a stale connection; for each of 16 that its
/// server was ending in good order; and to each server twice where connections are refused, which costs them nothing: the first may be back when the second has just gone.
struct Retries: ~Copyable {
    enum Decision: Equatable {
        /// On a new connection, or on any.
        case again(fresh: Bool)
        case giveUp
        /// It would be sent again, but its body is not there any more, or the budget is spent.
        case refused
    }

    /// What its upstream allows.
    struct Limits {
        /// `retry.attempts`.
        var attempts: Int
        var servers: Int
    }

    /// Retries of one request for stale connections. The second is for when `connections.max` leaves only pooled ones.
    static let staleRetriesMax: UInt8 = 2
    /// Connections that one request tries in vain.
    static let refusalsMax = 16

    /// By upstream.
    private var budgets: [RetryBudget]
    /// Requests that were sent again for want of a mark, and whose second answer had none either.
    var askedInVain = AskedInVain()

    init(upstreams: Int) { budgets = Array(repeating: RetryBudget(), count: upstreams) }

    /// A request has come, of which the budget is a share.
    @inline(__always)
    mutating func noteRequest(_ upstream: Int, _ now: UInt64) { budgets[upstream].noteRequest(now) }

    /// Whether the request may be sent again on a new connection, so far as it depends on the request.
    func maySendAgain(_ exchange: UnsafeMutablePointer<Exchange>) -> Bool {
        let e = exchange
        return !e.pointee.state.answered && e.pointee.request.method.isIdempotent
            && (!e.pointee.state.sentBody || e.pointee.keepsBody)
            && e.pointee.staleRetries < Self.staleRetriesMax
    }

    /// What becomes of the request; when it is sent again, that is counted with it.
    mutating func decide(
        _ exchange: UnsafeMutablePointer<Exchange>, _ reason: NoAnswer, _ limits: Limits, _ now: UInt64
    ) -> Decision {
        let e = exchange
        guard !e.pointee.state.answered, reason.cannotHaveArrived || e.pointee.request.method.isIdempotent else {
            return .giveUp
        }
        guard !e.pointee.state.sentBody || e.pointee.keepsBody else { return .refused }
        let again = Decision.again(fresh: reason != .unanswered)
        if reason == .unplaced {
            e.pointee.attempts -= 1
            return .again(fresh: false)
        }
        if reason == .left {
            // Connections that take so many requests and no more, as servers like to have it, may all be over at once.
            guard Int(e.pointee.leavings) < Self.refusalsMax else { return .giveUp }
            e.pointee.leavings += 1
            return .again(fresh: false)
        }
        if reason == .stale || (reason == .unsent && e.pointee.wasPooled) {
            // Once for each request, for the next connection is a new one: that needs no budget.
            guard e.pointee.staleRetries < Self.staleRetriesMax else { return .giveUp }
            e.pointee.staleRetries += 1
            return again
        }
        if reason == .unreachable, limits.attempts > 0 {
            guard Int(e.pointee.refusals) < max(min(2 * limits.servers - 1, Self.refusalsMax), limits.attempts) else {
                return .giveUp
            }
            e.pointee.refusals += 1
            return again
        }
        let others = Int(e.pointee.staleRetries) + Int(e.pointee.leavings) + Int(e.pointee.refusals)
        let counted = Int(e.pointee.attempts) - others
        guard counted <= limits.attempts else { return .giveUp }
        return budgets[Int(e.pointee.upstreamIndex)].take(now) ? again : .refused
    }
}
