import CShim
import Configuration
import Detector
import EventLoop
import HTTP1
import Logging
import Report
import Routing
import Wire

/// One event loop with all that it owns: connections, pools, timers, buffers. Made and run on one thread, shared with nobody.
///
/// Its methods stand in files by what they deal with, and the files in storeys (ARCHITECTURE.md): each calls only what stands with it or
/// below. A pump (reading a connection and acting on it) never runs inside another: it queues.
public struct Worker: ~Copyable {
    /// Reads of one connection before others have their turn.
    static let readsPerTurn = 16
    /// Facts of one connection (messages, frames, chunks) that are acted on before others have their turn: however small a peer makes
    /// them, it has no more of the worker's time.
    static let stepsPerTurn = 128

    let kernel: Kernel
    var loop: Loop
    let plan: Plan
    var router: Router
    /// By route.
    let routeActions: UnsafeMutablePointer<RouteActions>
    let fleetState: FleetState
    let counters: WorkerCounters
    let index: Int

    /// Nanoseconds on the loop's clock, read once a turn.
    var now: UInt64
    var clients: Slab<ClientConnection>
    var upstreams: Slab<UpstreamConnection>
    var exchanges: Slab<Exchange>
    var timers: Deadlines
    var transport: Transport
    var requestBlock: HeaderBlock
    var responseBlock: HeaderBlock
    var outbox = Outbox()
    var logLimits = LogLimits()
    let scratch: HeadScratch
    var servers: ServerSet
    var connectionPool = ConnectionPool()
    var waitQueues: WaitQueues
    var retries: Retries
    var multiplexing = Multiplexing()
    var listeners = Listeners()
    /// What no answer accounts for, or may turn out to be so.
    var surplus = SurplusCollections<FinishedExchange>()
    /// For the access log.
    var access: AccessNotes
    /// Connections that hung up suspiciously soon.
    var hangups = Hangups<EndedConnection>()
    /// What each sort of request is usually answered with.
    var habits = Habits()
    var random: RandomNumbers
    var departure = Departure()
    package var isStopped: Bool { departure.hasEnded }
    /// Descriptors had run out: before this time nobody is called for another connection.
    var descriptorsLackUntil: UInt64 = 0

    /// nil when the memory cannot be reserved.
    package init?(index: Int, kernel: Kernel, poll: Int32, plan: Plan, fleetState: FleetState, seed: UInt64) {
        // Connections that are only watched count as well, so there is room beyond the limit.
        // Streams have places of their own. Memory that is only reserved costs nothing.
        let exchangeCapacity = plan.limits.clientConnections + 64 * plan.limits.streams
        let streamCapacity = plan.upstreams.contains { $0.protocol.sharesConnections } ? exchangeCapacity : 0
        let upstreamCapacity = plan.upstreams.reduce(0) { $0 + $1.servers.count * $1.connectionsMax } + 1024 + streamCapacity
        guard let clients = Slab<ClientConnection>(capacity: plan.limits.clientConnections + exchangeCapacity),
            let upstreams = Slab<UpstreamConnection>(capacity: upstreamCapacity),
            let exchanges = Slab<Exchange>(capacity: exchangeCapacity)
        else { return nil }
        timers = Deadlines(
            clients: clients.capacity, upstreams: upstreams.capacity, servers: fleetState.serverCount, now: kernel.now())
        self.clients = clients
        self.upstreams = upstreams
        self.exchanges = exchanges
        self.index = index
        self.kernel = kernel
        loop = Loop(kernel: kernel, poll: poll)
        self.plan = plan
        self.fleetState = fleetState
        counters = fleetState.counters[index]
        router = Router(plan.routes.map(\.rule), bytesMax: plan.limits.headerBytes + Router.addedBytesMax)
        let headBytesMax = max(plan.limits.headerBytes, plan.limits.answerHeaderBytes)
        now = kernel.now()
        requestBlock = HeaderBlock(capacity: plan.limits.headerCount)
        responseBlock = HeaderBlock(capacity: plan.limits.answerHeaderCount)
        transport = Transport(
            kernel: kernel, counters: counters, headBytesMax: headBytesMax, usesTLS: plan.usesTLS, captures: fleetState.captures
        )
        routeActions = .allocate(capacity: max(plan.routes.count, 1))
        for (i, route) in plan.routes.enumerated() {
            (routeActions + i).initialize(to: RouteActions(route, route.upstream < 0 ? nil : plan.upstreams[route.upstream]))
        }
        let addedMax = plan.routes.reduce(0) { max($0, $1.responseFields?.lines.count ?? 0) }
        scratch = HeadScratch(capacity: headBytesMax + 4096 + addedMax)
        random = RandomNumbers(seed: seed)
        servers = ServerSet(plan.upstreams) { fleetState.shared($0) }
        for server in servers.indices {
            let upstream = plan.upstreams[servers.upstream(server)]
            connectionPool.addServer(
                servers[server].shared, connectionsMax: upstream.connectionsMax, idleMax: upstream.idleMax)
        }
        waitQueues = WaitQueues(
            upstreams: plan.upstreams.count, servers: servers.count, room: fleetState.waitingRoom, worker: index)
        retries = Retries(upstreams: plan.upstreams.count)
        access = AccessNotes(fleetState.accessLog.map { AccessJournal($0, plan: plan) })
        timers.open(hangupTimer)
        timers.open(streamSurplusTimer)
        timers.open(queueTimer)
        timers.open(timers.timer(.access))
        for server in servers.indices {
            if let addresses = fleetState.addresses(server) {
                servers.setAddresses(server, generation: addresses.generationWord)
            }
            timers.open(serverTimer(server))
            // A quarantine that an earlier plan's workers have begun.
            let until = servers.quarantinedUntil(server)
            if until > now { timers.set(serverTimer(server), until) }
        }
    }

    deinit { routeActions.deallocate() }

    // MARK: Tags

    func clientTag(_ slot: ClientSlot) -> EventTag { EventTag(.client, generation: clients.generation(slot), slot: slot.index) }
    func upstreamTag(_ slot: UpstreamSlot) -> EventTag {
        EventTag(.upstream, generation: upstreams.generation(slot), slot: slot.index)
    }

    mutating func queueClient(_ slot: ClientSlot) {
        guard !clients[slot].pointee.socket.isQueued else { return }
        clients[slot].pointee.socket.isQueued = true
        loop.queue(clientTag(slot))
    }

    mutating func queueUpstream(_ slot: UpstreamSlot) {
        guard !upstreams[slot].pointee.socket.isQueued else { return }
        upstreams[slot].pointee.socket.isQueued = true
        loop.queue(upstreamTag(slot))
    }
}
