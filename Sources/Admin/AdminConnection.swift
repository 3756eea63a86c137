import CShim
import Glibc
import Report

/// One connection to the endpoint.
///
///     receiving ──head──▶ answering ──sent──▶ receiving (keep-alive) | closed
///                             ├──stream──▶ following ──▶ closed
///                             └──last one──▶ lingering ──▶ closed
///
/// It lingers to read what the client still sends: closing at once would reset the connection, and the answer might be lost.
struct AdminConnection {
    enum Outcome { case stays, closed }

    let descriptor: Int32
    private(set) var stream: IncidentStream?
    private var received: [UInt8] = []
    private var unsent: [UInt8] = []
    private var sentCount = 0
    private var closesWhenSent = false
    private var isLingering = false
    private var hasAnswered = false
    private var isLeaving = false
    /// What has been received is no whole head yet.
    private var isIncomplete = false
    /// It has made no progress for the whole of its time; what is nearest to it makes room first.
    private(set) var deadline: UInt64
    private var heartbeat: UInt64 = 0

    init(descriptor: Int32, now: UInt64) {
        self.descriptor = descriptor
        deadline = now + AdminLimit.timeoutNanoseconds
    }

    private var hasUnsent: Bool { sentCount < unsent.count }

    /// A request may have come with one that has been answered, and be next: it needs nothing of the socket, but a turn.
    var hasMore: Bool { !received.isEmpty && !isIncomplete && !hasUnsent && stream == nil && !isLingering }

    /// What to poll for. Nothing is read while an answer waits to be taken, so a client cannot heap up answers.
    var interest: Int16 { Int16(hasUnsent ? POLLOUT : hasMore ? 0 : POLLIN) }

    /// When this connection wants to be looked at, at the latest.
    var wakeTime: UInt64 { stream != nil && !hasUnsent ? heartbeat : deadline }

    /// The endpoint ends: what has been asked, or is about to be on a new connection, is still answered.
    mutating func leave() -> Outcome {
        isLeaving = true
        return stream != nil || hasAnswered && received.isEmpty && !hasUnsent ? .closed : .stays
    }

    /// Something has happened on the socket, or there is more to answer. At most one request is answered: then others have their turn.
    mutating func attend(_ routes: AdminRoutes, mayStream: Bool, now: UInt64) -> Outcome {
        if hasUnsent { return sendRest(routes, now: now) }
        if hasMore { return answer(routes, mayStream: mayStream, now: now) }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = unsafe so_recv(descriptor, &buffer, buffer.count, 0)
        if count == -Int(EAGAIN) || count == -Int(EINTR) { return .stays }
        guard count > 0 else { return .closed }
        if stream != nil || isLingering { return .stays }  // nothing more is asked of us
        // A head has its time from its first byte on, however slowly the others come.
        if received.isEmpty { deadline = now + AdminLimit.timeoutNanoseconds }
        received.append(contentsOf: buffer[..<count])
        isIncomplete = false
        return answer(routes, mayStream: mayStream, now: now)
    }

    /// New incidents may be there.
    mutating func follow(_ sources: AdminSources, now: UInt64) -> Outcome {
        while stream != nil, unsent.count - sentCount < AdminLimit.streamBytesMax {
            let room = AdminLimit.streamBytesMax - (unsent.count - sentCount)
            guard let news = stream?.events(from: sources.ring, bytesMax: room) else { break }
            if news.missed > 0 { sources.metrics.countDropped(.stream, news.missed) }
            if news.bytes.isEmpty { break }
            guard send(news.bytes, now: now) == .stays else { return .closed }
        }
        return .stays
    }

    /// The time that it wanted to be looked at has come.
    mutating func expire(now: UInt64) -> Outcome {
        if stream != nil, !hasUnsent { return send(Array(": alive\n\n".utf8), now: now) }
        // A client that began a request gets an answer; an idle one, and one that does not read, just goes.
        if !hasUnsent, !isLingering, !received.isEmpty {
            closesWhenSent = true
            let bytes = AdminResponse.problem(408, "the request did not come in time").bytes(isHead: false, isPersistent: false)
            _ = send(bytes, now: now)
        }
        return .closed
    }

    private mutating func answer(_ routes: AdminRoutes, mayStream: Bool, now: UInt64) -> Outcome {
        switch AdminRequest.parse(received) {
        case .incomplete:
            isIncomplete = true
            guard received.count > AdminLimit.headBytesMax else { return .stays }
            return refuse(431, "the request's head is too large", now)
        case .malformed:
            return refuse(400, "not a request that is understood here", now)
        case .request(let request, let byteCount):
            guard byteCount <= AdminLimit.headBytesMax else { return refuse(431, "the request's head is too large", now) }
            received.removeFirst(byteCount)
            return respond(to: request, routes, mayStream: mayStream, now: now)
        }
    }

    private mutating func respond(to request: AdminRequest, _ routes: AdminRoutes, mayStream: Bool, now: UInt64) -> Outcome {
        var response = routes.response(to: request)
        if response.stream != nil, !mayStream { response = .problem(503, "too many followers") }
        stream = request.isHead ? nil : response.stream
        hasAnswered = true
        closesWhenSent = stream == nil && (isLeaving || !request.isPersistent || response.stream != nil)
        let isPersistent = !closesWhenSent && stream == nil
        let bytes = response.bytes(isHead: request.isHead, isPersistent: isPersistent)
        guard send(bytes, now: now) == .stays else { return .closed }
        return stream == nil ? .stays : follow(routes.sources, now: now)
    }

    private mutating func refuse(_ status: Int, _ text: String, _ now: UInt64) -> Outcome {
        received = []
        closesWhenSent = true
        return send(AdminResponse.problem(status, text).bytes(isHead: false, isPersistent: false), now: now)
    }

    private mutating func sendRest(_ routes: AdminRoutes, now: UInt64) -> Outcome {
        guard send([], now: now) == .stays else { return .closed }
        guard !hasUnsent else { return .stays }
        return stream == nil ? .stays : follow(routes.sources, now: now)
    }

    private mutating func send(_ bytes: [UInt8], now: UInt64) -> Outcome {
        if sentCount > 0 {
            unsent.removeFirst(sentCount)
            sentCount = 0
        }
        var hasProgressed = !hasUnsent
        unsent.append(contentsOf: bytes)
        while hasUnsent {
            let count = unsafe unsent.withUnsafeBytes {
                unsafe so_send(descriptor, $0.baseAddress.unsafelyUnwrapped + sentCount, $0.count - sentCount)
            }
            if count == -Int(EINTR) { continue }
            if count == -Int(EAGAIN) { break }
            guard count > 0 else { return .closed }
            sentCount += count
            hasProgressed = true
        }
        if hasProgressed { deadline = now + AdminLimit.timeoutNanoseconds }
        guard !hasUnsent else { return .stays }
        unsent = []
        sentCount = 0
        heartbeat = now + AdminLimit.heartbeatNanoseconds
        guard closesWhenSent else { return .stays }
        so_shutdown_write(descriptor)
        isLingering = true
        received = []
        return .stays
    }
}
