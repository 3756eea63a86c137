import EventLoop
import Glibc
import HTTP2
import TLS

/// One server's active check: when the next is due, and the one in progress. Lives on the watch's thread.
///
///     resting ──due──▶ connecting ─▶ asking ──answer's head, or a failure, or the time is over──▶ resting
struct HealthCheck {
    enum Outcome: Equatable {
        case unfinished, healthy
        case unhealthy(String)
        /// No connection could be made. Its server may have another address: `connect`.
        case unreachable(String)
        /// It could not be made, for want of something of our own: that says nothing of the server.
        case unmade(String)
    }

    private enum Phase { case resting, connecting, asking }

    /// Reads before other checks have their turn, however much there is.
    static let readsPerTurn = 16

    let place: ServerIndex
    let upstream: Int
    let server: Int
    let health: Plan.Health
    var record: HealthRecord
    /// Whose turn it is of its server's addresses, and which of them is asked.
    var addressTurn: UInt32 = 0
    var addressPlace = 0
    var addressGeneration: UInt64 = 0
    /// The last one could not be made.
    var isUnmade = false
    private let kernel: Kernel
    /// In HTTP/1's form.
    private let head: [UInt8]
    private var request: [UInt8] = []
    private var phase = Phase.resting
    private var dueAt: UInt64
    private var deadline: UInt64 = 0
    private(set) var descriptor: Int32 = -1
    /// Bytes for the server, and how many of them it has taken.
    private var outgoing: [UInt8] = []
    private var sent = 0
    private var answer = HealthAnswer()
    /// Nil for cleartext.
    private let tls: HealthCheckTLS?
    /// Nil for HTTP/1.
    private let frames: HTTP2Limits?

    init(
        place: ServerIndex, upstream: Int, server: Int, health: Plan.Health, host: String, tls: HealthCheckTLS?,
        frames: HTTP2Limits?, kernel: Kernel, now: UInt64
    ) {
        self.kernel = kernel
        self.tls = tls
        self.frames = frames
        self.place = place
        self.upstream = upstream
        self.server = server
        self.health = health
        record = HealthRecord(unhealthyAfter: health.unhealthyAfter, healthyAfter: health.healthyAfter)
        dueAt = now
        head = Array(
            "GET \(health.path) HTTP/1.1\r\nHost: \(host)\r\nUser-Agent: sendonce-health\r\nConnection: close\r\n\r\n".utf8)
    }

    /// When it has to be looked at again, whatever its socket does.
    var wakesAt: UInt64 { phase == .resting ? dueAt : deadline }

    var interest: Int16 { phase == .asking && sent == outgoing.count ? Int16(POLLIN) : Int16(POLLOUT) }

    func isDue(_ now: UInt64) -> Bool { phase == .resting && now >= dueAt }

    mutating func begin(_ address: SocketAddress, now: UInt64) -> Outcome {
        dueAt = now + health.interval
        deadline = now + health.timeout
        let stream = frames.flatMap { HealthStream($0) }
        request = frames == nil ? head : stream?.request(head, isTLS: tls != nil) ?? []
        guard !request.isEmpty else { return .unmade("no memory for HTTP/2") }
        answer = HealthAnswer(stream)
        return connect(address)
    }

    /// Asks at this address. Again, within the same time, where another was unreachable.
    mutating func connect(_ address: SocketAddress) -> Outcome {
        outgoing = tls == nil ? request : []
        sent = 0
        var isConnected = false
        let result = kernel.connect(address, isConnected: &isConnected)
        guard result >= 0 else { return Self.failed(-result, isConnecting: true) }
        descriptor = result
        phase = .connecting
        return isConnected ? advance() : .unfinished
    }

    /// Its socket is ready.
    mutating func advance() -> Outcome {
        if phase == .connecting {
            let error = kernel.takeError(descriptor)
            guard error == 0 else { return ended(Self.failed(error, isConnecting: true)) }
            phase = .asking
            if let failure = tls?.begin(request, &outgoing) { return ended(.unmade(failure)) }
        }
        let outcome = write()
        return outcome == .unfinished && sent == outgoing.count ? read() : outcome
    }

    private mutating func write() -> Outcome {
        while sent < outgoing.count {
            let n = outgoing.withUnsafeBytes { kernel.send(descriptor, $0.baseAddress! + sent, outgoing.count - sent) }
            if n == -Int(EAGAIN) { return .unfinished }
            guard n > 0 else { return ended(Self.failed(Int32(-n))) }
            sent += n
        }
        return .unfinished
    }

    private mutating func read() -> Outcome {
        // Its socket is ready as long as there is more.
        for _ in 0..<Self.readsPerTurn {
            let (n, verdict) = withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 4096) { space in
                let n = kernel.recv(descriptor, space.baseAddress!, 4096)
                guard n > 0 else { return (n, HealthAnswer.Verdict.unfinished) }
                let bytes = UnsafeBufferPointer(start: space.baseAddress!, count: n)
                guard let tls else { return (n, answer.receive(bytes)) }
                return (n, tls.receive(bytes, &outgoing, into: &answer, now: kernel.now()))
            }
            if n == -Int(EAGAIN) { return .unfinished }
            if n == 0 { return ended(.unhealthy("it hung up without an answer")) }
            guard n > 0 else { return ended(Self.failed(Int32(-n))) }
            switch verdict {
            case .unfinished:
                let outcome = write()
                if outcome != .unfinished || sent < outgoing.count { return outcome }
            case .healthy: return ended(.healthy)
            case .unhealthy(let reason): return ended(.unhealthy(reason))
            }
        }
        return .unfinished
    }

    /// The time for this check is over, if it is.
    mutating func expire(_ now: UInt64) -> Outcome {
        guard phase != .resting, now >= deadline else { return .unfinished }
        return ended(.unhealthy(missed))
    }

    private var missed: String {
        if phase == .connecting { return "no connection in time" }
        return tls.map { $0.isOpen } ?? true ? "no answer in time" : "no TLS handshake in time"
    }

    mutating func stop() {
        tls?.end()
        if descriptor >= 0 { kernel.close(descriptor) }
        descriptor = -1
        phase = .resting
    }

    private mutating func ended(_ outcome: Outcome) -> Outcome {
        stop()
        return outcome
    }

    /// A system call's error: it may be nobody's fault but our own.
    private static func failed(_ error: Int32, isConnecting: Bool = false) -> Outcome {
        let text = String(cString: strerror(error)).lowercased()
        if Kernel.isOutOfResources(-error) || error == EADDRNOTAVAIL { return .unmade(text) }
        // Whoever resets a connection has taken it.
        return isConnecting && error != ECONNRESET ? .unreachable(text) : .unhealthy(text)
    }
}
