import Chance
import EventLoop
import Testing

@Suite struct SlabTests {
    @Test func placesAreTakenInOrderAndReusedLastInFirstOut() {
        var slab = Slab<Int>(capacity: 4)!
        let places = (0..<4).map { slab.take($0 * 10) }
        #expect(places == [0, 1, 2, 3])
        let beyond = slab.take(99)
        #expect(beyond == -1, "all are taken")
        #expect(slab.count == 4)
        slab.release(1)
        slab.release(3)
        #expect(slab.count == 2)
        let again = [7, 8, 9].map { slab.take($0) }
        #expect(again == [3, 1, -1])
        let values = [slab[3].pointee, slab[1].pointee, slab[0].pointee]
        #expect(values == [7, 8, 0])
        slab.release(1)
        slab.release(0)
        var taken: [Slot<Int>] = []
        var slot = slab.next(after: .none)
        while slot.exists {
            taken.append(slot)
            slot = slab.next(after: slot)
        }
        #expect(taken == [2, 3], "in order, without those that are free")
    }

    /// An event for whoever stood in a place before is recognised by the generation it carries.
    @Test func generationsChangeWhenAPlaceIsGivenBack() {
        var slab = Slab<Int>(capacity: 2)!
        let slot = slab.take(1)
        let first = slab.generation(slot)
        #expect(isTaken(slab, slot) == true)
        slab.release(slot)
        let between = slab.generation(slot)
        #expect(isTaken(slab, slot) == false && between != first)
        let second = slab.take(2)
        #expect(second == slot)
        // Taking does not change it: the tag that is made right after holds as long as the place is held.
        #expect(generation(slab, slot) == between)
        slab[slot].pointee = 5
        #expect(generation(slab, slot) == between)
        #expect(generation(slab, 1) == 0, "others are untouched")
    }

    /// Against a dictionary: what is taken, its value, its generation.
    @Test(arguments: 0..<20) func randomOperations(seed: UInt64) {
        var chance = Chance(seed: seed)
        let capacity = 1 + chance.below(40)
        var slab = Slab<UInt64>(capacity: capacity)!
        var held: [Slot<UInt64>: UInt64] = [:]
        var generations: [Slot<UInt64>: UInt32] = [:]
        for step in 0..<2000 as Range<UInt64> {
            if chance.oneIn(2),
                let slot = held.keys.sorted(by: { $0.index < $1.index }).dropFirst(chance.below(max(1, held.count))).first
            {
                slab.release(slot)
                held[slot] = nil
                generations[slot, default: 0] += 1
            } else {
                let slot = slab.take(step)
                #expect((slot == -1) == (held.count == capacity))
                guard slot.exists else { continue }
                #expect(held[slot] == nil, "place \(slot) was given twice")
                held[slot] = step
            }
            #expect(slab.count == held.count)
        }
        for slot in (0..<Int32(capacity)).map({ Slot<UInt64>($0) }) {
            #expect(isTaken(slab, slot) == (held[slot] != nil))
            #expect(generation(slab, slot) == generations[slot, default: 0])
            let value = slab[slot].pointee
            #expect(held[slot] == nil || held[slot] == value)
        }
    }

    private func isTaken<T>(_ slab: borrowing Slab<T>, _ slot: Slot<T>) -> Bool { slab.isTaken(slot) }
    private func generation<T>(_ slab: borrowing Slab<T>, _ slot: Slot<T>) -> UInt32 { slab.generation(slot) }
}
