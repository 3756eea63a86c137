import Testing

@testable import Detector

/// What a server's connections say when they end: told as a hang-up, as a death, or forgotten.
@Suite struct HangupsTests {
    private typealias Machine = Hangups<Int>
    private static let start: UInt64 = 10_000_000_000

    private func ms(_ milliseconds: Double) -> UInt64 { UInt64(Double(Self.start) + milliseconds * 1e6) }

    private struct Known {
        var survivors = false
        var connected: Double?
        var refused: Double?
        var idleEnded: Double?
        var endings: UInt64 = 1
        var connections = 3
        var isRare = false
    }

    /// One hang-up, 2 ms after its answer unless said otherwise; judged at `at`.
    private func judge(
        _ known: Known, gap: Double = 2, at time: Double = 21, before: UInt64 = 0, isEnding: Bool = false,
        _ others: (inout Machine) -> Void = { _ in }
    ) -> Machine.Decision? {
        var machine = Machine()
        others(&machine)
        _ = machine.ended(
            server: 0, answers: 1, at: ms(0), gap: UInt64(gap * 1e6), endings: 1, before: before, exchange: 1)
        return machine.next(at: ms(time), isEnding: isEnding) { _ in
            Machine.Life(
                hasSurvivors: known.survivors, connectedAt: known.connected.map(ms) ?? 0, refusedAt: known.refused.map(ms) ?? 0,
                idleEndedAt: known.idleEnded.map(ms) ?? 0, endings: known.endings, connections: known.connections,
                isRare: known.isRare)
        }?.1
    }

    @Test func aServerThatLivesHasHungUp() {
        #expect(judge(Known(survivors: true)) == .hangup)
        #expect(judge(Known(connected: 5)) == .hangup)
        #expect(judge(Known(survivors: true), at: 19) == nil, "what may end with it is waited for")
    }

    @Test func whatEndsWithItMakesItInnocent() {
        #expect(judge(Known(survivors: true, idleEnded: 1)) == .forget)
        #expect(judge(Known(survivors: true, idleEnded: 9)) == .hangup, "an idle connection that ends at another moment")
        #expect(judge(Known(connected: 5)) { $0.ended(server: 0, answers: 0, at: self.ms(-1)) } == .forget)
        #expect(judge(Known(connected: 5)) { $0.ended(server: 1, answers: 0, at: self.ms(-1)) } == .hangup, "of another server")
    }

    @Test func aBusyRouteIsDistinguishedFromAProcessThatDies() {
        func hangups(_ times: [Double]) -> (inout Machine) -> Void {
            { machine in
                for at in times {
                    _ = machine.ended(
                        server: 0, answers: 1, at: self.ms(at), gap: 1, endings: 1, before: 0, exchange: 0)
                    _ = machine.next(at: self.ms(at), isEnding: true) { _ in
                        Machine.Life(
                            hasSurvivors: true, connectedAt: 0, refusedAt: 0, idleEndedAt: 0, endings: 1, connections: 9,
                            isRare: false)
                    }
                }
            }
        }
        // Four at once, and none before: a worker process of the server has gone.
        #expect(judge(Known(survivors: true), hangups([-0.2, -0.1, 0])) == .forget)
        // Two at once where there are hundreds a second.
        let many = (1...300).reversed().map { Double($0) * -2.5 }
        #expect(judge(Known(survivors: true), hangups(many + [-0.5])) == .hangup)
    }

    @Test func aRestartIsSilent() {
        #expect(judge(Known(refused: 3, connections: 0), gap: 30) == .forget)
        #expect(judge(Known(connected: 8, refused: 3), gap: 30) == .forget, "refused first: it has come back")
        #expect(judge(Known(endings: 4, connections: 0), gap: 30) == .forget)
    }

    @Test func aDeathRightAfterItsAnswer() {
        #expect(judge(Known(endings: 4, connections: 0)) == .death(connections: 4))
        #expect(judge(Known(refused: 3, endings: 2, connections: 0), gap: 40) == .forget)
        #expect(judge(Known(refused: 3, endings: 2, connections: 0, isRare: true), gap: 40) == .death(connections: 2))
        #expect(judge(Known(refused: 3, endings: 2, connections: 0, isRare: true), gap: 120) == .forget)
        // A server that has just answered others dies at any moment right after an answer.
        #expect(judge(Known(endings: 3, connections: 0)) { $0.ended(server: 0, answers: 4, at: self.ms(0)) } == .forget)
    }

    /// Connections whose idle time is over end one after the other: that is no death.
    @Test(arguments: [(2.0, true), (7.5, false), (-7.5, false)])
    func aDeathEndsAllAtOnce(_ apart: Double, _ isDeath: Bool) {
        let decision = judge(Known(endings: 2, connections: 0, isRare: true), gap: 40, at: 300) {
            $0.ended(server: 0, answers: 0, at: self.ms(apart))
        }
        #expect(decision == (isDeath ? .death(connections: 2) : .forget))
    }

    @Test func withoutASignItIsWaitedForOne() {
        #expect(judge(Known()) == nil)
        #expect(judge(Known(), at: 251) == .hangup)
        #expect(judge(Known(connections: 0), at: 251) == .hangup, "its connection was the only one")
        #expect(judge(Known(endings: 2), at: 251) == .forget)
        #expect(judge(Known(), at: 1, isEnding: true) == .hangup)
    }
}
