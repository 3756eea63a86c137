import Simulation

/// What is taken out of a world, to see whether it fails without it too: the same seed and reduction give the same run.
public struct Reduction: Equatable, Sendable {
    /// What makes a world harder to read.
    public enum Trouble: String, CaseIterable, Sendable {
        case cuts, jitter, latency, acknowledgements, shortWrites, smallBuffers, preemptions, slowReaders, pipelining, chat
    }

    /// Numbers of requests that are not sent.
    public var omitted: Set<Int> = []
    public var without: Set<Trouble> = []

    public init() {}

    /// As arguments of `scripts/simulate`.
    public init?(_ arguments: [String]) {
        for argument in arguments {
            for part in argument.split(separator: ",") {
                if let id = Int(part) {
                    omitted.insert(id)
                } else if let trouble = Trouble(rawValue: String(part)) {
                    without.insert(trouble)
                } else {
                    return nil
                }
            }
        }
    }

    public var text: String {
        (omitted.sorted().map(String.init) + without.map(\.rawValue).sorted()).joined(separator: ",")
    }

    /// The smallest that is found for a world that fails, which still fails in the same way.
    public static func smallest(seed: UInt64, sort: WorldSort) -> Reduction {
        var best = Reduction()
        func failure(_ reduction: Reduction) -> String? {
            SimulatedWorld(seed: seed, sort: sort, reduction).run().first.map { $0.filter { !$0.isNumber } }
        }
        guard let wanted = failure(best) else { return best }
        let ids = SimulatedWorld(seed: seed, sort: sort).stories.keys.sorted()
        let clients = Set(ids.map { $0 / 100 }).sorted().map { client in ids.filter { $0 / 100 == client } }
        for group in clients + ids.map({ [$0] }) {
            var next = best
            next.omitted.formUnion(group)
            if next.omitted.count < ids.count, next != best, failure(next) == wanted { best = next }
        }
        for trouble in Trouble.allCases {
            var next = best
            next.without.insert(trouble)
            if failure(next) == wanted { best = next }
        }
        return best
    }
}

extension Weather {
    mutating func calm(_ troubles: Set<Reduction.Trouble>) {
        for trouble in troubles {
            switch trouble {
            case .cuts: changeLinks { $0.cuts = .never }
            case .jitter: changeLinks { $0.jitter = 0 }
            case .latency: changeLinks { $0.latency = 10_000 }
            case .acknowledgements: changeLinks { $0.acknowledgementDelay = 0 }
            case .shortWrites: changeLinks { $0.shortWritesPerMille = 0 }
            case .smallBuffers:
                changeLinks {
                    $0.sendBytesMax = 256 << 10
                    $0.receiveBytesMax = 256 << 10
                }
            case .preemptions: preemptionsPerMille = 0
            case .slowReaders: upstreamReadsSlowly = false
            case .pipelining, .chat: break
            }
        }
    }

    private mutating func changeLinks(_ change: (inout Link) -> Void) {
        change(&clientLink)
        change(&upstreamLink)
    }
}
