import Detector
import EventLoop
import Facts
import HTTP1
import Report
import Wire

/// Bytes to the client: the answer's header block and body.
extension Worker {
    /// Sends the outbox to a client. When the client is gone, so is its exchange.
    mutating func sendToClient(_ client: ClientSlot) {
        guard !outbox.isEmpty else { return }
        let c = clients[client]
        guard deliverToClient(client) else { return clientBroke(client) }
        guard c.pointee.exchange.exists else { return }
        let e = exchanges[c.pointee.exchange]
        e.pointee.state.receive(.headSent)
    }

    /// Writes the head of an answer into the outbox, with the cookie that leads back to its server when the client lacks it.
    mutating func putFinalHead(
        _ hop: ResponseHead.Hop, _ slot: UpstreamSlot, accept: UnsafeBufferPointer<UInt8> = .init(start: nil, count: 0)
    ) {
        let e = exchanges[upstreams[slot].pointee.exchange]
        let server = servers[upstreams[slot].pointee.server]
        let changes = routeActions[Int(e.pointee.request.route)].responseFields
        guard routeActions[Int(e.pointee.request.route)].isSticky, Int(e.pointee.stickyServer) != Int(server.index),
            let sticky = plan.upstreams[Int(server.upstream)].sticky
        else {
            return putHead(hop, changes, accept: accept)
        }
        putHead(hop, changes, cookie: sticky.line(Int(server.index), isSecure: e.pointee.clientIsSecure), accept: accept)
    }

    /// Writes the block's head into the outbox.
    mutating func putHead(
        _ hop: ResponseHead.Hop, _ changes: Unmanaged<FieldChanges>? = nil,
        cookie: UnsafeBufferPointer<UInt8> = .init(start: nil, count: 0),
        accept: UnsafeBufferPointer<UInt8> = .init(start: nil, count: 0)
    ) {
        var out = ByteWriter(scratch.head)
        changes.drop(&responseBlock)
        ResponseHead.write(responseBlock, hop, changes, cookie, accept, &out)
        outbox.add(scratch.head, out.count)
        outbox.beginsWithHead = true
    }

    /// How the body of an answer whose header block has just come is delimited; a stream's, as HTTP/1 would delimit it.
    @inline(__always)
    func bodyFraming(_ slot: UpstreamSlot, ended: Bool) -> BodyDecoder.Framing {
        let u = upstreams[slot]
        guard u.pointee.hop.framesBodies else { return u.pointee.decoder.body.framing }
        // Where there is no body, its end may come apart all the same: in a frame without payload.
        let status = responseBlock.status
        let isBodiless = status == 204 || status == 304 || exchanges[u.pointee.exchange].pointee.request.method == .head
        if isBodiless { return .none }
        return ended || responseBlock.facts.contains(.contentLength) ? .length : .untilClose
    }

    /// Passes on a piece of an answer's body, and its end.
    mutating func answerBody(
        _ slot: UpstreamSlot, _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int, ended: Bool, hasTrailers: Bool
    ) {
        let u = upstreams[slot]
        let e = exchanges[u.pointee.exchange]
        if e.pointee.state.isTunnel { return forwardTunnel(fromUpstream: slot, bytes, count) }
        if count > 0 {
            #if !WITHOUT_DETECTOR
                if e.pointee.answer.framing == .length { lookForStatusLine(slot, bytes, count) }
            #endif
            e.pointee.answer.bodyBytes += UInt64(count)
            // Frames come, as far as the stream's window goes, while a client holds its answer back: then nothing is due.
            if timers.deadline(upstreamTimer(slot)) != 0 { timers.set(upstreamTimer(slot), now + bodyIdleTimeout(e)) }
        }
        let inChunks = e.pointee.clientFraming == .chunked
        let takesTrailers = ended && hasTrailers && (inChunks || clients[e.pointee.client].pointee.hop.framesBodies)
        if takesTrailers { routeActions[Int(e.pointee.request.route)].responseFields.drop(&responseBlock) }
        outbox.addBody(
            bytes, count, inChunks: inChunks, ended: ended,
            trailers: takesTrailers ? Trailers.write(responseBlock, to: scratch.trailers) : nil)
    }

    /// Looks for a status line in a piece of a Content-Length body. Body bytes may spell anything: only the end will show.
    private mutating func lookForStatusLine(_ slot: UpstreamSlot, _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int) {
        let u = upstreams[slot]
        if u.pointee.statusLine.isFound { return surplus.addToBlock(bytes, count, in: slot.index) }
        guard let at = u.pointee.statusLine.find(bytes, count: count) else { return }
        let start = Int(exchanges[u.pointee.exchange].pointee.answer.bodyBytes)
        var block = EmbeddedBlock(offset: UInt64(start + at))
        if at < 0 { block.add(EmbeddedStatusLine.beginning.utf8Start, -at) }
        block.add(bytes + max(at, 0), count - max(at, 0))
        surplus.begin(block, in: slot.index)
    }
}
