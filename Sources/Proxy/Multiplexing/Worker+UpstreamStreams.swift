import Detector
import EventLoop
import Facts
import HTTP1
import HTTP2
import Report
import Wire

/// Upstreams that speak HTTP/2: a connection shared by many exchanges, each a stream with an upstream slot of its own.
extension Worker {
    // MARK: Reading

    /// A stream has its turn: its client takes bytes again, or its request could not be sent.
    mutating func upstreamStreamReady(_ stream: UpstreamSlot) {
        let s = upstreams[stream]
        let exchange = s.pointee.exchange
        guard exchange.exists else { return openUpstreamWindow(stream) }
        if s.pointee.phase == .active, s.pointee.stream < 0 {
            let shared = multiplexing[upstreams[s.pointee.parent].pointee.sharedIndex]
            let isLeft = upstreams[s.pointee.parent].pointee.mustClose && !isOutdated(s.pointee.parent)
            let isFull = shared.session.openStreams > 0 && !isLeft
            let reason: NoAnswer = isFull ? .unplaced : hasLeft(stream) ? .left : .unsent
            detach(stream, .error)
            retryOrFail(exchange, reason)
            return
        }
        guard !clients[exchanges[exchange].pointee.client].pointee.socket.isBlocked else { return }
        openUpstreamWindow(stream)
        if s.pointee.phase == .active { resumeDeadline(stream) }
    }

    /// All that has come has been acted on, for now.
    mutating func upstreamFramesRead(_ slot: UpstreamSlot, _ step: HTTP2Step) {
        let u = upstreams[slot]
        u.pointee.received += UInt64(step.consumed)
        let shared = multiplexing[u.pointee.sharedIndex]
        if shared.holdsTunnels, shared.session.hasPeerSettings { askForTunnels(slot) }
    }

    /// Acts on one fact of an upstream's frames; its bytes stand at `bytes`. False when the rest is not to be read.
    mutating func upstreamFrame(_ slot: UpstreamSlot, _ step: HTTP2Step, _ bytes: UnsafeMutablePointer<UInt8>) -> Bool {
        let body = bytes + step.bodyStart
        let u = upstreams[slot]
        u.pointee.received += UInt64(step.consumed)
        switch step.event {
        case .failed(let failure):
            upstreamFramesFailed(slot, failure)
            return false
        case .goAway: u.pointee.mustClose = true
        case .violation(let violation): frameViolation(slot, step, violation)
        case .surplus: keepFrame(slot, step, body)
        case .needMore, .pause, .refused: break
        default:
            if step.upstreamSlot.exists, upstreams[step.upstreamSlot].pointee.exchange.exists {
                upstreamStreamStep(slot, step, body)
            }
        }
        return true
    }

    /// One fact about a stream in progress.
    private mutating func upstreamStreamStep(_ slot: UpstreamSlot, _ step: HTTP2Step, _ bytes: UnsafeMutablePointer<UInt8>) {
        let stream = step.upstreamSlot
        let s = upstreams[stream]
        let exchange = s.pointee.exchange
        let generation = upstreams.generation(stream)
        s.pointee.received = upstreams[slot].pointee.received - UInt64(step.consumed)
        switch step.event {
        case .interim:
            forgetBody(exchange)
            forwardInterim(exchange)
        case .head where exchanges[exchange].pointee.asksUpgrade && responseBlock.status < 300:
            streamTunnelOpens(stream, ended: step.ended)
        case .body where exchanges[exchange].pointee.state.isTunnel: streamTunnelBytes(stream, bytes, step)
        case .trailers where exchanges[exchange].pointee.state.isTunnel: tunnelEnded(fromUpstream: stream)
        case .head:
            guard isOwnAnswer(slot, step) else { return }
            forgetBody(exchange)
            guard answerHead(stream, ended: step.ended) else { return }
            if step.ended { answerEnded(stream, surplusAt: 0, 0) } else { sendToClient(exchanges[exchange].pointee.client) }
        case .body:
            answerBody(stream, bytes, step.bodyCount, ended: step.ended, hasTrailers: false)
            s.pointee.unconsumed += UInt32(step.bodyCount)
            if step.ended { return answerEnded(stream, surplusAt: 0, 0) }
            let client = exchanges[exchange].pointee.client
            sendToClient(client)
            guard upstreams.generation(stream) == generation, s.pointee.exchange == exchange else { return }
            paceUpstreamStream(stream)
        case .trailers:
            answerBody(stream, bytes, 0, ended: true, hasTrailers: true)
            answerEnded(stream, surplusAt: 0, 0)
        case .reset(let code): upstreamStreamReset(stream, code)
        default: break
        }
    }
}
