import Testing

@testable import Detector

/// How many hang-ups wait, for how long, and in which order they are recorded.
@Suite struct HangupsLimitsTests {
    typealias Machine = Hangups<Int>
    private static let second: UInt64 = 1_000_000_000
    private static let millisecond: UInt64 = 1_000_000

    private func life(survivors: Bool = true, endings: UInt64 = 0, connections: Int = 9, idleEnded: UInt64 = 0) -> Machine.Life
    {
        Machine.Life(
            hasSurvivors: survivors, connectedAt: 0, refusedAt: 0, idleEndedAt: idleEnded, endings: endings,
            connections: connections, isRare: false)
    }

    private func end(_ machine: inout Machine, _ exchange: Int, server: Int = 0, at time: UInt64, gap: UInt64 = 1) -> Bool {
        machine.ended(
            server: server, answers: 1, at: time, gap: gap, endings: UInt64(exchange + 1), before: 0, exchange: exchange)
    }

    @Test func noMoreWaitThanMay() {
        var machine = Machine()
        #expect(machine.isEmpty && machine.due == nil)
        let taken = (0..<300).map { end(&machine, $0, server: $0, at: 5 * Self.second + UInt64($0)) }
        #expect(taken.count { $0 } == Machine.waitingMax && taken.firstIndex(of: false) == Machine.waitingMax)
        #expect(machine.count == Machine.waitingMax && machine.due == 5 * Self.second + Machine.waitTime)
    }

    /// Those that have waited are recorded one by one, the first first; the rest wait on.
    @Test func whoHasWaitedIsRecordedInOrder() {
        var machine = Machine()
        for i in 0..<6 { #expect(end(&machine, i, server: i, at: 5 * Self.second + UInt64(i) * 10 * Self.millisecond)) }
        let now = 5 * Self.second + 45 * Self.millisecond
        #expect(!machine.mayEnd(at: now) && machine.waits(at: now))
        var recorded: [Int] = []
        while let (hangup, decision) = machine.next(at: now, isEnding: false, { _ in life() }) {
            #expect(decision == .hangup)
            recorded.append(hangup.exchange)
        }
        #expect(recorded == [0, 1, 2] && machine.count == 3 && !machine.waits(at: now))
        #expect(machine.due == 5 * Self.second + 50 * Self.millisecond)
        #expect(machine.mayEnd(at: 5 * Self.second + 70 * Self.millisecond))
        while let (hangup, _) = machine.next(at: now, isEnding: true, { _ in life() }) { recorded.append(hangup.exchange) }
        #expect(recorded == Array(0..<6) && machine.isEmpty, "at the end nobody waits any longer")
    }

    @Test(arguments: [(Machine.latest, Machine.Decision.hangup), (Machine.latest + 1, .forget)])
    func howLateAHangUpMayBe(_ gap: UInt64, _ expected: Machine.Decision) {
        var machine = Machine()
        _ = end(&machine, 0, at: 5 * Self.second, gap: gap)
        let decision = machine.next(at: 6 * Self.second, isEnding: false) { _ in life() }?.1
        #expect(decision == expected)
    }

    @Test(arguments: [
        // When an idle connection ended, in microseconds after the hang-up: within three milliseconds it was no answer's doing.
        (-3001, false), (-3000, true), (0, true), (3000, true), (3001, false),
    ])
    func whatEndsAtTheSameMoment(_ microseconds: Int64, _ isInnocent: Bool) {
        let at = UInt64(Int64(5 * Self.second) + microseconds * 1000)
        var machine = Machine()
        _ = end(&machine, 0, at: 5 * Self.second)
        // Seen by this worker, or by another.
        let elsewhere = machine.next(at: 6 * Self.second, isEnding: false) { _ in life(idleEnded: at) }?.1
        #expect(elsewhere == (isInnocent ? .forget : .hangup))
        var other = Machine()
        if microseconds < 0 { other.ended(server: 0, answers: 0, at: at) }
        _ = end(&other, 0, at: 5 * Self.second)
        if microseconds >= 0 { other.ended(server: 0, answers: 0, at: at) }
        let here = other.next(at: 6 * Self.second, isEnding: false) { _ in life() }?.1
        #expect(here == (isInnocent ? .forget : .hangup))
    }

    /// One hang-up records a server's death, and the next only when the server has been back for a while.
    @Test func aDeathIsRecordedOnce() {
        var machine = Machine()
        var decisions: [Machine.Decision] = []
        for (round, time) in [0, 100, 200, 600].enumerated() {
            let at = 5 * Self.second + UInt64(time) * Self.millisecond
            _ = end(&machine, round, at: at, gap: Self.millisecond)
            let dead = life(survivors: false, endings: UInt64(round + 3), connections: 0)
            if let (_, decision) = machine.next(at: at + Machine.waitTime, isEnding: false, { _ in dead }) {
                decisions.append(decision)
            }
        }
        #expect(decisions.count == 4 && decisions[0] == .death(connections: 3) && decisions[1] == .forget)
        #expect(decisions[3] == .death(connections: 3))
    }

    /// However many end, no more are remembered than may be, and old ones go first.
    @Test func endsAreForgotten() {
        var machine = Machine()
        for i in 0..<5000 as Range<UInt64> { machine.ended(server: 0, answers: 0, at: 5 * Self.second + i * 1000) }
        // The last of them is a moment before.
        _ = end(&machine, 0, at: 5 * Self.second + 5_000_000)
        #expect(machine.next(at: 6 * Self.second, isEnding: false) { _ in life() }?.1 == .forget)
        _ = end(&machine, 1, at: 9 * Self.second)
        #expect(machine.next(at: 10 * Self.second, isEnding: false) { _ in life() }?.1 == .hangup)
    }
}
