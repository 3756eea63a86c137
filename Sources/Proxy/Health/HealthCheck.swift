import CShim
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
    }

    private enum Phase { case resting, connecting, asking }

    let place: ServerIndex
    let upstream: Int
    let server: Int
    let health: Plan.Health
    var record: HealthRecord
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
        frames: HTTP2Limits?,
        isUp: Bool, now: UInt64
    ) {
        self.tls = tls
        self.frames = frames
        self.place = place
        self.upstream = upstream
        self.server = server
        self.health = health
        record = HealthRecord(unhealthyAfter: health.unhealthyAfter, healthyAfter: health.healthyAfter, isUp: isUp)
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
        guard !request.isEmpty else { return .unhealthy("no memory for HTTP/2") }
        answer = HealthAnswer(stream)
        outgoing = tls == nil ? request : []
        sent = 0
        var isConnected = false
        let result = Kernel().connect(address, isConnected: &isConnected)
        guard result >= 0 else { return .unhealthy(Self.text(error: -result)) }
        descriptor = result
        phase = .connecting
        return isConnected ? advance() : .unfinished
    }

    /// Its socket is ready.
    mutating func advance() -> Outcome {
        if phase == .connecting {
            let error = so_take_error(descriptor)
            guard error == 0 else { return ended(.unhealthy(Self.text(error: error))) }
            phase = .asking
            if let failure = tls?.begin(request, &outgoing) { return ended(.unhealthy(failure)) }
        }
        let outcome = write()
        return outcome == .unfinished && sent == outgoing.count ? read() : outcome
    }

    private mutating func write() -> Outcome {
        while sent < outgoing.count {
            let n = outgoing.withUnsafeBytes { so_send(descriptor, $0.baseAddress! + sent, outgoing.count - sent) }
            if n == -Int(EAGAIN) { return .unfinished }
            guard n > 0 else { return ended(.unhealthy(Self.text(error: Int32(-n)))) }
            sent += n
        }
        return .unfinished
    }

    private mutating func read() -> Outcome {
        while true {
            let (n, verdict) = withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 4096) { space in
                let n = so_recv(descriptor, space.baseAddress!, 4096, 0)
                guard n > 0 else { return (n, HealthAnswer.Verdict.unfinished) }
                let bytes = UnsafeBufferPointer(start: space.baseAddress!, count: n)
                guard let tls else { return (n, answer.receive(bytes)) }
                return (n, tls.receive(bytes, &outgoing, into: &answer))
            }
            if n == -Int(EAGAIN) { return .unfinished }
            if n == 0 { return ended(.unhealthy("it hung up without an answer")) }
            guard n > 0 else { return ended(.unhealthy(Self.text(error: Int32(-n)))) }
            switch verdict {
            case .unfinished:
                let outcome = write()
                if outcome != .unfinished || sent < outgoing.count { return outcome }
            case .healthy: return ended(.healthy)
            case .unhealthy(let reason): return ended(.unhealthy(reason))
            }
        }
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
        if descriptor >= 0 { _ = so_close(descriptor) }
        descriptor = -1
        phase = .resting
    }

    private mutating func ended(_ outcome: Outcome) -> Outcome {
        stop()
        return outcome
    }

    private static func text(error: Int32) -> String { String(cString: strerror(error)).lowercased() }
}
