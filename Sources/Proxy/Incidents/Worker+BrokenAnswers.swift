import Detector
import EventLoop
import Facts
import HTTP1
import Logging
import Report
import Wire

/// Answers that cannot be passed on as they are: what of them reaches the client, and what is recorded of them.
extension Worker {
    /// Whether an answer's header block may be passed on although it says something twice, or contradicts itself.
    mutating func headMayPass(_ slot: UpstreamSlot) -> Bool {
        let u = upstreams[slot]
        let exchange = u.pointee.exchange
        let e = exchanges[exchange]
        let policy = plan.routes[Int(e.pointee.request.route)].onViolation
        let facts = responseBlock.facts
        // Lengths that differ leave no way to know where the body ends; of two statuses none is the answer's.
        let isUnusable =
            responseBlock.status >= 200 && facts.isDisjoint(with: .codings)
            && !facts.isDisjoint(with: [.contentLengthDiffers, .contentLengthInvalid]) || facts.contains(.statusRepeated)
        let fails = isUnusable || policy == .fail
        let ends = responseBlock.endsConnection
        for verdict in Judge.head(
            facts, duplicates: responseBlock.duplicates, status: responseBlock.status, endsConnection: ends)
        {
            if verdict.kind == .conflictingFraming, responseBlock.status == 204 {
                u.pointee.announcesForbiddenBody = true
            }
            let (names, reason) =
                verdict.kind == .duplicateField
                ? HeadFault.repetition(responseBlock) : HeadFault.framing(responseBlock, isKept: !ends)
            var finding = Finding(verdict, .fields(names), connectionOffset: u.pointee.received)
            finding.reason = reason
            finding.clientImpact = fails ? .badGateway : .none
            record(finding, ofExchangeOn: slot)
        }
        // Whoever contradicts itself about framing may go on doing so in the next answer.
        if policy != .observe || Judge.isConflicting(facts, status: responseBlock.status, endsConnection: ends) {
            u.pointee.mustClose = true
        }
        guard fails else { return true }
        failExchange(exchange, status: 502, "the upstream's answer is not framed unambiguously")
        return false
    }

    // MARK: Answers that do not come to their end

    /// An answer was cut: closed or reset before its promised end. `code`: a stream's reset says why.
    mutating func truncated(_ slot: UpstreamSlot, _ phase: Phase, code: String? = nil) {
        let socket = upstreams[slot].pointee.socket
        if socket.security == .flooded { return cutByUs(slot) }
        var what = "closed the connection"
        if socket.isBroken || socket.refusesBytes { what = socket.security == .failed ? "broke TLS" : "reset the connection" }
        if upstreams[slot].pointee.isStream, let code { what = "reset the stream with \(code)" }
        if socket.isCut { what += " without TLS's close_notify" }
        recordBlockThatStopsShort(slot)
        recordUnfinished(slot, Verdict(.truncatedResponse, in: phase), what, reason: code, .error)
    }

    /// The rest of an answer has not come in time.
    mutating func bodyIsLate(_ slot: UpstreamSlot) {
        let u = upstreams[slot]
        let e = exchanges[u.pointee.exchange]
        var certainty: Certainty = e.pointee.answer.declaresLength ? .proven : .suspected
        if u.pointee.isStream {
            let session = multiplexing[upstreams[u.pointee.parent].pointee.sharedIndex].session
            switch session.silence(of: u.pointee.stream, idle: bodyIdleTimeout(e), now: now) {
            case .hasStopped: break
            case .mayStandBehindOthers(let end): return timers.set(upstreamTimer(slot), end)
            case .isTooLong: certainty = .suspected
            }
        }
        stalled(slot, certainty)
    }

    private mutating func stalled(_ slot: UpstreamSlot, _ certainty: Certainty) {
        let exchange = upstreams[slot].pointee.exchange
        if exchanges[exchange].pointee.answer.isEventStream {
            // It has promised nothing: its client sees it cut, and may ask again.
            detach(slot, .error)
            return failExchange(exchange, status: 502, "the upstream's event stream paused for too long")
        }
        recordBlockThatStopsShort(slot)
        recordUnfinished(
            slot, Verdict(.stalledResponse, certainty, in: .inBody), "sent nothing more", reason: nil, .incident)
    }

    private mutating func recordUnfinished(
        _ slot: UpstreamSlot, _ verdict: Verdict, _ what: String, reason: String?, _ close: CloseReason
    ) {
        let u = upstreams[slot]
        let exchange = u.pointee.exchange
        let headAt = exchanges[exchange].pointee.answer.headAt
        var finding = Finding(verdict, .unfinished(what), connectionOffset: u.pointee.received)
        if headAt > 0 { finding.delay = now - headAt }
        finding.clientImpact = verdict.phase == .inHead ? .badGateway : .aborted
        finding.reason = reason
        record(finding, ofExchangeOn: slot)
        detach(slot, close)
        failExchange(exchange, status: 502, "the upstream did not finish its answer")
    }

    // MARK: Answers over our limits

    /// An answer ends with its connection, which we have given up: nobody is accused of that.
    mutating func cutByUs(_ slot: UpstreamSlot) {
        let exchange = upstreams[slot].pointee.exchange
        detach(slot, .error)
        failExchange(exchange, status: 502, "its connection to the upstream went over our limits")
    }

    /// An answer goes over a limit; what of it has been sent stands in the outbox.
    mutating func answerOverLimits(_ slot: UpstreamSlot, _ reason: UpstreamRejectReason) {
        let exchange = upstreams[slot].pointee.exchange
        noteOverLimits(slot, reason, naming(exchanges[exchange].pointee.request))
        failExchange(exchange, status: 502, "the upstream's answer is larger than the limits allow")
    }

    /// It is turned away, counted and logged, and nobody is accused.
    func noteOverLimits(_ slot: UpstreamSlot, _ reason: UpstreamRejectReason, _ request: String) {
        let server = servers[upstreams[slot].pointee.server]
        let upstream = plan.upstreams[Int(server.upstream)]
        counters.countUpstreamRejected(upstream: Int(server.upstream), reason)
        fleetState.log.warning(
            "answer over limits",
            metadata: [
                "upstream": "\(upstream.name)", "server": "\(upstream.servers[Int(server.index)].name)",
                "reason": "\(reason.text)", "request": "\(request)",
                "limits":
                    "answer_header_bytes=\(plan.limits.answerHeaderBytes) answer_header_count=\(plan.limits.answerHeaderCount)",
            ])
    }

    /// Counts an interim response of an answer; its block is at hand. False when it is one too many: the exchange has ended.
    mutating func mayTakeInterim(_ exchange: ExchangeSlot) -> Bool {
        let e = exchanges[exchange]
        e.pointee.interims += 1
        if responseBlock.status == 100 { e.pointee.state.receive(.continued) }
        e.pointee.interimBytes += UInt32(truncatingIfNeeded: responseBlock.byteCount)
        guard Int(e.pointee.interims) > plan.limits.interims || Int(e.pointee.interimBytes) > plan.limits.headerBytes else {
            return true
        }
        counters.countUpstreamRejected(upstream: Int(e.pointee.upstreamIndex), .interims)
        failExchange(exchange, status: 502, "the upstream sent more interim responses than allowed")
        return false
    }
}

extension UpstreamRejectReason {
    init(_ fault: Malformation) {
        self =
            switch fault {
            case .tooManyFields: .tooManyFields
            case .chunkExtensionTooLarge: .extensionsTooLarge
            default: .headerTooLarge
            }
    }
}
