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
        while let connection = multiplexing.next() {
            switch connection {
            case .client(let slot):
                recordClientSurplus(slot)
                if sendFrames(connection) { clientFramesSent(slot) } else { clientBroke(slot) }
            // A server's connection may be on its way yet.
            case .upstream(let slot) where upstreams[slot].pointee.phase != .shared: break
            case .upstream(let slot):
                if sendFrames(connection) { keepOnlyIfNeeded(slot) } else { upstreamRefusesFrames(slot) }
            }
        }
    }

    /// False when the connection is broken.
    private mutating func sendFrames(_ connection: ConnectionSlot) -> Bool {
        let socket = socket(connection)
        let session = multiplexing[sharedIndex(connection)].session
        while !socket.pointee.isBlocked {
            let count = session.write(into: multiplexing.frames, capacity: Multiplexing.frameBytesMax, now: now)
            guard count > 0 else { break }
            outbox.add(multiplexing.frames, count)
            guard transport.deliver(&outbox, to: socket, connection.side) else { return false }
            while let stream = session.nextDrained() {
                switch connection {
                case .client: clientStreamDrained(ClientSlot(stream))
                case .upstream: upstreamStreamDrained(UpstreamSlot(stream))
                }
            }
            if count < Multiplexing.frameBytesMax / 2 { break }
        }
        return true
    }

    // MARK: In

    /// Reads a connection's frames as long as there are some, and it is its turn.
    mutating func readFrames(_ connection: ConnectionSlot) {
        let socket = socket(connection)
        let shared = multiplexing[sharedIndex(connection)]
        var rounds = 0
        var steps = 0
        var hasMore = shared.isInterrupted || !socket.pointee.input.isEmpty
        while socket.pointee.isReadable || hasMore {
            guard rounds < Self.readsPerTurn else { return queue(connection) }
            rounds += 1
            hasMore = false
            let generation = generation(connection)
            let count = transport.load(socket, connection.side)
            let consumed = actOnFrames(shared, count, &steps)
            guard self.generation(connection) == generation else { return outbox.clear() }
            transport.keep(socket, from: consumed, to: count)
            if shared.isInterrupted { return queue(connection) }
            if socket.pointee.sawEnd || socket.pointee.isBroken {
                switch connection {
                case .client(let slot): clientBroke(slot)
                case .upstream(let slot): sharedUpstreamEnded(slot)
                }
                return
            }
        }
    }

    /// Acts on `count` bytes at the start of the read buffer; returns how many are used up.
    private mutating func actOnFrames(_ shared: SharedConnection, _ count: Int, _ steps: inout Int) -> Int {
        let (session, connection) = (shared.session, shared.connection)
        let generation = generation(connection)
        var position = 0
        shared.isInterrupted = false
        frame(connection)
        while steps < Self.stepsPerTurn {
            steps += 1
            let bytes = transport.readBuffer + position
            let step: HTTP2Step
            let goesOn: Bool
            switch connection {
            case .client(let slot):
                step = session.receive(bytes, count: count - position, now: now, block: &requestBlock)
                position += step.consumed
                if case .needMore = step.event { return position }
                goesOn = clientFrame(slot, step, bytes)
            case .upstream(let slot):
                step = session.receive(bytes, count: count - position, now: now, block: &responseBlock)
                position += step.consumed
                if case .needMore = step.event {
                    upstreamFramesRead(slot, step)
                    return position
                }
                goesOn = upstreamFrame(slot, step, bytes)
            }
            guard goesOn, self.generation(connection) == generation else { return count }
        }
        shared.isInterrupted = true
        return position
    }

    /// A shared connection has something to read, or room to write, or its turn again.
    mutating func sharedUpstreamReady(_ slot: UpstreamSlot) {
        let u = upstreams[slot]
        if u.pointee.phase == .connecting {
            guard connectGoesOn(slot), u.pointee.phase == .shared else { return }
        }
        if u.pointee.socket.isBlocked, u.pointee.socket.isWritable {
            let waiting = u.pointee.socket.output.count
            if !transport.flush(&u.pointee.socket, .upstream) {
                upstreamRefusesFrames(slot)
            } else if u.pointee.socket.output.count < waiting {
                multiplexing[u.pointee.sharedIndex].flushedAt = now
            }
            if !u.pointee.socket.isBlocked { frameUpstream(slot) }
        }
        readFrames(.upstream(slot))
    }
}
