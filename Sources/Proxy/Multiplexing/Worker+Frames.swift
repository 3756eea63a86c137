import Detector
import EventLoop
import HTTP1
import HTTP2
import Report
import Wire

/// HTTP/2 connections of either side: frames in, as long as there are some, and out when the turn ends.
extension Worker {
    // MARK: Out

    /// Sends what the sessions have to send. What that stirs up comes in the next turn.
    mutating func sendFrames() {
        while let (side, slot) = multiplexing.next() { sendFrames(side, slot) }
    }

    mutating func sendFrames(_ side: SideLabel, _ slot: Int32) {
        // A server's connection may be on its way yet.
        guard side == .client || upstreams[slot].pointee.phase == .multiplexed else { return }
        if side == .client { tellClientSurplus(slot) }
        let socket = socket(side, slot)
        let session = multiplexing[multiplexNumber(side, slot)].session
        while !socket.pointee.isBlocked {
            let count = session.write(into: multiplexing.frames, capacity: Multiplexing.frameBytesMax)
            guard count > 0 else { break }
            outbox.add(multiplexing.frames, count)
            guard transport.deliver(&outbox, to: socket, side) else {
                return side == .client ? clientBroke(slot) : upstreamRefusesFrames(slot)
            }
            while let stream = session.nextDrained() {
                if side == .client { clientStreamDrained(stream) } else { upstreamStreamDrained(stream) }
            }
            if count < Multiplexing.frameBytesMax / 2 { break }
        }
        if side == .client { clientFramesSent(slot) } else { upstreamFramesSent(slot) }
    }

    // MARK: In

    /// Reads a connection's frames as long as there are some, and it is its turn.
    mutating func readFrames(_ side: SideLabel, _ slot: Int32) {
        let socket = socket(side, slot)
        let multiplex = multiplexing[multiplexNumber(side, slot)]
        var rounds = 0
        var steps = 0
        var hasMore = multiplex.isInterrupted || !socket.pointee.input.isEmpty
        while socket.pointee.isReadable || hasMore {
            guard rounds < Self.readsPerTurn else { return queue(side, slot) }
            rounds += 1
            hasMore = false
            let generation = generation(side, slot)
            let count = transport.load(socket, side)
            let consumed = actOnFrames(multiplex, count, &steps)
            guard self.generation(side, slot) == generation else { return outbox.clear() }
            transport.keep(socket, from: consumed, to: count)
            if multiplex.isInterrupted { return queue(side, slot) }
            if socket.pointee.sawEnd || socket.pointee.isBroken {
                return side == .client ? clientBroke(slot) : upstreamMultiplexEnded(slot)
            }
        }
    }

    /// Acts on `count` bytes at the start of the read buffer; returns how many are used up.
    private mutating func actOnFrames(_ multiplex: Multiplex, _ count: Int, _ steps: inout Int) -> Int {
        let (session, side, slot) = (multiplex.session, multiplex.side, multiplex.slot)
        let generation = generation(side, slot)
        var position = 0
        multiplex.isInterrupted = false
        if side == .client { frameClient(slot) } else { frameUpstream(slot) }
        while steps < Self.stepsPerTurn {
            steps += 1
            let bytes = transport.readBuffer + position
            let step =
                side == .client
                ? session.receive(bytes, count: count - position, now: now, block: &requestBlock)
                : session.receive(bytes, count: count - position, now: now, block: &responseBlock)
            position += step.consumed
            if case .needMore = step.event {
                if side == .upstream { upstreamFramesRead(slot, step) }
                return position
            }
            let goesOn = side == .client ? clientFrame(slot, step, bytes) : upstreamFrame(slot, step, bytes)
            guard goesOn, self.generation(side, slot) == generation else { return count }
        }
        multiplex.isInterrupted = true
        return position
    }

    /// A shared connection has something to read, or room to write, or its turn again.
    mutating func upstreamMultiplexReady(_ slot: Int32) {
        let u = upstreams[slot]
        if u.pointee.phase == .connecting {
            let generation = upstreams.generation(slot)
            if u.pointee.socket.security == .none {
                guard u.pointee.socket.isWritable || u.pointee.socket.peerEnded else { return }
                connectDecided(slot)
            } else {
                upstreamShakesHands(slot)
            }
            guard upstreams.generation(slot) == generation, u.pointee.phase == .multiplexed else { return }
        }
        if u.pointee.socket.isBlocked, u.pointee.socket.isWritable {
            if !transport.flush(&u.pointee.socket, .upstream) { upstreamRefusesFrames(slot) }
            if !u.pointee.socket.isBlocked { frameUpstream(slot) }
        }
        readFrames(.upstream, slot)
    }
}
