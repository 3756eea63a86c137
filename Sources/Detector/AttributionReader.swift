import Facts

/// Reads from a connection's last exchanges whose a surplus is.
///
/// Own answers come in the order of their requests. A reading says which of all the answers were one too many; every other is
/// the own answer of the next request, whoever was given it. All readings are weighed (`AnswerReading`): by what each sort of
/// request is usually answered with, after how long, with how much, by who has answered twice before, and by how long a second
/// send is on its way.
public enum AttributionReader {
    /// Exchanges that are weighed, and answers of a surplus.
    public static let exchangesMax = 12
    public static let partsMax = 6
    /// Above this share the likeliest is recorded as likely.
    private static let likelyShare = 0.75
    /// Above this share somebody is recorded beside another, where several answers were too many.
    private static let anotherShare = 0.4
    /// A reading that is surer than this teaches what is usual.
    private static let teachingShare = 0.9

    /// One attribution of each request that is likely to have sent any of the surplus, and what is learned of it.
    ///
    /// - Parameters:
    ///   - past: the connection's last exchanges, the newest first; the newest may be in progress.
    ///   - surplus: the answers that came too many, in order; one at least.
    ///   - mayShift: they may be the true answers of the latest requests.
    ///   - learns: what is found counts for what is found later.
    public static func read(
        _ past: [PastExchange], surplus: [SurplusPart], mayShift: Bool, learns: Bool = false, habits: inout Habits
    ) -> [Attribution] {
        let parts = Array(surplus.prefix(partsMax))
        guard past.count > 1 else {
            if learns, let only = past.first { learn(certain: only, parts, &habits) }
            return [.certain]
        }
        // The longest part of the history that can be weighed.
        var requests = Array(past.prefix(exchangesMax).reversed())
        var reading = AnswerReading(requests, parts, mayShift: mayShift, habits)
        while reading.hasTooMany, requests.count > 2 {
            requests.removeFirst()
            reading = AnswerReading(requests, parts, mayShift: mayShift, habits)
        }
        guard reading.total > 0 else { return [.certain] }
        var found: [Attribution] = []
        for part in parts.indices {
            let attribution = attribution(of: part, reading, habits)
            if found.contains(where: { $0.guilty == attribution.guilty }) { continue }
            if !found.isEmpty, attribution.suspects[0].share < anotherShare { continue }
            found.append(attribution)
        }
        if learns { learn(reading, &habits) }
        return found
    }

    private static func attribution(of part: Int, _ reading: AnswerReading, _ habits: borrowing Habits) -> Attribution {
        let newest = reading.requests.count - 1
        let place = reading.bestExtras[part]
        let shares = reading.shares[part]
        var attribution = Attribution(confidence: .open, suspects: [], shift: nil)
        attribution.part = part
        if place <= newest {
            let victim = reading.requests[place]
            attribution.shift = Attribution.Shift(
                age: newest - place, status: Int(victim.answer.status), usualStatus: habits.usualStatus(victim.sort))
        }
        let likeliest = shares.indices.sorted { (shares[$0], $0) > (shares[$1], $1) }
        // All that are weighed, for whoever it was must be among them.
        attribution.suspects = likeliest.map { request in
            let exchange = reading.requests[request]
            var suspect = Attribution.Suspect(
                age: newest - request, share: shares[request] / reading.total, delay: nil, isRound: false,
                wasSuspected: habits.suspicion(exchange.sort) >= 0.5)
            if !exchange.isInProgress {
                suspect.isWaiting = reading.bestOwn[request] > place
                if !suspect.isWaiting {
                    let delay = reading.delay(of: place, after: reading.bestOwn[request])
                    (suspect.delay, suspect.isRound) = (delay, isRound(delay))
                }
            }
            return suspect
        }
        if attribution.suspects[0].share >= likelyShare { attribution.confidence = .likely }
        return attribution
    }

    // MARK: Learning

    private static func learn(certain exchange: PastExchange, _ parts: [SurplusPart], _ habits: inout Habits) {
        let answer = exchange.answer
        if !exchange.isInProgress {
            habits.note(
                exchange.sort, shape: answer.shape, delay: answer.headAt - min(answer.sentAt, answer.headAt),
                bodyBytes: answer.bodyBytes)
        }
        for part in parts {
            let delay = exchange.isInProgress ? 0 : part.time - min(part.time, answer.endedAt)
            habits.suspect(exchange.sort, share: 1, shape: part.shape)
            habits.accompany(exchange.sort, delay: delay)
        }
    }

    private static func learn(_ reading: AnswerReading, _ habits: inout Habits) {
        let isSure = reading.best > teachingShare * reading.total
        for (request, place) in reading.bestOwn.enumerated() {
            let exchange = reading.requests[request]
            guard isSure, !exchange.isInProgress, let shape = reading.answers[place].shape else {
                habits.doubt(exchange.sort)
                continue
            }
            habits.note(
                exchange.sort, shape: shape, delay: reading.ownDelay(of: request),
                bodyBytes: reading.answers[place].bodyBytes ?? 0)
        }
        for (part, place) in reading.bestExtras.enumerated() {
            var seen: [UInt32] = []
            for request in reading.requests.indices.sorted(by: { reading.shares[part][$0] > reading.shares[part][$1] }) {
                let (sort, share) = (reading.requests[request].sort, reading.shares[part][request] / reading.total)
                if share > 0.02 { habits.suspect(sort, share: share, shape: reading.answers[place].shape) }
                // Of several requests of a sort the likeliest stands for it.
                guard share > 0, !seen.contains(sort) else { continue }
                seen.append(sort)
                habits.accompany(sort, delay: reading.extraDelay(of: place, by: request))
            }
        }
    }

    /// A little after a multiple of 10 ms, or of 25.
    static func isRound(_ delay: UInt64) -> Bool {
        let microseconds = delay / 1000
        guard microseconds >= 9_700 else { return false }
        return [10_000, 25_000].contains { (microseconds + 300) % $0 < 1_800 }
    }
}
