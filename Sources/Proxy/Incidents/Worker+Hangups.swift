import CShim
import Detector
import EventLoop
import Exchanges
import Report
import Wire

/// A server hung up right after an answer although it had promised to keep the connection.
///
/// What Express does after a second send that Node has swallowed; but also what a deploy or a crash looks like, when the
/// server's other connections end with it. So judgement waits a moment.
struct Hangup {
    var finished: FinishedExchange
    var connection: UInt64
    var server: Int
    var endedAt: UInt64
    var received: UInt64
    /// The server's count of ended connections, this one among them.
    var endings: UInt64
}

extension Worker {
    /// A hang-up later than this after the end is nobody's suspicion.
    static var hangupTime: UInt64 { 50_000_000 }
    /// Connections that end within this time of each other end together.
    static var togetherTime: UInt64 { 20_000_000 }
    /// Hang-ups that wait for judgement; more at once are no hang-ups but a server going down.
    static var hangupsMax: Int { 64 }

    /// A server has ended a connection by itself. Everything that ends counts; only some of it is suspicious.
    mutating func noteEnding(_ slot: Int32, mayBeHangup: Bool) {
        let u = upstreams[slot]
        let server = Int(u.pointee.server)
        let shared = servers[server].shared
        let before = so_load(&shared.pointee.endedAt)
        let endings = so_fetch_add(&shared.pointee.endings, 1) + 1
        so_store(&shared.pointee.endedAt, now)
        guard mayBeHangup, !u.pointee.last.isEmpty, u.pointee.last.answer.promisesKeepAlive,
            !u.pointee.last.answer.wasHeldBack, now - u.pointee.last.answer.endedAt <= Self.hangupTime,
            before == 0 || before + Self.togetherTime < now,
            hangups.count < Self.hangupsMax
        else { return }
        hangups.append(
            Hangup(
                finished: u.pointee.last, connection: u.pointee.number, server: server, endedAt: now,
                received: u.pointee.received,
                endings: endings))
        // The record goes with the suspicion; the connection is about to be closed.
        u.pointee.last.request.head = Buffer()
        timers.set(hangupTimer, hangups[0].endedAt + Self.togetherTime)
    }

    /// Judges the hang-ups that have waited long enough.
    mutating func judgeHangups() {
        while let hangup = hangups.first, hangup.endedAt + Self.togetherTime <= now {
            hangups.removeFirst()
            var finished = hangup.finished
            if so_load(&servers[hangup.server].shared.pointee.endings) == hangup.endings { tell(hangup) }
            buffers.give(&finished.request.head)
        }
        if let next = hangups.first { timers.set(hangupTimer, next.endedAt + Self.togetherTime) }
    }

    private mutating func tell(_ hangup: Hangup) {
        let verdict = Verdict(.hangupAfterEnd, .suspected, in: .idle)
        var incident = incidentSkeleton(verdict, server: hangup.server, connection: hangup.connection, hangup.finished)
        let delay = hangup.endedAt - hangup.finished.answer.endedAt
        incident.evidence.delayMilliseconds = Double(delay) / 1e6
        incident.evidence.connectionOffset = hangup.received
        incident.evidence.offset = hangup.received - min(hangup.received, hangup.finished.answer.startOffset)
        incident.message =
            "upstream \(incident.upstream?.name ?? "") hung up \(milliseconds(incident.evidence)) ms after the end of its answer to "
            + "\(naming(hangup.finished.request)), although it had promised to keep the connection"
        record(incident)
    }
}
