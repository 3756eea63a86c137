import CShim
import EventLoop

/// The servers of a plan as one worker sees them: which of an upstream's gets the next request, what is held against each, and
/// which are in quarantine. What all workers know in common stands in `SharedServer`; the rest is the worker's own.
///
/// A server is named by its index among all of the plan's, in the order of the upstreams.
struct ServerSet: ~Copyable {
    /// What the set must know of an upstream.
    struct Upstream {
        var servers: Range<ServerIndex>
        var balance: Plan.Balance
        /// Failures in a row after which a server is passed over, 0 for never; and for how long, in nanoseconds.
        var ejectFailures: UInt64
        var ejectTime: UInt64
        /// Requests may be sent elsewhere, so that a server that refuses connections is passed over at once.
        var isRetrying: Bool
    }

    private(set) var upstreams: [Upstream] = []
    let servers: UnsafeMutablePointer<Server>
    let count: Int

    /// - Parameter shared: what the workers share of each server.
    init(_ plan: [Plan.Upstream], shared: (ServerIndex) -> UnsafeMutablePointer<SharedServer>) {
        count = plan.reduce(0) { $0 + $1.servers.count }
        servers = .allocate(capacity: max(count, 1))
        var next = 0
        for (place, upstream) in plan.enumerated() {
            let first = next
            for (index, server) in upstream.servers.enumerated() {
                (servers + next).initialize(
                    to: Server(
                        upstream: UInt16(place), index: UInt16(index), weight: UInt32(server.weight),
                        shared: shared(ServerIndex(next))))
                next += 1
            }
            upstreams.append(
                Upstream(
                    servers: ServerIndex(first)..<ServerIndex(next), balance: upstream.balance,
                    ejectFailures: UInt64(upstream.ejectFailures),
                    ejectTime: upstream.ejectTime, isRetrying: upstream.retryAttempts > 0))
        }
    }

    deinit { servers.deallocate() }

    subscript(server: ServerIndex) -> Server {
        @inline(__always) get { servers[server.place] }
    }

    var indices: Range<ServerIndex> { ServerIndex(0)..<ServerIndex(count) }

    /// An upstream's servers.
    @inline(__always)
    func of(_ upstream: Int) -> Range<ServerIndex> { upstreams[upstream].servers }

    /// The upstream that a server belongs to.
    @inline(__always)
    func upstream(_ server: ServerIndex) -> Int { Int(servers[server.place].upstream) }

    // MARK: What a server has to do

    @inline(__always)
    mutating func exchangeBegins(_ server: ServerIndex) { servers[server.place].activeCount += 1 }

    @inline(__always)
    mutating func exchangeEnds(_ server: ServerIndex) { servers[server.place].activeCount -= 1 }

    mutating func addShared(
        _ slot: UpstreamSlot, to server: ServerIndex, _ connections: borrowing Slab<UpstreamConnection>
    ) {
        servers[server.place].sharedConnections.prepend(slot, connections)
    }

    /// A new connection of it is given so many streams before it has said how many it allows.
    mutating func noteStreams(_ count: Int, allowedBy server: ServerIndex) {
        servers[server.place].streamsAtFirst = Int32(clamping: max(1, count))
    }

    mutating func removeShared(
        _ slot: UpstreamSlot, from server: ServerIndex, _ connections: borrowing Slab<UpstreamConnection>
    ) {
        servers[server.place].sharedConnections.remove(slot, connections)
    }

    // MARK: Addresses

    /// The server is given by name: `generation` says which of its addresses hold.
    mutating func setAddresses(_ server: ServerIndex, generation: UnsafePointer<UInt64>) {
        servers[server.place].addressGeneration = generation
    }

    /// Whose turn it is among a name's addresses; nil where there is no name.
    mutating func nextAddressTurn(_ server: ServerIndex) -> UInt32? {
        guard servers[server.place].addressGeneration != nil else { return nil }
        servers[server.place].addressTurn &+= 1
        return servers[server.place].addressTurn
    }

    /// Which generation of its name's addresses holds; nil where there is no name.
    @inline(__always)
    func addressGeneration(_ server: ServerIndex) -> UInt64? {
        servers[server.place].addressGeneration.map { so_load_ordered($0) }
    }

    // MARK: Quarantine

    @inline(__always)
    func isQuarantined(_ server: ServerIndex, _ now: UInt64) -> Bool {
        so_load(&servers[server.place].shared.pointee.quarantinedUntil) > now
    }

    /// Ends at this time on the loop's clock, if the server is in quarantine.
    func quarantinedUntil(_ server: ServerIndex) -> UInt64 { so_load(&servers[server.place].shared.pointee.quarantinedUntil) }

    /// Each connection of the server serves one exchange until then. True when its quarantine begins, false when it goes on.
    mutating func quarantine(_ server: ServerIndex, until: UInt64, _ now: UInt64) -> Bool {
        let was = quarantinedUntil(server)
        so_store(&servers[server.place].shared.pointee.quarantinedUntil, until)
        return was <= now
    }
}
