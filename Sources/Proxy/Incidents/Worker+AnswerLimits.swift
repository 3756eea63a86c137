import HTTP1
import Logging
import Report

/// Answers that are more than our limits allow: turned away, counted and logged, and nobody is accused.
extension Worker {
    /// An answer of a connection to an upstream goes over a limit; what of it has been sent stands in the outbox.
    mutating func answerOverLimits(_ slot: Int32, _ fault: Malformation) {
        let number = upstreams[slot].pointee.exchange
        noteOverLimits(slot, UpstreamRejectReason(fault), naming(exchanges[number].pointee.request))
        failExchange(number, status: 502, "the upstream's answer is larger than the limits allow")
    }

    func noteOverLimits(_ slot: Int32, _ reason: UpstreamRejectReason, _ request: String) {
        let server = servers[Int(upstreams[slot].pointee.server)]
        let upstream = plan.upstreams[Int(server.upstream)]
        counters.countUpstreamRejected(upstream: Int(server.upstream), reason)
        world.log.warning(
            "answer over limits",
            metadata: [
                "upstream": "\(upstream.name)", "server": "\(upstream.servers[Int(server.index)].name)",
                "reason": "\(reason.text)", "request": "\(request)",
                "limits":
                    "answer_header_bytes=\(plan.limits.answerHeaderBytes) answer_header_count=\(plan.limits.answerHeaderCount)",
            ])
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
