import Simulation

/// What a server does with one check.
struct CheckPlay {
    enum Kind: CaseIterable {
        /// As one should, as it may be: interim responses first, twice, in drops, before it has been asked, with a long header block.
        case plain, interims, twice, drops, hasty, long
        case otherStatus, silent, garbage, endless, cut, hangUp, reset, flood
        /// Perhaps in time, perhaps not.
        case late

        /// What passes whenever it comes in time.
        static let innocent: [Kind] = [.plain, .plain, .plain, .interims, .twice, .hasty, .long]
    }

    enum Act {
        case send([UInt8])
        /// With these bytes its answer is known, and it is a good one.
        case pass([UInt8])
        case finish, reset
    }

    struct Step {
        var delay: UInt64 = 0
        var act: Act
    }

    let kind: Kind
    /// Its server leaves in good order: a reset may overtake what was sent before it.
    private let isWell: Bool
    private(set) var steps: [Step] = []

    /// Before its time is over it may be known to be none that passes.
    var mayFailEarly: Bool { [.otherStatus, .garbage, .endless, .flood].contains(kind) }

    private static let goodStatuses = [200, 200, 200, 204, 206, 301, 304, 399]
    private static let badStatuses = [400, 401, 404, 418, 499, 500, 502, 503, 504, 599]

    init(_ kind: Kind, isWell: Bool, _ words: CheckWords, timeout: UInt64, _ random: inout SeededNumbers) {
        self.kind = kind
        self.isWell = isWell
        let status = random.pick(Self.goodStatuses)
        let whole = words.head(status, &random)
        let body = words.body(random.below(300))
        switch kind {
        case .plain, .hasty: steps = [Step(act: .pass(whole)), Step(act: .send(body)), end(&random)]
        case .interims:
            for _ in 0..<1 + random.below(4) {
                steps.append(Step(delay: random.upTo(3_000_000), act: .send(words.head(103, &random))))
            }
            steps += [Step(act: .pass(whole)), Step(act: .send(body)), end(&random)]
        case .twice:
            let delay = random.pick([0, 0, random.upTo(20_000_000)])
            let again = words.head(random.pick(Self.goodStatuses + Self.badStatuses), &random) + body
            steps = [Step(act: .pass(whole)), Step(act: .send(body)), Step(delay: delay, act: .send(again)), end(&random)]
        case .drops: drip(whole, over: random.upTo(timeout + timeout / 2))
        case .long:
            steps = [Step(act: .pass(words.head(status, padding: random.below(words.longHead), &random))), end(&random)]
        case .otherStatus:
            steps = [Step(act: .send(words.head(random.pick(Self.badStatuses), &random) + body)), end(&random)]
        case .silent: break
        case .garbage: steps = [Step(act: .send(words.garbage(&random))), end(&random)]
        case .endless: steps = words.endless().map { Step(delay: random.upTo(1_000_000), act: .send($0)) }
        case .cut: steps = [Step(act: .send(Array(whole[..<random.below(whole.count)]))), end(&random)]
        case .hangUp: steps = [Step(delay: random.upTo(1_000_000), act: .finish)]
        case .reset: steps = [Step(delay: random.upTo(1_000_000), act: .reset)]
        case .flood: steps = [Step(act: .send(words.flood(&random)))]
        case .late: steps = [Step(delay: random.upTo(timeout * 2), act: .pass(whole)), end(&random)]
        }
    }

    private func end(_ random: inout SeededNumbers) -> Step {
        Step(delay: random.upTo(5_000_000), act: isWell || random.chance(perMille: 800) ? .finish : .reset)
    }

    private mutating func drip(_ bytes: [UInt8], over time: UInt64) {
        let pause = time / UInt64(bytes.count)
        for byte in bytes.dropLast() { steps.append(Step(delay: pause, act: .send([byte]))) }
        steps.append(Step(delay: pause, act: .pass([bytes.last!])))
    }
}
