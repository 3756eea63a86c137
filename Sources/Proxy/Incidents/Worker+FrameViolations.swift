import Detector
import EventLoop
import Facts
import HTTP1
import HTTP2
import Report
import Wire

/// Frames that an upstream should not have sent: what is wrong with them is the session's word, which is brought here into the words that
/// bytes are dealt with in.
extension Worker {
    /// A frame that an upstream should not have sent.
    mutating func frameViolation(_ slot: UpstreamSlot, _ step: HTTP2Step, _ violation: HTTP2Violation) {
        let stream = step.upstreamSlot
        let isOpen = stream.exists && upstreams[stream].pointee.exchange.exists
        switch violation {
        case .headAfterEnd, .interimAfterEnd, .trailersAfterEnd, .dataAfterEnd, .lengthExceeded, .dataOnBodiless,
            .unrequestedHead, .unrequestedData:
            collectFrame(slot, step)
            // Past the declared length: its client has had all that was declared.
            guard isOpen, upstreams[stream].pointee.exchange.exists else { return }
            if step.ended { return answerEndedBeforeSurplus(stream, isOver: true) }
            // More surplus may come, but the client need not wait for long, however long it goes on.
            guard !upstreams[stream].pointee.awaitsStreamEnd else { return }
            upstreams[stream].pointee.awaitsStreamEnd = true
            timers.set(upstreamTimer(stream), now + Self.watchTime)
        case .interimInBody: if isOpen { interimInBody(Sighting(slot, step)) }
        case .malformedHead where step.overLimit != nil, .malformedTrailers where step.overLimit != nil:
            guard isOpen else { return }
            // Its stream has been reset, and nobody is accused.
            upstreams[stream].pointee.streamIsOver = step.resetsStream || step.ended
            answerOverLimits(stream, step.overLimit == .fields ? .tooManyFields : .headerTooLarge)
        case .headInBody, .statusInTrailers, .trailersWithoutEnd, .malformedTrailers:
            if isOpen { answerBroken(Sighting(slot, step), .inChunkedBody, reason(violation)) }
        case .malformedHead, .dataBeforeHead: if isOpen { answerBroken(Sighting(slot, step), .inAnswer, reason(violation)) }
        // Recorded of clients alone: here the stream's reset says it.
        case .windowMisused: break
        case .lengthShort:
            guard isOpen else { return }
            upstreams[stream].pointee.streamIsOver = step.ended
            truncated(stream, .inBody)
        }
    }

    /// An answer with bytes past its declared length ends: with its stream, or because that has been waited for long enough.
    mutating func answerEndedBeforeSurplus(_ stream: UpstreamSlot, isOver: Bool) {
        upstreams[stream].pointee.streamIsOver = isOver
        answerEnded(stream, surplusAt: 0, 0)
    }

    /// Which rule of HTTP/2 the last header block, or DATA, breaks.
    func reason(_ violation: HTTP2Violation) -> String {
        switch violation {
        case .dataBeforeHead: return "DATA before the header block"
        case .malformedTrailers: return "trailers with a field that HTTP/2 does not allow" + brokenField
        case .trailersWithoutEnd: return "a header block without :status that does not end the stream"
        case .malformedHead where responseBlock.status == 0: return "a header block without a usable :status" + brokenField
        case .malformedHead where responseBlock.status == 101: return "a 101, which HTTP/2 does not have"
        case .malformedHead where responseBlock.status < 200 && brokenField.isEmpty:
            return "an interim response that ends its stream"
        case .malformedHead: return "a header block with a field that HTTP/2 does not allow" + brokenField
        default: return "a frame where none of its sort is due"
        }
    }

    private var brokenField: String {
        guard let fault = responseBlock.fault else { return "" }
        let name = responseBlock.faultName
        return (name.isEmpty ? "" : " (\(name))") + ": \(fault.text)"
    }

    /// The connection as a whole is not HTTP/2: attributed to its exchange when there is only one.
    mutating func recordFramesFailed(_ slot: UpstreamSlot, _ failure: HTTP2Failure) {
        let shared = multiplexing[upstreams[slot].pointee.sharedIndex]
        var collection = Surplus(
            .inAnswer, connectionOffset: upstreams[slot].pointee.received, startedAt: now, frames: SurplusFacts(total: 0))
        collection.reason = "HTTP/2 \(failure.name), which ends the connection"
        if shared.streamCount == 1, upstreams[shared.upstreamStreams.first].pointee.exchange.exists {
            collection.current = exchangeInProgress(on: shared.upstreamStreams.first)
        }
        guard var finding = collection.settle(by: SurplusReader.self, closed: false) else { return }
        if collection.current?.answer.status ?? 0 != 0 { finding.verdict.phase = .inBody }
        record(finding, slot, collection)
    }
}
