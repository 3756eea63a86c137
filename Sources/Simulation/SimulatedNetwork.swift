import CShim
import EventLoop
import Glibc

/// A kernel, a network and a clock in memory: the worker's system calls on one side, scripted peers on the other.
///
/// Time passes while the worker waits, and a little with each of its system calls, so that packets arrive between any two of
/// them. Everything is decided by the seed and by what the peers do. One thread.
public final class SimulatedNetwork: SimulatedKernel {
    /// Nanoseconds since the Unix epoch; the loop's clock and the wall clock alike.
    public private(set) var time: UInt64
    public var random: SeededNumbers
    /// A system call takes up to so long.
    public var callNanoseconds: UInt64 = 2_000
    /// Now and then (per mille of the calls) the worker's thread loses its core for up to so long.
    public var preemptionsPerMille = 0
    public var preemptionNanoseconds: UInt64 = 3_000_000
    /// System calls so far.
    public private(set) var calls = 0
    private var wakeUpLoss = WakeUpLoss()
    /// Wake-ups reported to the worker so far.
    public var wakeUps: Int { wakeUpLoss.wakeUps }
    /// Which one is to be lost: for proving that a lost one is noticed.
    public var lostWakeUp: Int? {
        get { wakeUpLoss.lost }
        set { wakeUpLoss.lost = newValue }
    }
    /// What was lost, in words.
    public var lostWakeUpFacts: String { wakeUpLoss.facts }
    /// The lost wake-up was needed, and no later one has made up for it.
    public var isLostForGood: Bool { wakeUpLoss.isForGood }
    /// The last wait ended because nothing will ever happen again.
    public private(set) var isQuiet = false

    /// Is told of each connection that is begun, by its address.
    public var connects: ((String) -> Void)?
    /// Connects that were refused, by address.
    public private(set) var refusedConnects: [String: Int] = [:]
    private var agenda = Agenda()
    var services: [String: Service] = [:]
    private var descriptors = SimulatedDescriptors()
    private var listeners: [Int32: SimulatedListener] = [:]
    private var pipes = SimulatedPipes()
    public var troubles = KernelTroubles()
    /// What pipes hold: a user may have few large ones.
    public var pipeCapacities = [1000, 4 << 10, 64 << 10, 256 << 10]
    /// Splices take less than there is in so many of a thousand cases.
    public var shortSplicesPerMille = 200
    /// One a thread; the first is that of whoever uses the network as its kernel.
    var polls = [SimulatedPoll()]
    private var isInterrupted = false

    private var everySocket: [SimulatedSocket] = []
    private var clientPort: UInt16 = 1024

    public init(seed: UInt64, startingAt time: UInt64 = 1_700_000_000_000_000_000) {
        random = SeededNumbers(seed: seed)
        self.time = time
    }

    deinit { for socket in everySocket { socket.unlink() } }

    // MARK: The far side

    /// Puts an action down for later.
    public func after(_ nanoseconds: UInt64, _ action: @escaping () -> Void) { agenda.add(time + nanoseconds, .action(action)) }

    public func at(_ time: UInt64, _ action: @escaping () -> Void) { agenda.add(max(time, self.time), .action(action)) }

    /// A listening socket for the worker.
    public func makeListener() -> Int32 {
        let fd = descriptors.open()
        listeners[fd] = SimulatedListener(descriptor: fd, SimulatedBacklog())
        return fd
    }

    /// Another descriptor of a listening socket.
    public func duplicate(_ listener: Int32) -> Int32 {
        guard let backlog = listeners[listener]?.backlog else { preconditionFailure("no listening socket") }
        let fd = descriptors.open()
        listeners[fd] = SimulatedListener(descriptor: fd, backlog)
        return fd
    }

    /// The wait that is going on ends, without an event.
    public func interrupt() { isInterrupted = true }

    /// Called when what happens is others' doing, in the middle of a worker's turn, and when it is the worker's again.
    public var peersAct: ((Bool) -> Void)?

    /// Whether anything is still to happen by itself.
    public var hasMore: Bool { !agenda.isEmpty }

    /// Lets happen what is next, when nobody waits any more.
    public func advance() { if !agenda.isEmpty { happen() } }

    /// A client connects to one of the worker's listening sockets. Returns the port that it comes from.
    @discardableResult
    public func connect(_ peer: SimulatedPeer, to listener: Int32, over link: Link) -> UInt16 {
        let near = SimulatedSocket(self, link: link, descriptor: descriptors.open())
        let far = SimulatedSocket(self, link: link)
        let backlog = listeners[listener]?.backlog
        join(near, far, peer)
        clientPort &+= 1
        let port = clientPort
        after(link.isUnix ? 0 : link.latency + random.upTo(link.jitter)) { [unowned self] in
            guard let backlog, !backlog.listeners.isEmpty else {
                descriptors.close(near.descriptor)
                far.decideConnect(error: ECONNREFUSED)
                return peer.refused(ECONNREFUSED)
            }
            near.isEstablished = true
            descriptors[near.descriptor] = near
            backlog.waiting.append((near, port))
            wake(backlog)
            after(link.isUnix ? 0 : link.latency) {
                guard !far.isClosed, !far.isDead else { return }
                far.isEstablished = true
                peer.begin()
            }
        }
        return port
    }

    private func join(_ near: SimulatedSocket, _ far: SimulatedSocket, _ peer: SimulatedPeer) {
        near.other = far
        far.other = near
        far.peer = peer
        peer.socket = far
        everySocket.append(near)
        everySocket.append(far)
    }

    func add(after nanoseconds: UInt64, _ happening: Happening) { agenda.add(time + nanoseconds, happening) }

    func add(at time: UInt64, _ happening: Happening) { agenda.add(max(time, self.time), happening) }

    /// The worker's open descriptors, its listening sockets included, and no pipes.
    public var openDescriptors: Int { descriptors.sockets.count + listeners.count }

    // MARK: Time

    /// Lets a system call's time pass, and what happens meanwhile happen.
    private func call() {
        calls += 1
        var passes = random.upTo(callNanoseconds)
        if preemptionsPerMille > 0, random.chance(perMille: preemptionsPerMille) {
            passes += random.upTo(preemptionNanoseconds)
        }
        advance(to: time + passes)
    }

    /// Lets time pass while nobody waits.
    public func advance(to target: UInt64) {
        while let next = agenda.firstTime, next <= target { happen() }
        time = max(time, target)
    }

    private func happen() {
        peersAct?(true)
        defer { peersAct?(false) }
        let item = agenda.takeFirst()
        time = max(time, item.time)
        switch item.happening {
        case .connectRequest(let socket): serveConnect(socket)
        case .connectDecision(let socket, let error): socket.decideConnect(error: error)
        case .segment(let socket, let bytes, let acknowledges): socket.arrive(bytes, acknowledges: acknowledges)
        case .end(let socket): socket.arriveEnd()
        case .reset(let socket): socket.arriveReset()
        case .acknowledgement(let socket, let count): socket.acknowledge(count)
        case .acknowledgementDue(let socket): socket.acknowledgeIfDue()
        case .window(let socket):
            socket.transmit()
            socket.reportSpace()
        case .writeSpace(let socket): socket.reportSpace()
        case .action(let action): action()
        }
    }

    // MARK: Readiness

    func wake(_ socket: SimulatedSocket) {
        guard socket.isRegistered, !socket.isInReadyList else { return }
        guard wakeUpLoss.passes(socket) else { return }
        polls[socket.poll].ready.add(socket)
    }

    private func wake(_ backlog: SimulatedBacklog) {
        for listener in backlog.listeners where listener.isRegistered { polls[listener.poll].ready.add(listener) }
    }

    // MARK: System calls

    public override func wait(_ events: UnsafeMutablePointer<so_event>, _ capacity: Int, milliseconds: Int) -> Int {
        wait(events, capacity, milliseconds: milliseconds, poll: 0)
    }

    func wait(_ events: UnsafeMutablePointer<so_event>, _ capacity: Int, milliseconds: Int, poll: Int) -> Int {
        wait(milliseconds, poll) {
            let reported = polls[poll].ready.report(events, capacity)
            return troubles.disturb(events, reported, capacity, &random) { descriptors.sockets.filter { $0.poll == poll } }
        }
    }

    /// Ends early, with nothing to report, when another thread has something to do. Time passes when all wait.
    func wait(_ milliseconds: Int, _ poll: Int, report: () -> Int) -> Int {
        call()
        isQuiet = false
        polls[poll].deadline = milliseconds < 0 ? UInt64.max : time + UInt64(milliseconds) * 1_000_000
        polls[poll].isWaiting = false
        if random.chance(perMille: troubles.emptyWaitsPerMille) { return 0 }
        var isFirst = true
        while true {
            let count = report()
            if count > 0 {
                polls[poll].isWaiting = false
                return count
            }
            if polls.count > 1, !mayWait(poll, isFirst) { return 0 }
            isFirst = false
            guard !isInterrupted, let next = agenda.firstTime, next <= deadline else { break }
            happen()
        }
        if isInterrupted {
            isInterrupted = false
            polls[poll].isWaiting = false
        } else if deadline == .max {
            isQuiet = true
        } else {
            time = max(time, deadline)
            for place in polls.indices where polls[place].deadline <= time { polls[place].isWaiting = false }
        }
        return 0
    }

    public override func poll(_ entries: UnsafeMutablePointer<pollfd>, _ count: Int, milliseconds: Int) -> Int {
        poll(entries, count, milliseconds: milliseconds, poll: 0)
    }

    public override func now() -> UInt64 { time }
    public override func wallClock() -> UInt64 { troubles.wallClock(at: time) }

    public override func recv(_ fd: Int32, _ p: UnsafeMutableRawPointer, _ count: Int, peek: Bool) -> Int {
        call()
        return socket(fd).recv(p, count, peek: peek)
    }

    public override func sendv(_ fd: Int32, _ vectors: UnsafeMutablePointer<iovec>, _ count: Int) -> Int {
        call()
        return socket(fd).sendv(vectors, count)
    }

    public override func pipe(_ ends: UnsafeMutablePointer<Int32>, bytes: Int) -> Int32 {
        call()
        if let error = troubles.exhaustion(&random) { return error }
        ends[0] = descriptors.open()
        ends[1] = descriptors.open()
        pipes.open(ends[0], ends[1], capacity: min(bytes, random.pick(pipeCapacities)))
        return 0
    }

    public override func splice(from: Int32, to: Int32, _ count: Int) -> Int {
        call()
        let most = random.chance(perMille: shortSplicesPerMille) ? 1 + random.below(count) : count
        return pipes.isPipe(to) ? pipes.fill(to, most, from: socket(from)) : pipes.empty(from, most, into: socket(to))
    }

    public override func accept(_ fd: Int32, _ address: UnsafeMutablePointer<sockaddr_storage>) -> Int32 {
        call()
        guard let listener = listeners[fd] else { preconditionFailure("accept on no listening socket") }
        guard !listener.backlog.waiting.isEmpty else { return -EAGAIN }
        if let error = troubles.exhaustion(&random) { return error }
        return listener.backlog.takeFirst(address).descriptor
    }

    public override func connect(_ address: borrowing SocketAddress, isConnected: inout Bool) -> Int32 {
        call()
        connects?(address.description)
        guard let service = services[address.description] else { return -ECONNREFUSED }
        if let error = troubles.exhaustion(&random) { return error }
        let fd = descriptors.open()
        switch service {
        case .accepts(let make):
            peersAct?(true)
            let (peer, link) = make(self)
            peersAct?(false)
            let near = SimulatedSocket(self, link: link, descriptor: fd)
            join(near, SimulatedSocket(self, link: link), peer)
            descriptors[fd] = near
            if link.isUnix {
                near.isEstablished = true
                isConnected = true
                near.other!.isEstablished = true
                add(after: 0, .action { peer.begin() })
            } else {
                add(after: link.latency + random.upTo(link.jitter), .connectRequest(near))
            }
        case .refuses(let error, let link):
            refusedConnects[address.description, default: 0] += 1
            let near = SimulatedSocket(self, link: link, descriptor: fd)
            descriptors[fd] = near
            add(after: 2 * link.latency + random.upTo(link.jitter), .connectDecision(near, error: error))
        case .silent(let link):
            descriptors[fd] = SimulatedSocket(self, link: link, descriptor: fd)
        }
        return fd
    }

    public override func hasRoute(to address: borrowing SocketAddress) -> Bool { troubles.hasRoute(to: address) }

    public override func takeError(_ fd: Int32) -> Int32 {
        call()
        return socket(fd).takeError()
    }

    public override func close(_ fd: Int32, reset: Bool) {
        call()
        if let listener = listeners.removeValue(forKey: fd) {
            listener.isRegistered = false
            listener.backlog.listeners.removeAll { $0 === listener }
            // Clients that nobody has accepted are reset.
            for (socket, _) in listener.backlog.waiting where listener.backlog.listeners.isEmpty {
                socket.close(reset: true)
                descriptors.close(socket.descriptor)
            }
            descriptors.close(fd)
            return
        }
        if pipes.close(fd) { return descriptors.close(fd) }
        let socket = socket(fd)
        socket.isRegistered = false
        socket.close(reset: reset)
        descriptors.close(fd)
    }

    public override func shutdownWrite(_ fd: Int32) {
        call()
        socket(fd).shutdownWrite()
    }

    public override func unacknowledged(_ fd: Int32) -> Int32 {
        call()
        return Int32(socket(fd).unacknowledgedBytes)
    }

    public override func bytesAcknowledged(_ fd: Int32) -> Int64 {
        call()
        return socket(fd).acknowledgedBytes
    }

    public override func register(_ fd: Int32, tag: UInt64) -> Int32 { register(fd, tag: tag, poll: 0) }

    func register(_ fd: Int32, tag: UInt64, poll: Int) -> Int32 {
        call()
        if let listener = listeners[fd] {
            precondition(!listener.isRegistered, "registered twice")
            listener.tag = tag
            listener.poll = poll
            listener.isRegistered = true
            if !listener.backlog.waiting.isEmpty { polls[poll].ready.add(listener) }
            return 0
        }
        let socket = socket(fd)
        precondition(!socket.isRegistered, "registered twice")
        socket.tag = tag
        socket.poll = poll
        socket.isRegistered = true
        // What is there already is reported, but a worker may as well look by itself: it is no edge that can be lost.
        if socket.pollFlags != 0, !socket.isInReadyList { polls[poll].ready.add(socket) }
        return 0
    }

    public override func unregister(_ fd: Int32) {
        if let listener = listeners[fd] {
            listener.isRegistered = false
        } else {
            polls[socket(fd).poll].ready.remove(socket(fd))
            socket(fd).isRegistered = false
        }
    }

    // MARK: Descriptors

    func socket(_ fd: Int32) -> SimulatedSocket {
        guard let socket = descriptors[fd] else {
            preconditionFailure("a system call on descriptor \(fd), which is not open")
        }
        return socket
    }
}
