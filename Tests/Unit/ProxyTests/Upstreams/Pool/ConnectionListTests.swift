import Chance
import EventLoop
import Testing

@testable import Proxy

/// Lists that are linked through their elements, against plain arrays: two lists in one slab, each element in one at most.
@Suite struct ConnectionListTests {
    private struct Element: Listed {
        var next: Int32 = -1
        var previous: Int32 = -1
    }

    private func forwards(_ list: ConnectionList, _ slab: borrowing Slab<Element>) -> [Int32] {
        var (slots, at) = ([] as [Int32], list.first)
        while at >= 0, slots.count <= slab.count {
            slots.append(at)
            at = slab[at].pointee.next
        }
        return slots
    }

    private func backwards(_ list: ConnectionList, _ slab: borrowing Slab<Element>) -> [Int32] {
        var (slots, at) = ([] as [Int32], list.last)
        while at >= 0, slots.count <= slab.count {
            slots.append(at)
            at = slab[at].pointee.previous
        }
        return slots
    }

    @Test(arguments: 0..<12 as Range<UInt64>)
    func randomOperations(seed: UInt64) {
        var chance = Chance(seed: seed)
        var slab = Slab<Element>(capacity: 24)!
        var lists = [ConnectionList(), ConnectionList()]
        var models: [[Int32]] = [[], []]
        var free = (0..<24).map { _ in slab.take(Element()) }
        for _ in 0..<1500 {
            let which = chance.below(2)
            if !free.isEmpty, chance.oneIn(2) {
                let slot = free.remove(at: chance.below(free.count))
                if chance.oneIn(2) {
                    lists[which].append(slot, slab)
                    models[which].append(slot)
                } else {
                    lists[which].prepend(slot, slab)
                    models[which].insert(slot, at: 0)
                }
            } else if !models[which].isEmpty {
                let slot = models[which].remove(at: chance.below(models[which].count))
                lists[which].remove(slot, slab)
                #expect(slab[slot].pointee.next == -1 && slab[slot].pointee.previous == -1)
                free.append(slot)
            }
            for i in 0...1 {
                #expect(forwards(lists[i], slab) == models[i] && backwards(lists[i], slab) == models[i].reversed())
                #expect(lists[i].isEmpty == models[i].isEmpty)
            }
        }
    }
}
