import Testing

@testable import Proxy

@Suite struct ExchangeStateTests {
    private typealias Fact = ExchangeState.Fact

    private func state(_ facts: [Fact]) -> ExchangeState {
        var state = ExchangeState()
        for fact in facts { state.receive(fact) }
        return state
    }

    /// By fact, then by place.
    private static let places: [Fact: [ExchangeState.Place]] = [
        //            seeking      waiting      called       connecting   placed
        .queued: [.waiting, .waiting, .waiting, .waiting, .waiting],
        .called: [.seeking, .called, .called, .connecting, .placed],
        .leftQueue: [.seeking, .seeking, .seeking, .connecting, .placed],
        .connecting: [.connecting, .connecting, .connecting, .connecting, .connecting],
        .placed: [.placed, .placed, .placed, .placed, .placed],
    ]
    private static let bodies: [Fact: [ExchangeState.Body]] = [
        //              none   due    wanted   part    whole
        .continued: [.none, .wanted, .wanted, .part, .whole],
        .bodySent: [.none, .part, .part, .part, .whole],
        .requestEnded: [.none, .none, .none, .whole, .whole],
    ]
    private static let answers: [Fact: [ExchangeState.Answer]] = [
        //             awaited   begun     written   sent
        .sentAgain: [.awaited, .awaited, .awaited, .sent],
        .answerBegan: [.begun, .begun, .written, .sent],
        .headWritten: [.written, .written, .written, .sent],
        .headSent: [.awaited, .begun, .sent, .sent],
    ]
    private static let tunnels: [Fact: [ExchangeState.Tunnel]] = [
        //               none   open           clientEnded   upstreamEnded   bothEnded
        .tunnelOpened: [.open, .open, .clientEnded, .upstreamEnded, .bothEnded],
        .clientEnded: [.none, .clientEnded, .clientEnded, .bothEnded, .bothEnded],
        .upstreamEnded: [.none, .upstreamEnded, .bothEnded, .upstreamEnded, .bothEnded],
    ]
    // How each value is reached.
    private static let toPlace: [[Fact]] = [[], [.queued], [.queued, .called], [.connecting], [.placed]]
    private static let toBody: [[Fact]] = [[.requestEnded], [], [.continued], [.bodySent], [.bodySent, .requestEnded]]
    private static let toAnswer: [[Fact]] = [[], [.answerBegan], [.headWritten], [.headWritten, .headSent]]
    private static let toTunnel: [[Fact]] = [
        [], [.tunnelOpened], [.tunnelOpened, .clientEnded], [.tunnelOpened, .upstreamEnded],
        [.tunnelOpened, .clientEnded, .upstreamEnded],
    ]

    /// Each fact in each state: what it moves, and that it moves nothing else.
    @Test func everyFactInEveryState() {
        for (p, place) in ExchangeState.Place.allCases.enumerated() {
            for (b, body) in ExchangeState.Body.allCases.enumerated() {
                for (a, answer) in ExchangeState.Answer.allCases.enumerated() {
                    for (t, tunnel) in ExchangeState.Tunnel.allCases.enumerated() {
                        let before = state(Self.toPlace[p] + Self.toBody[b] + Self.toAnswer[a] + Self.toTunnel[t])
                        #expect(
                            (before.place, before.body) == (place, body) && (before.answer, before.tunnel) == (answer, tunnel))
                        for fact in Fact.allCases {
                            var after = before
                            after.receive(fact)
                            #expect(after.place == Self.places[fact]?[p] ?? place)
                            #expect(after.body == Self.bodies[fact]?[b] ?? body)
                            #expect(after.answer == Self.answers[fact]?[a] ?? answer)
                            #expect(after.tunnel == Self.tunnels[fact]?[t] ?? tunnel)
                        }
                    }
                }
            }
        }
        let listed = [Set(Self.places.keys), Set(Self.bodies.keys), Set(Self.answers.keys), Set(Self.tunnels.keys)]
        #expect(listed.reduce(0) { $0 + $1.count } == Fact.allCases.count, "every fact stands in one table")
    }

    @Test func whatFollows() {
        #expect(!state([]).requestEnded && !state([]).sentBody && !state([]).isWaiting && !state([]).isTunnel)
        #expect(state([.requestEnded]).requestEnded && !state([.requestEnded]).sentBody)
        #expect(state([.bodySent, .requestEnded]).requestEnded && state([.bodySent]).sentBody)
        #expect(state([.queued]).isWaiting && state([.queued, .called]).isWaiting && !state([.queued, .leftQueue]).isWaiting)
        #expect(
            state([.headWritten]).headWritten && !state([.headWritten]).answered && state([.headWritten, .headSent]).answered)
        // What has been written and not sent is forgotten with the connection that it came on.
        #expect(!state([.answerBegan, .headWritten, .sentAgain]).headWritten)
        let both = state([.tunnelOpened, .upstreamEnded, .clientEnded])
        #expect(both.isTunnel && both.clientEnded && both.upstreamEnded)
    }
}
