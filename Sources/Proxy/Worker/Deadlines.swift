import EventLoop

/// What a worker waits for by time. Each deadline has a place of its own in one timer wheel:
///
///     clients │ connections to upstreams │ drain, hang-ups, queues, surplus of streams │ servers │ access log
struct Deadlines: ~Copyable {
    enum Deadline: Equatable {
        /// What a connection or stream is waited for: its phase says what that is.
        case client(ClientSlot)
        case upstream(UpstreamSlot)
        /// Whoever is still being served is cut off.
        case drain
        /// Hang-ups have waited long enough for others that came with them.
        case hangups
        case queues
        /// Bytes on closed streams have been collected for long enough.
        case streamSurplus
        /// A server's quarantine ends.
        case server(ServerIndex)
        /// Lines of the access log have waited long enough for others.
        case access
    }

    private var wheel: TimerWheel
    private let firstUpstream: Int32
    private let firstOwn: Int32
    private let servers: Int32

    init(clients: Int, upstreams: Int, servers: Int, now: UInt64) {
        firstUpstream = Int32(clients)
        firstOwn = Int32(clients + upstreams)
        self.servers = Int32(servers)
        wheel = TimerWheel(capacity: clients + upstreams + servers + 5, now: now)
    }

    /// The place of a deadline in the wheel.
    @inline(__always)
    func timer(_ deadline: Deadline) -> Int32 {
        switch deadline {
        case .client(let slot): slot.index
        case .upstream(let slot): firstUpstream + slot.index
        case .drain: firstOwn
        case .hangups: firstOwn + 1
        case .queues: firstOwn + 2
        case .streamSurplus: firstOwn + 3
        case .server(let server): firstOwn + 4 + Int32(server.place)
        case .access: firstOwn + 4 + servers
        }
    }

    /// What stands at a place of the wheel.
    func meaning(of timer: Int32) -> Deadline {
        if timer < firstUpstream { return .client(ClientSlot(timer)) }
        if timer < firstOwn { return .upstream(UpstreamSlot(timer - firstUpstream)) }
        switch timer - firstOwn {
        case 0: return .drain
        case 1: return .hangups
        case 2: return .queues
        case 3: return .streamSurplus
        case let place where place < 4 + servers: return .server(ServerIndex(Int(place) - 4))
        default: return .access
        }
    }

    // MARK: The wheel

    /// The place is in use from now on, without a deadline.
    @inline(__always) mutating func open(_ timer: Int32) { wheel.open(timer) }
    @inline(__always) mutating func close(_ timer: Int32) { wheel.close(timer) }
    @inline(__always) mutating func set(_ timer: Int32, _ deadline: UInt64) { wheel.set(timer, deadline) }
    /// When it is due; 0 when none is set.
    @inline(__always) func deadline(_ timer: Int32) -> UInt64 { wheel.deadline(timer) }

    /// When the next one may be due, the end of time when there is none; and how many milliseconds that is from now, -1 for never.
    var due: UInt64 { wheel.due }
    static func milliseconds(until due: UInt64, now: UInt64) -> Int { TimerWheel.milliseconds(until: due, now: now) }

    /// The next that is due.
    mutating func expire(now: UInt64) -> Deadline? {
        guard let timer = wheel.expire(now: now) else { return nil }
        return meaning(of: timer)
    }
}
