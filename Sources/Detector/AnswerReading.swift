import Facts

/// Everything that the answers on one connection may mean, weighed: which were one too many, and whose those were.
///
/// Answers and requests are numbered in the order in which they came, from 0. Every answer is the own answer of the next request that has
/// none, or one too many (an extra). An extra's sender has had its own answer, or waits for it after another's.
struct AnswerReading {
    /// Readings that are weighed of one surplus.
    static let countMax = 1000
    /// A reading is left out whose own answers fit by so much less than those of the one that fits best; more are where too many are left.
    private static let leastFits = [1e-6, 1e-4, 1e-2]

    struct Answer {
        var shape: UInt64?
        var bodyBytes: UInt64?
        var headAt: UInt64
        var endedAt: UInt64
    }

    /// The oldest first.
    let requests: [PastExchange]
    let answers: [Answer]
    private let extraCount: Int

    /// By extra, then by request: how much of the total makes that request its sender.
    private(set) var shares: [[Double]]
    private(set) var total = 0.0
    /// The weight of the reading that weighs most; the places of its extras, and by request of its own answers.
    private(set) var best = 0.0
    private(set) var bestExtras: [Int] = []
    private(set) var bestOwn: [Int] = []
    /// More readings are left than can be weighed: fewer requests have to do.
    private(set) var hasTooMany = false

    // By request, then by answer: how likely such an answer is its own, or one too many of its.
    private var ownFit: [[Double]] = []
    private var extraFit: [[Double]] = []
    private var odds: [Double] = []
    private var usualDelays: [UInt64] = []

    init(_ requests: [PastExchange], _ surplus: [SurplusPart], mayShift: Bool, _ habits: borrowing Habits) {
        self.requests = requests
        extraCount = surplus.count
        answers =
            requests.map {
                Answer(
                    shape: $0.isInProgress ? nil : $0.answer.shape, bodyBytes: $0.isInProgress ? nil : $0.answer.bodyBytes,
                    headAt: $0.answer.headAt, endedAt: $0.answer.endedAt)
            } + surplus.map { Answer(shape: $0.shape, bodyBytes: $0.bodyBytes, headAt: $0.time, endedAt: $0.time) }
        shares = [[Double]](repeating: [Double](repeating: 0, count: requests.count), count: surplus.count)
        measure(habits)
        // Where nothing can have shifted, the surplus is what is too many.
        if mayShift, !surplus.contains(where: { $0.shape == nil }) {
            weighAll(habits)
        } else {
            weigh(Array(requests.indices), habits)
        }
    }

    // MARK: Times

    /// From the end of one answer to the beginning of another.
    func delay(of place: Int, after other: Int) -> UInt64 {
        answers[place].headAt - min(answers[place].headAt, answers[other].endedAt)
    }

    /// When a request's own answer was ready, after the request: it may have waited for the answer before.
    func ownDelay(of request: Int) -> UInt64 {
        let own = answers[bestOwn[request]]
        let delay = own.headAt - min(own.headAt, requests[request].answer.sentAt)
        let usual = usualDelays[request]
        return isBlocked(request, bestOwn) && usual > 0 && !isLater(bestOwn[request], bestOwn[request - 1]) ? usual : delay
    }

    /// From when a request was handled, as far as that is known, to what is one too many of its.
    func extraDelay(of place: Int, by request: Int) -> UInt64 {
        if requests[request].isInProgress { return 0 }
        let isDue = bestOwn[request] > place
        return isDue || isBlocked(request, bestOwn) ? sinceHandled(place, request) : delay(of: place, after: bestOwn[request])
    }

    private func sinceHandled(_ place: Int, _ request: Int) -> UInt64 {
        let handledAt = requests[request].answer.sentAt + usualDelays[request]
        return answers[place].headAt - min(answers[place].headAt, handledAt)
    }

    /// Its own answer came after the one before, which came only after its request.
    private func isBlocked(_ request: Int, _ own: [Int]) -> Bool {
        request > 0 && isBlocked(request, after: own[request - 1])
    }

    private func isBlocked(_ request: Int, after previous: Int) -> Bool {
        answers[previous].endedAt > requests[request].answer.sentAt
    }

    /// More than a moment later.
    private func isLater(_ place: Int, _ other: Int) -> Bool { delay(of: place, after: other) >= 1_000_000 }

    // MARK: Weights

    /// What does not depend on the reading.
    private mutating func measure(_ habits: borrowing Habits) {
        let seen = answers.compactMap(\.shape)
        for request in requests {
            odds.append(habits.odds(request.sort))
            usualDelays.append(habits.usualDelay(request.sort))
            var own: [Double] = []
            var extra: [Double] = []
            for answer in answers {
                guard let shape = answer.shape else {
                    own.append(1)
                    extra.append(1)
                    continue
                }
                let fit = habits.likelihood(of: shape, for: request.sort, among: seen)
                own.append(fit * (answer.bodyBytes.map { habits.likelihood(ofLength: $0, for: request.sort) } ?? 0.5))
                // A second answer may be the same again. More often it is unlike the others: what a framework has written reaches
                // the wire once, so that it was written past it, and says that something went wrong.
                let status = AnswerShape.status(shape)
                let isUnusual = habits.commonness(of: shape, among: seen) < (status >= 500 ? 0.6 : 0.25)
                let unlike = !isUnusual ? 0.01 : status >= 400 ? 0.3 : 0.1
                extra.append(
                    habits.likelihood(ofExtra: shape, of: request.sort, general: 0.05 * fit + 0.95 * unlike))
            }
            ownFit.append(own)
            extraFit.append(extra)
        }
    }

    /// Weighs each reading that is worth it.
    private mutating func weighAll(_ habits: borrowing Habits) {
        let choice = OwnAnswers(requests: requests.count, extras: extraCount) { request, place, previous in
            ownFit[request][place] * ownTiming(request, place, after: previous, habits)
        }
        for leastFit in Self.leastFits {
            guard let choices = choice.all(above: leastFit, countMax: Self.countMax) else { continue }
            for own in choices { weigh(own, habits) }
            return
        }
        hasTooMany = true
    }

    /// Adds a reading: which answers are the requests' own.
    private mutating func weigh(_ own: [Int], _ habits: borrowing Habits) {
        let extras = answers.indices.filter { !own.contains($0) }
        var weight = 1.0
        for request in requests.indices {
            let previous = request > 0 ? own[request - 1] : nil
            weight *= ownFit[request][own[request]] * ownTiming(request, own[request], after: previous, habits)
            guard weight > 0 else { return }
        }
        var senders: [[Double]] = []
        var hasSent = [Bool](repeating: false, count: requests.count)
        for (part, place) in extras.enumerated() {
            let weights = requests.indices.map { sender in
                senderWeight(sender, of: place, ownBefore: place - part, own, hasSent: hasSent[sender], habits)
            }
            let sum = weights.reduce(0, +)
            guard sum > 0 else { return }
            weight *= sum
            senders.append(weights.map { $0 / sum })
            hasSent[weights.indices.max { weights[$0] < weights[$1] }!] = true
        }
        total += weight
        for part in extras.indices {
            for request in requests.indices { shares[part][request] += weight * senders[part][request] }
        }
        if weight > best { (best, bestExtras, bestOwn) = (weight, extras, own) }
    }

    /// - Parameter previous: the own answer of the request before; nil for the first.
    private func ownTiming(_ request: Int, _ place: Int, after previous: Int?, _ habits: borrowing Habits) -> Double {
        let exchange = requests[request]
        let headAt = answers[place].headAt
        guard !exchange.isInProgress, !exchange.answer.wasHeldBack, exchange.answer.sentAt > 0 else { return 1 }
        // No answer is there before its request.
        guard headAt >= exchange.answer.sentAt else { return 0 }
        let likelihood = habits.likelihood(ofDelay: headAt - exchange.answer.sentAt, for: exchange.sort)
        guard let previous, isBlocked(request, after: previous), !isLater(place, previous) else { return likelihood }
        // It was ready, and waited for the one before.
        let waited = answers[previous].endedAt - exchange.answer.sentAt
        return max(likelihood, 0.7 * habits.likelihood(ofDelayUpTo: waited, for: exchange.sort))
    }

    /// How much a request is to be suspected of an extra. One that has sent another may have sent this too.
    private func senderWeight(
        _ sender: Int, of place: Int, ownBefore: Int, _ own: [Int], hasSent: Bool, _ habits: borrowing Habits
    ) -> Double {
        // Whose answer was next has had none: what came is that. Nor does anybody answer who has not been asked.
        if sender == ownBefore { return 0 }
        if sender > ownBefore, requests[sender].answer.sentAt > answers[place].headAt { return 0 }
        let exchange = requests[sender]
        var timing: Double
        if exchange.isInProgress {
            timing = 1
        } else if sender > ownBefore {
            timing = delayFit(sinceHandled(place, sender), exchange.sort, habits)
        } else {
            timing = delayFit(delay(of: place, after: own[sender]), exchange.sort, habits)
            if isBlocked(sender, own) {
                timing = (timing + delayFit(sinceHandled(place, sender), exchange.sort, habits)) / 2
            }
        }
        return (hasSent ? 0.1 : odds[sender]) * extraFit[sender][place] * timing
    }

    /// Second sends come sooner rather than later, most of them in the same turn as the first (in one read with its end, even), and
    /// some when a timer says so. Where requests come in a rhythm, what has been learned makes each of two readings as regular as the
    /// other; so a part of that goes on counting.
    private func delayFit(_ delay: UInt64, _ sort: UInt32, _ habits: borrowing Habits) -> Double {
        let (general, always): (Double, Double) =
            delay == 0
            ? (1, 1)
            : delay < 1_000_000
                ? (0.125, 0.7)
                : delay < 9_700_000 ? (0.025, 0.5) : AttributionReader.isRound(delay) ? (0.042, 0.6) : (0.006, 0.4)
        return habits.likelihood(ofExtraDelay: delay, of: sort, general: general) * always
    }
}
