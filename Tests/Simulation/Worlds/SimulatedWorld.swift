import Detector
import EventLoop
import Logging
import Proxy
import Report
import Simulation

/// One world: clients, the proxy's worker, upstreams, and a network between them, all made from a seed and run until
/// nothing can happen any more. Seeds that are even make innocent worlds, odd ones have upstreams that send what they must not.
public final class SimulatedWorld {
    public let seed: UInt64
    public let sort: WorldSort
    private let reduction: Reduction
    var random: SeededNumbers
    let weather: Weather
    let speech: Speech
    let outages: [ServerOutage]
    /// nil: nobody is checked.
    var health: Health?
    var watches: [Watch] = []
    /// nil: servers are given by their addresses.
    var names: Names?
    /// What decides of how names are looked up.
    var nameNumbers = SeededNumbers(seed: 0)
    /// What decides of how reloads change the checks.
    var reloadNumbers = SeededNumbers(seed: 0)
    /// Health checks that have reached a server.
    var checks = 0
    /// Connections may fail for want of something of our own, at least for a time.
    private(set) var lacksDescriptors = false
    /// nil: everything is in cleartext.
    let tls: WorldTLS?
    var visitors: [TLSVisitor] = []
    var faultyClients: [FaultyClient] = []
    var faultyRequesters: [FaultyRequester] = []
    var intruders: [TLSIntruder] = []
    var floodings: [Flooding] = []
    /// How often what must happen to faulty clients has been held, by what it was: an oracle that never was is none.
    public private(set) var held: [String: Int] = [:]
    /// Handshakes that have gone on with an earlier session.
    var resumptions = 0
    /// Clients that have reset their connections when the worker may not have been through with their handshakes.
    var handshakesLeft = 0
    /// When servers' processes have died.
    var deaths: [UInt64] = []
    /// Servers that answer no request at the moment, and what all such have done.
    var failing: [Int: ServerOutage.Failing] = [:]
    var requestFailures: [RequestFailure] = []
    /// nil: no marks are given out.
    let probe: ProbeHabits?
    /// Those that have come with requests.
    var marks: Set<String> = []
    let network: SimulatedNetwork
    var stories: [Int: Story] = [:]
    var plans: [ClientPlan] = []
    var upstreams: [ScriptedUpstream] = []
    var expected: [Expected] = []
    var closes = 0
    /// Streams that upstreams have refused, and connections that they have left in good order.
    var refusedStreams = 0
    var goAways = 0
    private var connections = 0
    var streamUpstreams: [StreamUpstream] = []
    var refusals = 0
    var listener: Int32 = -1
    var failures: [String] = []
    var incidents: [Incident] = []
    let plan: Plan
    let metrics: Metrics
    let recorder: IncidentRecorder
    /// The worker that serves, behind those that leave.
    var hands: [Hand] = []
    /// What has happened to workers, and is to happen now.
    let changes: [Change]
    var dueChanges: [Change] = []
    var hasChanged = false
    var hasDrained: Bool { drainEndsAt != nil }
    /// When whoever is still served is cut.
    var drainEndsAt: UInt64?
    public internal(set) var turns = 0
    public var incidentCount: Int { incidents.count }
    /// Takes a line for everything that peers see and do.
    /// Loses this wake-up of the worker, the first being 1: a world must notice.
    public var lostWakeUp: Int? {
        get { network.lostWakeUp }
        set { network.lostWakeUp = newValue }
    }
    /// No connection ended, as announced, before a request that was already on its way.
    public var everyoneWasServed: Bool { stories.values.allSatisfy { $0.outcome != .unserved } }
    public var lostWakeUpFacts: String { network.lostWakeUpFacts }
    public var wakeUps: Int { network.wakeUps }
    /// The lost wake-up was needed, and nothing made up for it.
    public var isLostForGood: Bool { network.isLostForGood }
    /// Nobody goes away in the middle, so that every wake-up serves somebody.
    public var isSteady: Bool {
        weather.isInnocent && weather.upstreamIdleNanoseconds == nil
            && stories.values.allSatisfy { $0.request.abort == nil && $0.answer.start == .afterRequest }
    }
    /// Called with a line for each thing that its peers do and see.
    public var chronicle: ((String) -> Void)?
    private(set) var start: UInt64 = 0
    /// The most bytes of buffers that were lent at once.
    var lentBytesPeak = 0

    /// OpenSSL's memory when the world began, and the most allocations of its in one turn.
    var tlsBytesBefore = 0
    public internal(set) var allocationsPeak = 0

    /// The most system calls of one turn.
    public internal(set) var callsPeak = 0

    /// System calls of a turn that has nothing to do but to accept, and for each connection that it may have work with: in its turn it
    /// is read `Worker.readsPerTurn` times at most, and what each read yields is sent on, or moved through a pipe.
    static let callsMax = 64, callsPerConnectionMax = 3 * 16
    /// What each fact of a connection of HTTP/2 may bring: `Worker.stepsPerTurn`. A request may open a connection that its reset closes.
    var callsPerFramesMax: Int { sort == .clients ? 2 * 128 : 128 }
    /// Incidents that a world is expected to have at the most.
    static let incidentsMax = 512
    /// Turns of the longest world. TLS, which is in some worlds of health too, makes records of some hundred bytes of every frame, floods
    /// are hundreds of kilobytes, and either may arrive byte by byte.
    var turnsMax: Int { [.tls, .health, .tunnels, .names].contains(sort) || sort.hasFaultyClients ? 4_000_000 : 400_000 }

    public init(seed: UInt64, sort: WorldSort = .bytes, _ reduction: Reduction = Reduction()) {
        self.seed = seed
        self.sort = sort
        self.reduction = reduction
        random = SeededNumbers(seed: seed)
        let isInnocent = seed & 1 == 0 || [.outages, .health, .names, .links].contains(sort) || sort.hasFaultyClients
        var weather = Weather(isInnocent: isInnocent, &random)
        // What a sort has beyond what its worlds were at first, so that the others stay as they are.
        var own = SeededNumbers(seed: seed ^ 0x6f77_6e00)
        // Not drawn, so that the other worlds stay as they are.
        if (seed >> 8) % 3 == 0 { (weather.searchedBytes, weather.lastBytes) = (200, 50) }
        if (seed >> 8) % 6 == 0 { weather.tunnelsPerMille = 600 }
        if (seed >> 8) % 4 == 1 { weather.narrowStreams = 1 }
        var speech = Speech()
        let isEither = [.changes, .kernel, .outages, .tls, .health, .requests, .records, .names, .links].contains(sort)
        let framesPerMille =
            switch sort {
            case .frames: 1000
            case .tunnels: 900
            case .clients: 700
            default: isEither ? 500 : 0
            }
        let usesFrames = framesPerMille == 1000 ? true : random.chance(perMille: framesPerMille)
        if usesFrames { speech.useFrames(isInnocent: isInnocent, &random) }
        probe = sort == .marks ? ProbeHabits(&random) : nil
        if sort == .marks {
            weather.useMarks(&random)
            if random.chance(perMille: 300) { speech.useFrames(isInnocent: isInnocent, &random) }
        }
        if sort == .outages { weather.useOutages(&random) }
        if sort.hasFaultyClients { weather.connectionsMax = 1024 }
        if sort == .requests || sort == .records {
            // So that it is known what must come of each request.
            weather.upstreamIdleNanoseconds = nil
            weather.refusesPerMille = 0
            speech.upstreams?.refusesPerMille = 0
            speech.upstreams?.goesAwayPerMille = 0
        }
        if sort == .links {
            weather.useLinks(LinkHabits(&own), hasStreams: speech.upstreams != nil, &own)
            speech.upstreams?.useLinks(&own)
        }
        if sort == .tunnels { speech.useTunnels(&weather, &random) }
        var usesOutages = sort == .outages
        // Not drawn, so that the other worlds stay as they are: a quarter of all tunnels.
        var usesTLS = sort == .tls || sort == .tunnels && (seed >> 8) & 5 == 4
        // The same of those with faulty clients.
        if sort.hasFaultyClients, (seed >> 12) & 3 == 2 || sort == .records { usesTLS = true }
        if sort == .health {
            weather.useHealth(&random)
            usesOutages = random.chance(perMille: 400)
            usesTLS = random.chance(perMille: 150)
        }
        var checksNames = false
        if sort == .names {
            weather.useNames(&random)
            usesTLS = random.chance(perMille: 150)
            names = Names(NameHabits(servers: weather.servers, &random), servers: weather.servers)
            // Not drawn, so that the others stay as they are: two fifths.
            checksNames = (seed >> 22) & 3 == 0 || (seed >> 20) % 5 == 2
            if checksNames { weather.calmChecks() }
        }
        var outages = usesOutages ? ServerOutage.some(servers: weather.servers, &random) : []
        // Not drawn, so that the other worlds stay as they are: a third of all outages.
        if sort == .outages, (seed >> 24) % 3 == 2 {
            outages = ServerOutage.failures(servers: weather.servers, hasStreams: speech.upstreams != nil, &own)
            speech.upstreams?.refusesPerMille = 0
        }
        self.outages = outages
        var tlsHabits = usesTLS ? TLSHabits(&random) : nil
        if [.health, .tunnels, .names].contains(sort) || sort.hasFaultyClients { tlsHabits?.spoilNothing() }
        if sort.hasFaultyClients { tlsHabits?.useClients(&own) }
        if !isInnocent { tlsHabits?.hurryUpstreams() }
        if let tlsHabits { weather.useTLS(tlsHabits) }
        var changes = sort == .changes ? Change.some(isInnocent: isInnocent, &random) : []
        if sort == .health, random.chance(perMille: 300) { changes = Change.reloads(&random) }
        if sort == .tunnels, own.chance(perMille: 250) { changes = Change.some(isInnocent: isInnocent, &own) }
        if let names { changes = names.habits.reloads.map { Change(kind: .reload, after: $0) } }
        self.changes = changes
        if sort == .health {
            let habits = HealthHabits(
                servers: weather.servers, isDrip: weather.upstreamLink.isDrip, usesTLS: tlsHabits?.upstreams != nil,
                outagesEnd: outages.map { $0.after + $0.lasts }.max() ?? 0, &random)
            health = Health(habits, servers: weather.servers)
        }
        if checksNames, let lasts = names?.habits.lasts {
            let habits = HealthHabits(
                servers: weather.servers, isDrip: weather.upstreamLink.isDrip, usesTLS: tlsHabits?.upstreams != nil,
                outagesEnd: lasts, &own)
            health = Health(habits, servers: weather.servers)
        }
        weather.bodyBytesMax = min(weather.bodyBytesMax, speech.bodyBytesMax)
        weather.calm(reduction.without)
        if reduction.without.contains(.chat) { speech.calm() }
        self.weather = weather
        self.speech = speech
        if let tlsHabits {
            let takesFrames = speech.clients != nil || sort == .clients
            // Not drawn, so that the other worlds stay as they are.
            let floods = sort == .tls && isInnocent && (seed >> 16) & 3 == 0
            tls = WorldTLS(tlsHabits, speech, takesFrames: takesFrames, floods: floods, chance: random.next())
        } else {
            tls = nil
        }
        network = SimulatedNetwork(seed: random.next())
        start = network.time
        network.preemptionsPerMille = weather.preemptionsPerMille
        var numbers = SeededNumbers(seed: seed ^ 0x6e61_6d65)
        let habits = names?.habits
        plan = Self.plan(
            weather, speech, probe, tls, health?.habits.settings, hasFaultyClients: sort == .clients,
            servers: { habits?.named($0, at: 0, &numbers) ?? $0 })
        nameNumbers = numbers
        metrics = Metrics(schema: plan.metricsSchema(listeners: ["front"]), version: "simulated")
        recorder = IncidentRecorder(
            metrics: metrics, ring: IncidentRing(capacity: Self.incidentsMax), log: nil,
            limit: IncidentLimit(burst: Self.incidentsMax, perSecond: 0))
        makeTroubles()
        writeScripts()
        writeFaultyScripts(own.next())
        writeFaultyRequests(seed ^ 0x7265_7175)
        writeIntruders(seed ^ 0x7265_636f)
        reloadNumbers = own
    }

    private func makeTroubles() {
        defer { lacksDescriptors = network.troubles.exhaustedPerMille > 0 }
        if sort == .kernel {
            network.troubles = KernelTroubles(&random)
            // Not drawn, so that the other worlds stay as they are.
            network.troubles.clockJumps = seed >> 9 & 1 == 0
        }
        if sort == .tls, random.chance(perMille: 300) {
            network.troubles = KernelTroubles(&random)
            network.troubles.exhaustedPerMille = 0
        }
        if let habits = names?.habits {
            if random.chance(perMille: 300) { network.troubles = KernelTroubles(&random) }
            // What a death does to a request is known only where nothing else may do it.
            if habits.hasDeaths { network.troubles.exhaustedPerMille = 0 }
            network.troubles.lacksIPv6 = habits.lacksIPv6
        }
        if sort == .health, random.chance(perMille: 400) {
            network.troubles = KernelTroubles(&random)
            // What a death does to a request is known only where nothing else may do it.
            if !outages.isEmpty { network.troubles.exhaustedPerMille = 0 }
        }
    }

    private func writeScripts() {
        var writer = ScriptWriter(
            random: SeededNumbers(seed: random.next()), isInnocent: weather.isInnocent, bodyBytesMax: weather.bodyBytesMax,
            searchedBodyMax: weather.searchedBodyMax, tunnelsPerMille: weather.tunnelsPerMille,
            requestsAreStreams: speech.clients != nil,
            answersAreStreams: speech.upstreams != nil, tunnels: weather.tunnels, probe: probe,
            upstreamsUseTLS: tls?.habits.upstreams != nil)
        if weather.links != nil { writer.uploadsPerMille = 300 }
        for client in 0..<weather.clients {
            let count = 1 + random.below(weather.requestsPerClient)
            let made = (0..<count).map { i in
                let request = writer.request((client + 1) * 100 + i, isLast: i == count - 1)
                return Story(request, writer.answer(to: request), self)
            }
            let kept = made.filter { !reduction.omitted.contains($0.id) }
            for story in kept { stories[story.id] = story }
            let plan = ClientPlan(kept, weather.clientLink)
            plan.pipelines = random.chance(perMille: 250) && !reduction.without.contains(.pipelining)
            let mayBeCut = !weather.isInnocent || !outages.isEmpty
            let resets = weather.policy == .fail || made.contains { $0.request.isHTTP10 }
            for story in made { story.mayBeReset = plan.pipelines && resets && mayBeCut }
            // The break of a tunnel overtakes what a client has not read yet of the answers before it.
            if plan.pipelines, let last = made.last?.request, last.asksTunnel, mayBeCut || last.tunnel?.server.end == .reset {
                for story in made { story.mayBeReset = true }
            }
            plan.readsSlowly = random.chance(perMille: 250) && !reduction.without.contains(.slowReaders)
            plan.readPause = random.pick([100_000, 5_000_000])
            plan.halfCloses = random.chance(perMille: 150)
            plan.thinkNanoseconds = random.pick([6_000_000, 300_000_000, 1_000_000_000])
            if speech.clients != nil, sort != .tls || !random.chance(perMille: 250) {
                plan.frames = speech.clients
                plan.streamsAtOnce = 1 + random.below(random.pick([1, 4, 10]))
            }
            if !kept.isEmpty { plans.append(plan) }
        }
        for i in 0..<weather.servers where names == nil {
            let refusing = random.chance(perMille: weather.refusesPerMille) && i > 0
            network.serve(address(i), refusing ? refusal() : service(i))
        }
    }

    func service(_ server: Int, at address: String? = nil) -> SimulatedNetwork.Service {
        .accepts { [unowned self] _ in
            if let check = makeCheck(of: server, at: address) { return (check, weather.upstreamLink) }
            connections += 1
            if let frames = speech.upstreams {
                let upstream = StreamUpstream(self, number: connections, server: server, frames)
                let layer = tls?.upstream(self, number: connections)
                layer?.begins = { [unowned upstream] in upstream.floods($0) }
                upstream.layer = layer
                upstream.lineage = lineage(server, at: address)
                streamUpstreams.append(upstream)
                return (upstream, weather.upstreamLink)
            }
            let upstream = ScriptedUpstream(self, number: connections, server: server)
            let layer = tls?.upstream(self, number: connections)
            layer?.begins = { [unowned upstream] in upstream.floods($0) }
            upstream.layer = layer
            upstream.lineage = lineage(server, at: address)
            upstreams.append(upstream)
            return (upstream, weather.upstreamLink)
        }
    }

    private func refusal() -> SimulatedNetwork.Service {
        refusals += 1
        return .refuses(error: 111, link: weather.upstreamLink)
    }

    // MARK: Reported by the peers

    func hold(_ what: String) { held[what, default: 0] += 1 }

    func fail(_ what: String) {
        if failures.count < 20 { failures.append(what) }
    }

    /// Writes down what happens, when somebody wants to read it.
    func note(_ who: String, _ what: @autoclosure () -> String) {
        guard let chronicle else { return }
        let microseconds = (network.time - start) / 1000
        chronicle("\(microseconds) us  \(who): \(what())")
    }

    /// Gives the place of an incident that must follow, to be confirmed when all that yields it has been sent.
    @discardableResult
    func expect(_ incident: Expected) -> Int {
        expected.append(incident)
        return expected.count - 1
    }

    /// A server floods a connection, on which everything ends.
    func note(_ flooding: Flooding, on peer: SimulatedPeer) {
        closes += 1
        floodings.append(flooding)
        if let socket = peer.socket { flooding.listen(to: socket, network) }
    }

    func mayMiss(_ place: Int) { expected[place].isOptional = true }

    func confirm(_ place: Int) { expected[place].isOptional = false }

    /// An upstream has closed a connection by itself: a request may be on its way to it.
    func noteClose(_ upstream: ScriptedUpstream) { closes += 1 }
}
