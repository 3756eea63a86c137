import EventLoop
import Simulation
import Testing

@testable import Proxy

/// Pipes are lent while bytes are in them; few are kept, and never more than so many are lent.
@Suite struct PipesTests {
    private final class Unable: SimulatedKernel {}

    @Test func anEmptyOneIsLentAgain() {
        var pipes = Pipes(Kernel(simulated: SimulatedNetwork(seed: 1)))
        let first = pipes.take()
        let ends = pipes[first]
        pipes.give(first)
        let second = pipes.take()
        #expect(second == first)
        #expect(pipes[second].readEnd == ends.readEnd && pipes[second].writeEnd == ends.writeEnd)
        #expect(pipes.lent == 1)
    }

    @Test func oneWithBytesInItIsNot() {
        var pipes = Pipes(Kernel(simulated: SimulatedNetwork(seed: 1)))
        let first = pipes.take()
        pipes.change(first, by: 10)
        pipes.give(first)
        #expect(pipes.lent == 0)
        let second = pipes.take()
        #expect(pipes[second].held == 0)
    }

    @Test func theyAreBounded() {
        var pipes = Pipes(Kernel(simulated: SimulatedNetwork(seed: 1)))
        var taken: [Int8] = []
        for _ in 0..<Pipes.lentMax { taken.append(pipes.take()) }
        #expect(Set(taken).count == Pipes.lentMax)
        let more = pipes.take()
        #expect(more == -1)
        for one in taken { pipes.give(one) }
        #expect(pipes.lent == 0)
        let again = pipes.take()
        #expect(again >= 0)
    }

    @Test func aKernelThatHasNone() {
        var pipes = Pipes(Kernel(simulated: Unable()))
        let none = pipes.take()
        #expect(none == -1)
        pipes.giveUp()
        let mayTake = pipes.mayTake
        #expect(!mayTake)
    }
}
