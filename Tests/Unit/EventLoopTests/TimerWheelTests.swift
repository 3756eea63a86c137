import Chance
import EventLoop
import Testing

@Suite struct TimerWheelTests {
    private let tick = TimerWheel.tickNanoseconds

    private func expired(_ wheel: inout TimerWheel, now: UInt64) -> [Int32] {
        var slots: [Int32] = []
        while let slot = wheel.expire(now: now) { slots.append(slot) }
        return slots
    }

    @Test func aDeadlineIsMetOnceAndNotEarly() {
        var wheel = TimerWheel(capacity: 4, now: 0)
        wheel.open(2)
        wheel.set(2, 10 * tick + 1)
        #expect(wheel.deadline(2) == 10 * tick + 1)
        #expect(expired(&wheel, now: 10 * tick) == [])
        #expect(expired(&wheel, now: 11 * tick) == [2])
        #expect(wheel.deadline(2) == 0)
        #expect(expired(&wheel, now: 5000 * tick) == [])
    }

    @Test func aDeadlineMovesBothWays() {
        var wheel = TimerWheel(capacity: 4, now: 0)
        wheel.open(0)
        wheel.set(0, 10 * tick)
        wheel.set(0, 500 * tick)
        #expect(expired(&wheel, now: 400 * tick) == [])
        wheel.set(0, 410 * tick)
        #expect(expired(&wheel, now: 411 * tick) == [0])
    }

    @Test func aDeadlineIsTakenAway() {
        var wheel = TimerWheel(capacity: 4, now: 0)
        for slot in 0..<3 as Range<Int32> {
            wheel.open(slot)
            wheel.set(slot, 10 * tick)
        }
        wheel.set(0, 0)
        wheel.close(1)
        #expect(expired(&wheel, now: 20 * tick) == [2])
        #expect(TimerWheel.milliseconds(until: wheel.due, now: 20 * tick) == -1)
    }

    @Test func aDeadlineInThePastComesAtOnce() {
        var wheel = TimerWheel(capacity: 2, now: 1000 * tick)
        wheel.open(0)
        wheel.set(0, 1)
        #expect(TimerWheel.milliseconds(until: wheel.due, now: 1000 * tick) <= 4)
        #expect(expired(&wheel, now: 1001 * tick) == [0])
    }

    /// Every distance over both rings and beyond: late by a tick at the most.
    @Test func everyDistanceIsMetWithinATick() {
        for start in [0, 1, 255, 256, 257, 65_535, 1_000_000] as [UInt64] {
            for distance in [1, 2, 254, 255, 256, 257, 511, 512, 513, 768, 10_000, 65_279, 65_280, 65_281, 70_000] as [UInt64] {
                var wheel = TimerWheel(capacity: 1, now: start * tick)
                wheel.open(0)
                wheel.set(0, (start + distance) * tick)
                #expect(expired(&wheel, now: (start + distance) * tick - 1) == [], "\(start) + \(distance)")
                #expect(expired(&wheel, now: (start + distance + 1) * tick) == [0], "\(start) + \(distance)")
            }
        }
    }

    @Test func nobodyIsLostInALongSleep() {
        var wheel = TimerWheel(capacity: 3, now: 0)
        for slot in 0..<3 as Range<Int32> { wheel.open(slot) }
        wheel.set(0, 5 * tick)
        wheel.set(1, 3_600_000_000_000)
        wheel.set(2, 36_000_000_000_000)
        #expect(expired(&wheel, now: 7_200_000_000_000).sorted() == [0, 1])
        #expect(expired(&wheel, now: 36_000_000_000_000 + tick) == [2])
    }

    /// Random operations and sleeps against a list of deadlines. Between two looks the loop sleeps as long as it is returned,
    /// so a wheel that says too much would be late.
    @Test(arguments: 0..<40) func againstAList(seed: UInt64) {
        var chance = Chance(seed: seed)
        let capacity = 1 + chance.below(30)
        var now = UInt64(chance.below(1_000_000_000_000))
        var wheel = TimerWheel(capacity: capacity, now: now)
        var deadlines: [Int32: UInt64] = [:]
        for slot in 0..<Int32(capacity) { wheel.open(slot) }
        for _ in 0..<3000 {
            for _ in 0..<chance.below(4) {
                let slot = Int32(chance.below(capacity))
                if chance.oneIn(5) {
                    if chance.oneIn(2) {
                        wheel.set(slot, 0)
                    } else {
                        wheel.close(slot)
                        wheel.open(slot)
                    }
                    deadlines[slot] = nil
                } else {
                    let distance = chance.pick([1_000_000, 50_000_000, 2_000_000_000, 60_000_000_000, 400_000_000_000])
                    deadlines[slot] = now + 1 + UInt64(chance.below(distance))
                    wheel.set(slot, deadlines[slot]!)
                }
            }
            let returned = TimerWheel.milliseconds(until: wheel.due, now: now)
            #expect(returned >= 0 || deadlines.isEmpty, "a deadline that nobody waits for")
            let most = returned < 0 ? UInt64(1_000_000_000) : UInt64(returned) * 1_000_000
            now += chance.oneIn(3) ? UInt64(chance.below(Int(most) + 1)) : most
            for slot in expired(&wheel, now: now) {
                let deadline = deadlines.removeValue(forKey: slot)
                #expect(deadline != nil, "expired without a deadline, or twice")
                #expect(deadline ?? 0 <= now, "early")
            }
            // Sleeps are whole milliseconds.
            for deadline in deadlines.values { #expect(deadline + tick + 1_000_000 > now, "late by \(now - deadline)") }
        }
    }

    @Test func loopsSleepUntilTheNextDeadlineOnly() {
        var wheel = TimerWheel(capacity: 2, now: 0)
        wheel.open(0)
        #expect(TimerWheel.milliseconds(until: wheel.due, now: 0) == -1)
        wheel.set(0, 100_000_000)
        let returned = TimerWheel.milliseconds(until: wheel.due, now: 0)
        #expect(returned >= 100 && returned <= 104)
        #expect(TimerWheel.milliseconds(until: wheel.due, now: 200_000_000) == 0)
    }
}
