import CShim
import EventLoop
import Testing

/// The loop on a kernel that a test writes: events, turns, and how long a wait stands in for looks.
@Suite struct LoopTests {
    private final class Events: SimulatedKernel {
        /// What each wait yields, by tag; then nothing.
        var waits: [[UInt64]] = []
        private(set) var asked: [Int] = []
        var error: Int?

        override func wait(_ events: UnsafeMutablePointer<so_event>, _ capacity: Int, milliseconds: Int) -> Int {
            asked.append(milliseconds)
            if let error { return error }
            guard !waits.isEmpty else { return 0 }
            let tags = waits.removeFirst()
            for (place, tag) in tags.prefix(capacity).enumerated() {
                events[place].tag = tag
                events[place].flags = UInt32(place)
            }
            return min(tags.count, capacity)
        }
    }

    private func tag(_ slot: Int32) -> EventTag { EventTag(.client, generation: 3, slot: slot) }

    @Test func eventsAreReportedByTheirPlace() {
        let kernel = Events()
        kernel.waits = [[tag(4).bits, tag(9).bits]]
        var loop = Loop(kernel: Kernel(simulated: kernel), poll: -1)
        let count = loop.wait(milliseconds: 70)
        #expect(count == 2 && kernel.asked == [70])
        let (first, second) = (loop[event: 0], loop[event: 1])
        #expect(first.tag == tag(4) && first.flags == 0 && second.tag == tag(9) && second.flags == 1)
        let none = loop.wait(milliseconds: -1)
        #expect(none == 0 && kernel.asked == [70, -1])
    }

    @Test func aWaitThatFailsHasReportedNothing() {
        let kernel = Events()
        kernel.error = Int(-EINTR)
        var loop = Loop(kernel: Kernel(simulated: kernel), poll: -1)
        let count = loop.wait(milliseconds: 5)
        #expect(count == 0)
    }

    /// Whoever has a turn to come is not kept waiting by those who have nothing.
    @Test func turnsComeInOrderAndShortenTheWait() {
        let kernel = Events()
        var loop = Loop(kernel: Kernel(simulated: kernel), poll: -1)
        for slot in [5, 2, 5] as [Int32] { loop.queue(tag(slot)) }
        let (hasTurns, count) = (loop.hasTurns, loop.turnCount)
        #expect(hasTurns && count == 3)
        _ = loop.wait(milliseconds: 1000)
        var turns: [Int32] = []
        while loop.hasTurns { turns.append(loop.nextTurn().slot) }
        #expect(turns == [5, 2, 5] && kernel.asked == [0])
        _ = loop.wait(milliseconds: 1000)
        #expect(kernel.asked == [0, 1000])
    }

    /// After a wait that has told of everything, a look at a connection on which nothing came can be spared, a few times.
    @Test(arguments: [(0, 8), (255, 8), (256, 0), (1, 8)])
    func howManyLooksAWaitStandsFor(_ workedOff: Int, _ looks: Int) {
        var loop = Loop(kernel: Kernel(simulated: Events()), poll: -1)
        let before = loop.standsForLook()
        #expect(!before, "nobody has waited yet")
        _ = loop.wait(milliseconds: 0)
        loop.workedOff(workedOff)
        let spared = (0..<20).map { _ in loop.standsForLook() }
        #expect(spared == (0..<20).map { $0 < looks })
        loop.workedOff(0)
        _ = loop.wait(milliseconds: 0)
        let after = loop.standsForLook()
        #expect(!after, "what has come since the next wait began is yet to be reported")
    }
}
