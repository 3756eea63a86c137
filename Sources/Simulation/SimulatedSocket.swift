import CShim
import Glibc

/// One end of a simulated connection, with the buffers, states and errors that it has in Linux.
///
/// Sending: `write` ─▶ `unsent` ─window─▶ segments on their way ─▶ the other end's `arrived` ─▶ `read`. The bytes written and not
/// acknowledged are bounded by the link, and so are the bytes that have arrived and not been read.
public final class SimulatedSocket {
    /// What reading gives.
    public enum Read { case bytes([UInt8]), nothing, end, failed }

    unowned let network: SimulatedNetwork
    public let link: Link
    /// The far end. It lives as long as this one.
    var other: SimulatedSocket?
    /// Set at the far end; the worker's end has a descriptor instead.
    var peer: SimulatedPeer?
    let descriptor: Int32

    // What epoll knows of it.
    var tag: UInt64 = 0
    var poll = 0
    var isRegistered = false
    var isInReadyList = false

    public internal(set) var isEstablished = false
    public private(set) var isClosed = false
    /// Gone: reset, refused, or never to be.
    private(set) var isDead = false
    private var error: Int32 = 0

    private var unsent = ByteQueue()
    private(set) var written: UInt64 = 0
    private(set) var acknowledged: UInt64 = 0
    private var inFlight = 0
    private var hasShutWrite = false
    private var hasSentEnd = false
    private var lacksSpace = false
    /// Bytes have been reported to its owner, who has not read them all.
    var isKnownReadable = false
    /// Its connect has just been decided.
    private var isNewlyDecided = false
    /// The last write took less than it was given.
    private var isBlocked = false
    /// Nothing overtakes on a connection: when the last packet that was sent will have arrived.
    private var lastArrival: UInt64 = 0

    private var arrived = ByteQueue()
    private var receivedBytes: UInt64 = 0
    private var hasReceivedEnd = false
    private var acknowledgedToOther: UInt64 = 0

    init(_ network: SimulatedNetwork, link: Link, descriptor: Int32 = -1) {
        self.network = network
        self.link = link
        self.descriptor = descriptor
    }

    /// Bytes that have arrived and not been read.
    public var unreadBytes: Int { arrived.count }
    /// Bytes that have been written, acknowledged, and sent, in all.
    public var writtenTotal: UInt64 { written }
    public var acknowledgedTotal: UInt64 { acknowledged }
    public var sentTotal: UInt64 { written - UInt64(unsent.count) }
    /// Bytes that have been written and are not on their way yet.
    public var unsentBytes: Int { unsent.count }

    /// Called with how many bytes the far end's owner has read in all, and with what it has given to its kernel, whether it arrives or not.
    public var isRead: ((UInt64) -> Void)?
    public var overhears: (([UInt8]) -> Void)?
    /// Called when the far end's owner says that it sends no more, and when it closes it.
    public var isEnded: (() -> Void)?
    public var isLeft: (() -> Void)?
    /// Bytes of the far end that its owner here has read.
    private var readTotal: UInt64 = 0

    // MARK: Reading

    /// As recv does: -errno, 0 at the end.
    func recv(_ p: UnsafeMutableRawPointer, _ count: Int, peek: Bool) -> Int {
        if !arrived.isEmpty {
            let n = arrived.copy(to: p, count)
            if !peek { consume(n) }
            return n
        }
        // An end that has been received is reported before any error.
        if hasReceivedEnd { return 0 }
        if error != 0 { return -Int(takeError()) }
        return isDead ? 0 : -Int(EAGAIN)
    }

    /// As recv does, for the far end.
    public func read(_ count: Int) -> Read {
        if !arrived.isEmpty {
            let bytes = arrived.take(count)
            consumed(bytes.count)
            return .bytes(bytes)
        }
        if hasReceivedEnd { return .end }
        if error != 0 || isDead { return .failed }
        return .nothing
    }

    private func consume(_ count: Int) {
        arrived.drop(count)
        if arrived.isEmpty { isKnownReadable = false }
        consumed(count)
    }

    private func consumed(_ count: Int) {
        guard let other, count > 0 else { return }
        readTotal += UInt64(count)
        other.isRead?(readTotal)
        if link.isUnix {
            other.acknowledged += UInt64(count)
            network.add(after: 0, .window(other))
        } else if !other.unsent.isEmpty {
            // The window opens again.
            network.add(after: link.latency, .window(other))
        }
    }

    // MARK: Writing

    private var room: Int { max(0, link.sendBytesMax - Int(written - acknowledged)) }
    private var hasSpaceToReport: Bool { Int(written - acknowledged) <= link.sendBytesMax / 3 * 2 }

    /// As sendmsg does: bytes taken, or -errno.
    func sendv(_ vectors: UnsafeMutablePointer<iovec>, _ count: Int) -> Int {
        if let refusal = refusalToSend() { return refusal }
        var total = 0
        for i in 0..<count { total += vectors[i].iov_len }
        let taken = admit(total)
        guard taken > 0 else { return -Int(EAGAIN) }
        var left = taken
        for i in 0..<count where left > 0 {
            let n = min(left, vectors[i].iov_len)
            let bytes = UnsafeRawBufferPointer(start: vectors[i].iov_base, count: n)
            unsent.append(bytes)
            other?.overhears?(Array(bytes))
            left -= n
        }
        written += UInt64(taken)
        transmit()
        return taken
    }

    /// Writes what there is room for: 0 when there is none, -1 when the connection is gone.
    func write(_ bytes: ByteQueue) -> Int {
        if refusalToSend() != nil { return -1 }
        let taken = admit(bytes.count)
        guard taken > 0 else { return 0 }
        var bytes = bytes
        unsent.append(bytes.take(taken))
        written += UInt64(taken)
        transmit()
        return taken
    }

    private func refusalToSend() -> Int? {
        guard error != 0 || isDead || hasShutWrite else { return nil }
        return error != 0 ? -Int(takeError()) : -Int(EPIPE)
    }

    /// How many of so many bytes are taken now.
    private func admit(_ count: Int) -> Int {
        var taken = min(room, count)
        if taken > 0, network.random.chance(perMille: link.shortWritesPerMille) {
            taken = network.random.below(taken + 1)
            // Short of memory, not of window: no acknowledgement may ever come to announce room.
            network.add(after: network.random.upTo(1_000_000), .writeSpace(self))
        }
        isBlocked = taken < count
        if isBlocked { lacksSpace = true }
        return taken
    }

    /// Puts on its way what the other end has room for.
    func transmit() {
        guard let other, isEstablished, !isDead else { return }
        let window = link.isUnix ? Int.max : link.receiveBytesMax - other.arrived.count - inFlight
        var count = min(window, unsent.count)
        while count > 0 {
            let n = segmentLength(upTo: count)
            count -= n
            inFlight += n
            let delay = count > 0 ? network.random.upTo(link.cutDelay) : 0
            acknowledgedToOther = receivedBytes
            network.add(at: arrival(of: n), .segment(other, unsent.take(n), acknowledges: receivedBytes))
            lastArrival += delay
        }
        if unsent.isEmpty, hasShutWrite, !hasSentEnd {
            hasSentEnd = true
            network.add(at: arrival(), .end(other))
        }
    }

    private func arrival(of count: Int = 0) -> UInt64 {
        if !link.isUnix { lastArrival = max(lastArrival, network.time + link.latency + network.random.upTo(link.jitter)) }
        lastArrival = max(lastArrival, network.time)
        if link.bytesPerSecond > 0 { lastArrival += UInt64(count) * 1_000_000_000 / link.bytesPerSecond }
        if link.gap > 0 {
            let place = lastArrival % link.gapEvery
            if place < link.gap { lastArrival += link.gap - place }
        }
        return lastArrival
    }

    private func segmentLength(upTo count: Int) -> Int {
        switch link.cuts {
        case .never: return min(count, link.segmentBytesMax)
        case .everyByte: return 1
        case .perMille(let probability):
            guard probability > 0 else { return count }
            // A byte in so many is a cut: draw the distance to the next.
            let length = 1 + network.random.below(2 * 1000 / probability)
            return min(count, length)
        }
    }

    public func shutdownWrite() {
        guard !hasShutWrite, !isDead else { return }
        hasShutWrite = true
        other?.isEnded?()
        transmit()
    }

    // MARK: What the kernel reports

    /// SIOCOUTQ.
    var unacknowledgedBytes: Int { Int(written - acknowledged) }
    var acknowledgedBytes: Int64 { link.isUnix ? -Int64(EOPNOTSUPP) : Int64(acknowledged) }

    func takeError() -> Int32 {
        defer { error = 0 }
        return error
    }

    /// Something has happened that its owner can only know by being woken: bytes, a decided connect, room for a blocked write.
    var needsWakeUp: Bool {
        (!arrived.isEmpty && !isKnownReadable) || isNewlyDecided || isBlocked
    }

    /// As tcp_poll reports it.
    var pollFlags: UInt32 {
        var flags: UInt32 = 0
        let ended = hasReceivedEnd || isDead
        if isDead || (hasReceivedEnd && hasShutWrite) { flags |= UInt32(so_hung_up) }
        if ended { flags |= UInt32(so_readable) | UInt32(so_peer_closed) }
        if error != 0 { flags |= UInt32(so_failed) }
        if isEstablished || isDead {
            if !arrived.isEmpty { flags |= UInt32(so_readable) }
            if hasShutWrite || isDead || hasSpaceToReport { flags |= UInt32(so_writable) } else { lacksSpace = true }
        }
        return flags
    }

    /// What poll says of it to who asks for these events.
    func readiness(_ events: Int16) -> Int16 {
        let flags = pollFlags
        if flags & UInt32(so_readable) != 0 { isKnownReadable = true }
        var found: Int32 = 0
        if flags & UInt32(so_readable) != 0 { found |= POLLIN & Int32(events) }
        if flags & UInt32(so_writable) != 0 { found |= POLLOUT & Int32(events) }
        if flags & UInt32(so_failed) != 0 { found |= POLLERR }
        if flags & UInt32(so_hung_up) != 0 { found |= POLLHUP }
        return Int16(found)
    }

    // MARK: Closing

    public func close(reset: Bool) {
        guard !isClosed else { return }
        isClosed = true
        other?.isLeft?()
        guard !isDead else { return }
        guard isEstablished, let other else {
            isDead = true
            return
        }
        if (reset && !link.isUnix) || !arrived.isEmpty {
            // What was on its way still arrives, what was not is lost.
            unsent.removeAll()
            isDead = true
            network.add(at: arrival(), .reset(other))
        } else {
            shutdownWrite()
        }
    }

    // MARK: What arrives

    func arrive(_ bytes: [UInt8], acknowledges: UInt64) {
        other?.inFlight -= bytes.count
        guard !isDead else { return }
        acknowledge(acknowledges)
        if isClosed {
            // Nobody will read it: the sender must know.
            isDead = true
            unsent.removeAll()
            if let other { network.add(at: arrival(), .reset(other)) }
            return
        }
        arrived.append(bytes)
        receivedBytes += UInt64(bytes.count)
        if !link.isUnix {
            network.add(after: network.random.upTo(link.acknowledgementDelay), .acknowledgementDue(self))
        }
        wake(UInt32(so_readable))
    }

    func arriveEnd() {
        guard !isDead else { return }
        hasReceivedEnd = true
        if !isClosed { wake(UInt32(so_readable) | UInt32(so_peer_closed)) }
    }

    func arriveReset() {
        guard !isDead else { return }
        isDead = true
        unsent.removeAll()
        error = hasReceivedEnd ? EPIPE : ECONNRESET
        if !isClosed { wake(UInt32(so_failed)) }
    }

    func decideConnect(error: Int32) {
        // Who has given up meanwhile knows nothing of the connection that has been made.
        if error == 0, isClosed, let other, other.isEstablished { return network.add(at: arrival(), .reset(other)) }
        guard !isDead, !isEstablished else { return }
        if error != 0 {
            self.error = error
            isDead = true
        } else {
            isEstablished = true
        }
        guard !isClosed else { return }
        isNewlyDecided = true
        wake(UInt32(so_writable))
        isNewlyDecided = false
    }

    func acknowledgeIfDue() {
        guard let other, !isDead, acknowledgedToOther < receivedBytes else { return }
        acknowledgedToOther = receivedBytes
        network.add(at: arrival(), .acknowledgement(other, receivedBytes))
    }

    func acknowledge(_ upTo: UInt64) {
        guard upTo > acknowledged, !link.isUnix else { return }
        acknowledged = upTo
        reportSpace()
    }

    /// The writer learns that there is room, if it wanted to know and there is enough.
    func reportSpace() {
        guard lacksSpace, hasSpaceToReport, !isDead, !isClosed else { return }
        lacksSpace = false
        wake(UInt32(so_writable))
    }

    private func wake(_ flags: UInt32) {
        if let peer {
            if flags & UInt32(so_writable) != 0 { peer.writeWaiting() }
            if flags & ~UInt32(so_writable) != 0 { peer.readable() }
        } else {
            network.wake(self)
        }
    }

    /// Lets go of the other end, so that neither keeps the other.
    func unlink() {
        other = nil
        peer = nil
    }
}
