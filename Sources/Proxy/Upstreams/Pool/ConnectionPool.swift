import CShim
import EventLoop
import Report

/// This worker's connections that serve nobody, by server, and its places under each server's limit.
///
///                  ┌──────────────── checkOut ────────────────┐
///     checkIn ─▶ resting ──50 ms──▶ settled ──checkOut──▶ taken ──watch──▶ watched ──unwatch──▶ taken
///
/// The lists are linked through the connections, which are lent; a connection's phase says in which list it is.
struct ConnectionPool: ~Copyable {
    /// What a request may have.
    struct Demand {
        /// Any pooled connection is taken unseen.
        var isUnguarded = false
        /// A connection rests so long before it is taken;
        var hold: UInt64 = 0
        /// when more than so many rest, the one that has rested the longest is taken after a shorter time.
        var restingMax = Int32.max
        var holdLeast: UInt64 = 0
        /// No other connection can be had: one that has not rested so long has to do, and one that is too old makes room.
        var takesUnrested = false
        /// A connection whose answers carry the ids of their requests need not have rested.
        var trustsEcho = false
        /// How long a connection may have been idle, as far as its server has been seen to keep to it; nil for any time.
        var idleMax: UInt64?
        /// Which generation of its name's addresses a connection must lead to; nil where there is no name.
        var addressGeneration: UInt64?

        /// How long connections rest. Automatic: most strays come within milliseconds, others after a query or a timer, and a rest costs
        /// nothing but connections; with so many of them, it is a time that falls as requests follow each other faster.
        ///
        ///     64 at 1,280 requests a second: 50 ms · at 12,800: 5 ms · at 32,000 and more: 2 ms, and more connections
        mutating func rest(_ hold: Plan.Hold, idleTimeout: UInt64, workers: Int) {
            switch hold {
            case .fixed(let time): self.hold = time
            case .automatic:
                restingMax = Int32(max(ConnectionPool.restingMax / workers, 1))
                holdLeast = ConnectionPool.holdLeast
                // Where connections are closed soon, half of that time is left for their use.
                self.hold = max(min(ConnectionPool.settleTime, min(idleMax ?? .max, idleTimeout) / 2), holdLeast)
            }
        }
    }

    /// In all but the last case the connection has left the pool.
    enum CheckOut: Equatable {
        case connection(UpstreamSlot)
        /// To be taken when nothing has come on it.
        case examine(UpstreamSlot)
        case close(UpstreamSlot, CloseReason)
        case empty
    }

    enum CheckIn: Equatable {
        case pooled
        /// In place of the one that had been pooled the longest, or of itself, which has left the pool and is one too many.
        case insteadOf(UpstreamSlot)
    }

    private struct Place: BitwiseCopyable {
        let shared: UnsafeMutablePointer<SharedServer>
        /// Connections over all workers; of those, how many each worker may have in its pool.
        let connectionsMax: UInt64
        let idleMax: Int32
        /// The one that has rested the longest first; it may be taken after `hold`.
        var resting = ConnectionList<UpstreamConnection>()
        /// Those that have rested so long that hardly a stray is still to come, the last one pooled first.
        var settled = ConnectionList<UpstreamConnection>()
        /// Those that are only watched for strays, the longest first.
        var watched = ConnectionList<UpstreamConnection>()
        var idleCount: Int32 = 0
        /// Of these, those in `resting`.
        var restingCount: Int32 = 0
        /// Connections of this worker, in whatever phase.
        var connectionCount: Int32 = 0
        /// Places under the limit that other workers have left to this one, counted among the shared connections.
        var granted: Int32 = 0
    }

    /// Connections that have rested for so long are taken before others.
    ///
    /// Most strays come within milliseconds, some after a query or a timer: where the pool has a choice, it costs nothing
    /// to take a connection on which even those would have shown.
    static let settleTime: UInt64 = 50_000_000

    /// With an automatic rest: connections to one server that rest at once, over all workers, and the shortest rest.
    static let restingMax = 64
    static let holdLeast: UInt64 = 2_000_000

    private var places: [Place] = []

    mutating func addServer(_ shared: UnsafeMutablePointer<SharedServer>, connectionsMax: Int, idleMax: Int) {
        places.append(Place(shared: shared, connectionsMax: UInt64(connectionsMax), idleMax: Int32(clamping: idleMax)))
    }

    // MARK: What there is

    @inline(__always)
    func idleCount(_ server: ServerIndex) -> Int32 { places[server.place].idleCount }

    @inline(__always)
    func connectionCount(_ server: ServerIndex) -> Int32 { places[server.place].connectionCount }

    /// No more may be kept.
    @inline(__always)
    func isFull(_ server: ServerIndex) -> Bool { places[server.place].connectionCount >= places[server.place].idleMax }

    /// Whether a connection could be had of those that are open.
    func hasConnection(_ server: ServerIndex) -> Bool {
        places[server.place].idleCount > 0 || !places[server.place].watched.isEmpty
    }

    /// The connection that has been pooled the longest, if there is one.
    func oldest(_ server: ServerIndex) -> UpstreamSlot {
        places[server.place].settled.isEmpty ? places[server.place].resting.first : places[server.place].settled.last
    }

    // MARK: Out and in

    /// The connection for a request, or what has to be done before the next is looked for.
    mutating func checkOut(
        _ server: ServerIndex, _ demand: Demand, _ now: UInt64, _ connections: borrowing Slab<UpstreamConnection>
    ) -> CheckOut {
        let settleTime = demand.isUnguarded ? 0 : max(demand.hold, min(Self.settleTime, demand.idleMax ?? .max))
        settle(server, before: now, after: settleTime, connections)
        var slot = places[server.place].settled.first
        // Of those that have rested for a shorter time, the one that has rested the longest is the least risky.
        if slot.isNone || (isTooOld(slot, demand, now, connections) && !places[server.place].resting.isEmpty) {
            slot = places[server.place].resting.first
        }
        guard slot.exists else { return .empty }
        if isTooOld(slot, demand, now, connections) {
            // It stays, for its server shows by it whether there is such a limit; unless its place is needed.
            guard demand.takesUnrested else { return .empty }
            remove(slot, connections)
            return .close(slot, .idleTimeout)
        }
        let idle = now - connections[slot].pointee.pooledAt
        guard
            idle >= demand.hold || demand.takesUnrested || (demand.trustsEcho && connections[slot].pointee.echoes)
                || (idle >= demand.holdLeast && places[server.place].restingCount > demand.restingMax)
        else { return .empty }
        remove(slot, connections)
        if idle >= connections[slot].pointee.idleTimeout { return .close(slot, .idleTimeout) }
        if let generation = demand.addressGeneration, connections[slot].pointee.addressGeneration != generation {
            return .close(slot, .aged)
        }
        return demand.isUnguarded ? .connection(slot) : .examine(slot)
    }

    private func isTooOld(
        _ slot: UpstreamSlot, _ demand: Demand, _ now: UInt64, _ connections: borrowing Slab<UpstreamConnection>
    ) -> Bool {
        guard let idleMax = demand.idleMax else { return false }
        return now - connections[slot].pointee.pooledAt > idleMax
    }

    /// Moves connections that have rested so long to where they are taken first.
    private mutating func settle(
        _ server: ServerIndex, before now: UInt64, after time: UInt64, _ connections: borrowing Slab<UpstreamConnection>
    ) {
        while true {
            let slot = places[server.place].resting.first
            guard slot.exists, connections[slot].pointee.pooledAt + time <= now else { return }
            places[server.place].resting.remove(slot, connections)
            places[server.place].restingCount -= 1
            places[server.place].settled.prepend(slot, connections)
            connections[slot].pointee.phase = .settled
        }
    }

    /// A connection that may serve another exchange, later.
    mutating func checkIn(_ slot: UpstreamSlot, _ now: UInt64, _ connections: borrowing Slab<UpstreamConnection>) -> CheckIn {
        let server = connections[slot].pointee.server
        connections[slot].pointee.phase = .resting
        connections[slot].pointee.pooledAt = now
        places[server.place].resting.append(slot, connections)
        places[server.place].restingCount += 1
        changeIdle(server, by: 1)
        guard places[server.place].idleCount > places[server.place].idleMax else { return .pooled }
        // The one in the pool for the longest is the next to be closed by its server anyway.
        let oldest = oldest(server)
        remove(oldest, connections)
        return .insteadOf(oldest)
    }

    /// Takes a connection out of the pool, to be used or closed.
    mutating func remove(_ slot: UpstreamSlot, _ connections: borrowing Slab<UpstreamConnection>) {
        let server = connections[slot].pointee.server
        switch connections[slot].pointee.phase {
        case .settled: places[server.place].settled.remove(slot, connections)
        default:
            places[server.place].resting.remove(slot, connections)
            places[server.place].restingCount -= 1
        }
        connections[slot].pointee.phase = .active
        changeIdle(server, by: -1)
    }

    private mutating func changeIdle(_ server: ServerIndex, by difference: Int32) {
        places[server.place].idleCount += difference
        _ = so_fetch_add(&places[server.place].shared.pointee.idle, Int64(difference))
    }

    // MARK: Watching for strays

    /// The connection serves nobody any more, and its late strays are still to be seen.
    mutating func watch(_ slot: UpstreamSlot, _ connections: borrowing Slab<UpstreamConnection>) {
        connections[slot].pointee.phase = .watched
        places[connections[slot].pointee.server.place].watched.append(slot, connections)
    }

    /// The connection is not only watched any more: it is collected from, or closed.
    mutating func unwatch(_ slot: UpstreamSlot, _ connections: borrowing Slab<UpstreamConnection>) {
        guard connections[slot].pointee.phase == .watched else { return }
        places[connections[slot].pointee.server.place].watched.remove(slot, connections)
        connections[slot].pointee.phase = .active
    }

    /// The connection that has been watched the longest, and is to make room for an exchange, which is counted; `.none` when none is watched.
    func cutWatch(_ server: ServerIndex) -> UpstreamSlot {
        let slot = places[server.place].watched.first
        if slot.exists { noteCutWatch(server) }
        return slot
    }

    /// A connection makes room for an exchange before its late strays have had their time.
    func noteCutWatch(_ server: ServerIndex) { _ = so_fetch_add(&places[server.place].shared.pointee.listeningCut, 1) }

    /// A connection has been taken before it had rested.
    func noteUnrested(_ server: ServerIndex) { _ = so_fetch_add(&places[server.place].shared.pointee.unrested, 1) }

    // MARK: Places under the limit

    @inline(__always)
    func mayOpen(_ server: ServerIndex) -> Bool {
        places[server.place].granted > 0
            || so_load_ordered(&places[server.place].shared.pointee.connections) < places[server.place].connectionsMax
    }

    /// Counts a connection against the server's limit; on a place that was granted it is counted already.
    /// False when all are taken.
    mutating func takePlace(_ server: ServerIndex) -> Bool {
        if places[server.place].granted > 0 {
            places[server.place].granted -= 1
            return true
        }
        guard so_fetch_add(&places[server.place].shared.pointee.connections, 1) >= places[server.place].connectionsMax else {
            return true
        }
        freePlace(server)
        return false
    }

    /// A place under the limit is anybody's.
    func freePlace(_ server: ServerIndex) { _ = so_fetch_add(&places[server.place].shared.pointee.connections, -1) }

    /// Another worker has left its place to this one.
    mutating func grantPlace(_ server: ServerIndex) { places[server.place].granted += 1 }

    /// Takes back a place that was granted and is not needed; false when there is none.
    mutating func ungrantPlace(_ server: ServerIndex) -> Bool {
        guard places[server.place].granted > 0 else { return false }
        places[server.place].granted -= 1
        return true
    }

    /// A connection has been opened on its place, or closed.
    mutating func changeConnections(_ server: ServerIndex, by difference: Int32) {
        places[server.place].connectionCount += difference
    }

    /// Connections that other workers have in their pools.
    func idleElsewhere(_ server: ServerIndex) -> Bool {
        so_load(&places[server.place].shared.pointee.idle) > UInt64(places[server.place].idleCount)
    }
}
