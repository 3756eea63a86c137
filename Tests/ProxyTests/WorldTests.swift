import Testing
import Worlds

/// The whole proxy between simulated clients and upstreams. `scripts/simulate` runs as many worlds as one likes.
@Suite struct WorldTests {
    /// Seeds that once showed a fault of the worker, and which.
    static let lessons: [(seed: UInt64, lesson: String)] = [
        (0xf893_a2ee_fb32_555e, "a trailer section that arrives apart from the last chunk"),
        (0x88b8_94e1_401e_d25a, "pipelined requests whose client has ended its side"),
        (0x635b_0b7e_74f0_c83e, "an end of the proxy's own choice while the next request arrives"),
        (0xbc2a_b348_3576_b36c, "an end that was read late is no hang-up"),
        (0xb81d_243a_c54a_66a8, "a timeout's notice that was read late"),
        (0xfa2c_02e4_d303_c316, "a status line in a body, and a timeout's notice behind it"),
        (0x345c_82a1_fc3a_cb4c, "a lingering client ends its side before it has everything"),
        (0x4f31_4be7_6438_6e92, "fail, and a timeout's notice that was read late"),
    ]

    @Test(arguments: lessons) func seedsThatTaughtSomething(seed: UInt64, lesson: String) {
        let failures = SimulatedWorld(seed: seed).run()
        #expect(failures.isEmpty, "scripts/simulate 0x\(String(seed, radix: 16)): \(lesson)")
    }

    @Test func innocentWorlds() { run(WorldSeeds(base: 1, count: 60, isInnocent: true)) }

    @Test func faultyWorlds() { run(WorldSeeds(base: 1, count: 60, isInnocent: false)) }

    /// Edges are told once: losing any one that is needed, and that no later one makes up for, must show.
    @Test func everyLostWakeUpIsNoticed() {
        var lost = 0
        var tried = 0
        for seed in WorldSeeds(base: 5, count: 40, isInnocent: true) {
            let whole = SimulatedWorld(seed: seed)
            guard whole.isSteady, tried < 4 else { continue }
            #expect(whole.run().isEmpty)
            // What arrives behind an announced end is read by nobody.
            guard whole.everyoneWasServed, whole.wakeUps < 200 else { continue }
            tried += 1
            for wakeUp in 1...whole.wakeUps {
                let world = SimulatedWorld(seed: seed)
                world.lostWakeUp = wakeUp
                let failures = world.run()
                guard world.isLostForGood else { continue }
                lost += 1
                #expect(
                    !failures.isEmpty, "scripts/simulate 0x\(String(seed, radix: 16)) lost \(wakeUp): \(world.lostWakeUpFacts)")
            }
        }
        #expect(lost > 10)
    }

    /// The same seed gives the same run, to the turn.
    @Test func seedsReplay() {
        for seed in WorldSeeds(base: 3, count: 6) {
            let worlds = [SimulatedWorld(seed: seed), SimulatedWorld(seed: seed)]
            var told: [[String]] = [[], []]
            for i in 0...1 {
                worlds[i].chronicle = { told[i].append($0) }
                _ = worlds[i].run()
            }
            #expect(told[0] == told[1])
            #expect(worlds[0].turns == worlds[1].turns)
        }
    }

    private func run(_ seeds: WorldSeeds) {
        for seed in seeds {
            let failures = SimulatedWorld(seed: seed).run()
            #expect(failures.isEmpty, "scripts/simulate 0x\(String(seed, radix: 16)): \(failures.joined(separator: "; "))")
        }
    }
}
