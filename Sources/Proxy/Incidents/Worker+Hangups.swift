import CShim
import Detector
import EventLoop
import Facts
import Report

/// A connection that its server ended right after an answer, with what a record needs of it. Owns its request's bytes.
struct EndedConnection: BitwiseCopyable {
    /// Others of its server had just ended right after answers too, and how many had, over all workers.
    var hasTwinBefore: Bool
    var recentEndings: UInt64
    var finished: FinishedExchange
    var connection: UInt64
    var received: UInt64
}

/// What the worker knows of its servers' other connections, for the judgement of hang-ups.
extension Worker {
    /// Answers so lately before a connection's end say how busy its server was.
    private static var latelyTime: UInt64 { 80_000_000 }
    /// No server keeps idle connections for less.
    private static var slowTime: UInt64 { 1_000_000_000 }

    /// A server has ended a connection by itself. Everything that ends counts; only some of it is suspicious.
    mutating func noteEnding(_ slot: UpstreamSlot, mayBeHangup: Bool) {
        let u = upstreams[slot]
        let server = u.pointee.server
        let shared = servers[server].shared
        let endings = so_fetch_add(&shared.pointee.endings, 1) + 1
        let before = so_load(&shared.pointee.endedAt)
        so_store(&shared.pointee.endedAt, now)
        let last = u.pointee.last
        let answers = (0..<u.pointee.history.count).count {
            u.pointee.history[$0].answer.endedAt + Self.latelyTime >= now
        }
        let gap = now - min(now, last.answer.endedAt)
        let isOurs = u.pointee.socket.security == .flooded
        let isRecent = mayBeHangup && !isOurs && !last.isEmpty && gap <= Hangups<EndedConnection>.deathTime
        guard isRecent else {
            so_store(&shared.pointee.idleEndedAt, now)
            return hangups.ended(server: server.place, answers: answers, at: now)
        }
        // Of an answer that came slowly, what held it up, its client or its link, has held up its server's idle limit as well.
        let wasSlow = last.answer.wasHeldBack || last.answer.endedAt >= last.answer.headAt + Self.slowTime
        guard last.answer.promisesKeepAlive, !wasSlow else { return }
        let recentBefore = so_load(&shared.pointee.recentEndedAt)
        let recentEndings = so_fetch_add(&shared.pointee.recentEndings, 1) + 1
        so_store(&shared.pointee.recentEndedAt, now)
        let ended = EndedConnection(
            hasTwinBefore: recentBefore > 0 && recentBefore + 20_000_000 >= now, recentEndings: recentEndings, finished: last,
            connection: u.pointee.number, received: u.pointee.received)
        guard
            hangups.ended(
                server: server.place, answers: answers, at: now, gap: gap, endings: endings, before: before, exchange: ended)
        else { return }
        // The record goes with the suspicion; the connection is about to be closed.
        u.pointee.history.replaceLatest(FinishedExchange())
        if let due = hangups.due { timers.set(hangupTimer, due) }
    }

    /// Judges the hang-ups that have waited long enough.
    mutating func judgeHangups(isEnding: Bool = false) {
        var lives: [Int: Hangups<EndedConnection>.Life] = [:]
        while let (hangup, decision) = nextHangup(&lives, isEnding) {
            var finished = hangup.exchange.finished
            switch decision {
            case .hangup: record(hangup, connections: 1)
            case .death(let connections):
                let shared = servers[ServerIndex(hangup.server)].shared
                // Another worker may have recorded it.
                guard so_load(&shared.pointee.deathEndedAt) + Hangups<EndedConnection>.signTime < hangup.endedAt else { break }
                so_store(&shared.pointee.deathEndedAt, hangup.endedAt)
                record(hangup, connections: connections)
            case .forget, .wait: break
            }
            transport.buffers.give(&finished.request.head)
        }
        guard let due = hangups.due else { return }
        timers.set(hangupTimer, max(due, hangups.waits(at: now) ? now + 5_000_000 : due))
    }

    private mutating func nextHangup(
        _ lives: inout [Int: Hangups<EndedConnection>.Life], _ isEnding: Bool
    ) -> (Hangups<EndedConnection>.Hangup, Hangups<EndedConnection>.Decision)? {
        // What is known of a server does not depend on the hang-up, but for its survivors.
        for hangup in hangups.waiting where lives[hangup.server] == nil {
            let shared = servers[ServerIndex(hangup.server)].shared
            lives[hangup.server] = Hangups.Life(
                hasSurvivors: false, connectedAt: so_load(&shared.pointee.connectedAt),
                refusedAt: so_load(&shared.pointee.refusedAt), idleEndedAt: so_load(&shared.pointee.idleEndedAt),
                endings: so_load(&shared.pointee.endings),
                connections: Int(clamping: so_load_ordered(&shared.pointee.connections)), isRare: false)
        }
        var survivors: [UInt64] = []
        let sorts = hangups.waiting.map(\.exchange.finished.request.sort)
        var rare: [Bool] = []
        for (i, hangup) in hangups.waiting.enumerated() {
            survivors.append(oldestPooling(ServerIndex(hangup.server)))
            // Another just like it, and the server had gone on.
            var hasTwin = sorts.indices.contains {
                $0 != i && sorts[$0] == sorts[i] && hangups.waiting[$0].server == hangup.server
            }
            let ended = hangup.exchange
            let recentEndings = so_load(&servers[ServerIndex(hangup.server)].shared.pointee.recentEndings)
            // Of another worker's nothing more is known.
            hasTwin = hasTwin || ended.hasTwinBefore || recentEndings > ended.recentEndings
            rare.append(!hasTwin && habits.answers(sorts[i]) <= 1)
        }
        let waiting = hangups.waiting
        return hangups.next(at: now, isEnding: isEnding) { hangup in
            var life = lives[hangup.server]!
            let i = waiting.firstIndex {
                $0.endedAt == hangup.endedAt && $0.exchange.connection == hangup.exchange.connection
            }!
            life.hasSurvivors = survivors[i] < hangup.endedAt
            life.isRare = rare[i]
            return life
        }
    }

    /// When the connection was pooled that has been pooled the longest; the end of time when none is.
    private func oldestPooling(_ server: ServerIndex) -> UInt64 {
        let slot = connectionPool.oldest(server)
        return slot.isNone ? .max : upstreams[slot].pointee.pooledAt
    }

    private mutating func record(_ hangup: Hangups<EndedConnection>.Hangup, connections: Int) {
        let ended = hangup.exchange
        var finding = Finding(
            Verdict(.hangupAfterEnd, .suspected, in: .idle), .hangup(connectionsEnded: connections),
            connectionOffset: ended.received)
        finding.delay = hangup.gap
        let place = place(
            server: ServerIndex(hangup.server), connection: ended.connection, seenAt: hangup.endedAt, id: nil)
        submit(IncidentWriter.incident(finding, at: place, guilty: party(ended.finished)))
    }
}
