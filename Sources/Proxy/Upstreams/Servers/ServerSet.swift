import CShim
import EventLoop

/// The servers of a plan as one worker sees them: which of an upstream's gets the next request, what is held against each, and
/// which are in quarantine. What all workers know in common stands in `SharedServer`; the rest is the worker's own.
///
/// A server is named by its index among all of the plan's, in the order of the upstreams.
struct ServerSet: ~Copyable {
    /// What the set must know of an upstream.
    struct Upstream {
        var servers: Range<Int>
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
    init(_ plan: [Plan.Upstream], shared: (Int) -> UnsafeMutablePointer<SharedServer>) {
        count = plan.reduce(0) { $0 + $1.servers.count }
        servers = .allocate(capacity: max(count, 1))
        var next = 0
        for (place, upstream) in plan.enumerated() {
            let first = next
            for (index, server) in upstream.servers.enumerated() {
                (servers + next).initialize(
                    to: Server(
                        upstream: UInt16(place), index: UInt16(index), weight: UInt32(server.weight), shared: shared(next)))
                next += 1
            }
            upstreams.append(
                Upstream(
                    servers: first..<next, balance: upstream.balance, ejectFailures: UInt64(upstream.ejectFailures),
                    ejectTime: upstream.ejectTime, isRetrying: upstream.retryAttempts > 0))
        }
    }

    deinit { servers.deallocate() }

    subscript(server: Int) -> Server {
        @inline(__always) get { servers[server] }
    }

    var indices: Range<Int> { 0..<count }

    /// An upstream's servers.
    @inline(__always)
    func of(_ upstream: Int) -> Range<Int> { upstreams[upstream].servers }

    /// The upstream that a server belongs to.
    @inline(__always)
    func upstream(_ server: Int) -> Int { Int(servers[server].upstream) }

    // MARK: What a server has to do

    @inline(__always)
    mutating func exchangeBegins(_ server: Int) { servers[server].activeCount += 1 }

    @inline(__always)
    mutating func exchangeEnds(_ server: Int) { servers[server].activeCount -= 1 }

    mutating func addMultiplexed(_ slot: UpstreamSlot, to server: Int, _ connections: borrowing Slab<UpstreamConnection>) {
        servers[server].multiplexed.prepend(slot, connections)
    }

    mutating func removeMultiplexed(_ slot: UpstreamSlot, from server: Int, _ connections: borrowing Slab<UpstreamConnection>) {
        servers[server].multiplexed.remove(slot, connections)
    }

    // MARK: Addresses

    /// The server is given by name: `generation` says which of its addresses hold.
    mutating func setAddresses(_ server: Int, generation: UnsafePointer<UInt64>) {
        servers[server].addressGeneration = generation
    }

    /// Whose turn it is among a name's addresses; nil where there is no name.
    mutating func nextAddressTurn(_ server: Int) -> UInt32? {
        guard servers[server].addressGeneration != nil else { return nil }
        servers[server].addressTurn &+= 1
        return servers[server].addressTurn
    }

    /// Which generation of its name's addresses holds; nil where there is no name.
    @inline(__always)
    func addressGeneration(_ server: Int) -> UInt64? { servers[server].addressGeneration.map { so_load_ordered($0) } }

    // MARK: Quarantine

    @inline(__always)
    func isQuarantined(_ server: Int, _ now: UInt64) -> Bool { so_load(&servers[server].shared.pointee.quarantinedUntil) > now }

    /// Ends at this time on the loop's clock, if the server is in quarantine.
    func quarantinedUntil(_ server: Int) -> UInt64 { so_load(&servers[server].shared.pointee.quarantinedUntil) }

    /// Each connection of the server serves one exchange until then. True when its quarantine begins, false when it goes on.
    mutating func quarantine(_ server: Int, until: UInt64, _ now: UInt64) -> Bool {
        let was = quarantinedUntil(server)
        so_store(&servers[server].shared.pointee.quarantinedUntil, until)
        return was <= now
    }
}
