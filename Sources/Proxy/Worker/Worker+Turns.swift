import CShim
import EventLoop
import Report

/// A turn of the loop: what has happened goes to those whose it is, then deadlines, frames that wait and the orders from outside.
extension Worker {
    /// Turns until stopped.
    mutating func run() {
        while !isStopped { turn(waitMilliseconds: -1) }
        access.handOver()
    }

    /// Waits for events at most so long (-1: until the next timer), and works off what has happened: all of what came from
    /// upstreams, then some of what came from clients.
    package mutating func turn(waitMilliseconds: Int) {
        let due = timers.due
        var wait = loop.hasTurns ? 0 : listeners.wait(Deadlines.milliseconds(until: due, now: kernel.now()))
        if waitMilliseconds >= 0, wait < 0 || wait > waitMilliseconds { wait = waitMilliseconds }
        let count = loop.wait(milliseconds: wait)
        now = kernel.now()
        if due <= now { counters.observeLag(nanoseconds: now - due) }
        for place in 0..<count { dispatch(loop[event: place].tag, loop[event: place].flags) }
        loop.workedOff(count)
        for _ in 0..<min(loop.turnCount, Loop.turnsPerWait) { resume(loop.nextTurn()) }
        while let deadline = timers.expire(now: now) { expired(deadline) }
        if multiplexing.hasMarks { sendFrames() }
        if listeners.isDue(now: now) { resumeAccepting() }
        if departure.isLeaving { continueLeaving() }
    }

    private mutating func dispatch(_ tag: EventTag, _ flags: UInt32) {
        switch tag.kind {
        case .client:
            let slot = ClientSlot(tag.slot)
            guard tag.carries(clients.generation(slot)) else { return }
            let c = clients[slot]
            note(flags, &c.pointee.socket)
            queueClient(slot)
        case .upstream:
            let slot = UpstreamSlot(tag.slot)
            guard tag.carries(upstreams.generation(slot)) else { return }
            let u = upstreams[slot]
            note(flags, &u.pointee.socket)
            upstreamReady(slot)
        case .listener: acceptClients(Int(tag.slot))
        case .mailbox: readMailbox()
        }
    }

    @inline(__always)
    private func note(_ flags: UInt32, _ socket: inout Socket) {
        let writable = UInt32(so_writable)
        let readable = UInt32(so_readable)
        if flags & writable != 0 { socket.isWritable = true }
        if flags & ~writable != 0 { socket.isReadable = true }
        if flags & ~(writable | readable) != 0 { socket.peerEnded = true }
    }

    private mutating func resume(_ tag: EventTag) {
        switch tag.kind {
        case .client:
            let slot = ClientSlot(tag.slot)
            guard tag.carries(clients.generation(slot)) else { return }
            clients[slot].pointee.socket.isQueued = false
            clientReady(slot)
        case .upstream:
            let slot = UpstreamSlot(tag.slot)
            guard tag.carries(upstreams.generation(slot)) else { return }
            upstreams[slot].pointee.socket.isQueued = false
            upstreamReady(slot)
        case .listener, .mailbox: break
        }
    }

    /// Ends when the last client has gone, and every connection has been watched for strays.
    private mutating func continueLeaving() {
        while true {
            if departure.isOverdue(now: now) {
                closeAll()
            } else {
                guard clients.count == 0 else { return }
                watchPooled()
                guard upstreams.count == 0, hangups.mayEnd(at: now) else { return }
                judgeHangups(isEnding: true)
            }
            if fleetState.mailboxes[index].close() {
                departure.end()
                return
            }
            // A client may have been moved here just now. What wakes the loop for it goes with the reading, so whether there is
            // anything left to wait for is asked again.
            readMailbox()
        }
    }

    package mutating func readMailbox() {
        for order in fleetState.mailboxes[index].take() {
            switch order {
            case .drain(let time): startDrain(within: time)
            case .retire(let succession): startRetirement(succession)
            case .adopt(let moved): adopt(moved)
            case .grant(let server): takeGrant(server)
            case .giveIdle(let server): giveIdle(server)
            case .giveUpStill(let upstream): giveUpStill(upstream)
            case .identify(let mark): identify(mark)
            case .pass(let round): fleetState.recorder.desk?.passed(round)
            }
        }
    }
}
