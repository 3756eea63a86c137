import EventLoop

/// This worker's exchanges that wait for a connection: one queue for each upstream, and one for each server, for those that belong to
/// it by their cookie. First come, first served, over all workers: since when the first of each queue has waited stands in the
/// `WaitingRoom`.
///
///     enqueue ─▶ waiting ──call──▶ called ──remove, in its own turn──▶ looks for a connection ──none──▶ enqueue, where it stood
///
/// The queues are linked through the exchanges, which are lent.
struct WaitQueues: ~Copyable {
    enum Enqueued: Equatable {
        /// It has come just now, or is back in its place.
        case queued, again
        case full
    }

    private var queues: [WaitQueue]
    private let upstreams: Int
    private let room: WaitingRoom
    private let worker: Int

    init(upstreams: Int, servers: Int, room: WaitingRoom, worker: Int) {
        queues = Array(repeating: WaitQueue(), count: upstreams + servers)
        self.upstreams = upstreams
        self.room = room
        self.worker = worker
    }

    // MARK: Who waits

    /// Exchanges that wait here.
    var count: Int { queues.reduce(0) { $0 + $1.count } }

    @inline(__always)
    func isAwaited(upstream: Int) -> Bool { queues[upstream].count > 0 }

    @inline(__always)
    func isAwaited(server: ServerIndex) -> Bool { queues[upstreams + server.place].count > 0 }

    /// Whether somebody has been called who may want a connection to this server.
    func isCalled(for server: ServerIndex, of upstream: Int) -> Bool {
        queues[upstream].called + queues[upstreams + server.place].called > 0
    }

    /// The worker that should have the next connection to a server instead of this one.
    @inline(__always)
    func handover(of server: ServerIndex, upstream: Int) -> Int? {
        guard room.count(upstream) > 0 else { return nil }
        return room.handover(besides: worker, queues: (upstream, upstreams + server.place))
    }

    /// Whether so long has passed since this was asked last with that answer: it is time to look for places that could be given up.
    mutating func looksForPlaces(_ upstream: Int, _ now: UInt64, after time: UInt64) -> Bool {
        guard now - min(queues[upstream].stillLookedAt, now) >= time else { return false }
        queues[upstream].stillLookedAt = now
        return true
    }

    /// Exchanges that wait for one of an upstream's servers on any worker, but for those that have been called here.
    func placesWanted(_ upstream: Int, servers: Range<ServerIndex>) -> Int {
        let called = servers.reduce(queues[upstream].called) { $0 + queues[upstreams + $1.place].called }
        return Int(room.count(upstream)) - called
    }

    // MARK: Coming and going

    /// Puts an exchange where it waits, `server` unless none being the one that it belongs to; one that had been called, and was too
    /// late, before those who came after it.
    mutating func enqueue(
        _ exchange: ExchangeSlot, boundTo server: ServerIndex, max: Int, _ now: UInt64, _ exchanges: borrowing Slab<Exchange>
    ) -> Enqueued {
        let e = exchanges[exchange]
        let upstream = Int(e.pointee.upstreamIndex)
        let isNew = e.pointee.waitingSince == 0
        guard room.enter(upstream, max: isNew ? max : .max) else { return .full }
        if isNew { e.pointee.waitingSince = now }
        let queue = server.isNone ? upstream : upstreams + server.place
        e.pointee.state.receive(.queued)
        e.pointee.queue = Int32(queue)
        var previous = isNew ? queues[queue].last : .none
        var next = isNew ? .none : queues[queue].first
        while !isNew, next.exists, exchanges[next].pointee.waitingSince <= e.pointee.waitingSince {
            previous = next
            next = exchanges[next].pointee.next
        }
        e.pointee.next = next
        if previous.exists { exchanges[previous].pointee.next = exchange } else { queues[queue].first = exchange }
        if next.isNone { queues[queue].last = exchange }
        queues[queue].count += 1
        publishSince(queue, exchanges)
        return isNew ? .queued : .again
    }

    /// Takes an exchange out of its queue, wherever it stands.
    mutating func remove(_ exchange: ExchangeSlot, _ exchanges: borrowing Slab<Exchange>) {
        let e = exchanges[exchange]
        let queue = Int(e.pointee.queue)
        var previous = ExchangeSlot.none
        var at = queues[queue].first
        while at.exists, at != exchange {
            previous = at
            at = exchanges[at].pointee.next
        }
        guard at == exchange else { return }
        let next = e.pointee.next
        if previous.exists { exchanges[previous].pointee.next = next } else { queues[queue].first = next }
        if next.isNone { queues[queue].last = previous }
        queues[queue].count -= 1
        if e.pointee.state.place == .called { queues[queue].called -= 1 }
        e.pointee.state.receive(.leftQueue)
        e.pointee.next = .none
        room.leave(Int(e.pointee.upstreamIndex))
        publishSince(queue, exchanges)
    }

    // MARK: Calling

    /// Who should have the next connection to a server: the one that has waited the longest and has not been called; none for nobody.
    func next(for server: ServerIndex, of upstream: Int, _ exchanges: borrowing Slab<Exchange>) -> ExchangeSlot {
        let (a, b) = (first(upstream, exchanges), first(upstreams + server.place, exchanges))
        if a.exists, b.isNone || exchanges[a].pointee.waitingSince <= exchanges[b].pointee.waitingSince { return a }
        return b
    }

    /// The first that has not been called of those who wait for any server of an upstream; none for nobody.
    func next(upstream: Int, _ exchanges: borrowing Slab<Exchange>) -> ExchangeSlot { first(upstream, exchanges) }

    /// The first that has not been called of those who belong to a server; none for nobody.
    func next(server: ServerIndex, _ exchanges: borrowing Slab<Exchange>) -> ExchangeSlot {
        first(upstreams + server.place, exchanges)
    }

    /// It is its turn to look for a connection.
    mutating func call(_ exchange: ExchangeSlot, _ exchanges: borrowing Slab<Exchange>) {
        let e = exchanges[exchange]
        e.pointee.state.receive(.called)
        queues[Int(e.pointee.queue)].called += 1
        publishSince(Int(e.pointee.queue), exchanges)
    }

    private func first(_ queue: Int, _ exchanges: borrowing Slab<Exchange>) -> ExchangeSlot {
        guard queues[queue].count > queues[queue].called else { return .none }
        var at = queues[queue].first
        while at.exists, exchanges[at].pointee.state.place == .called { at = exchanges[at].pointee.next }
        return at
    }

    private func publishSince(_ queue: Int, _ exchanges: borrowing Slab<Exchange>) {
        let first = first(queue, exchanges)
        room.setSince(first.isNone ? 0 : exchanges[first].pointee.waitingSince, worker: worker, queue: queue)
    }
}
