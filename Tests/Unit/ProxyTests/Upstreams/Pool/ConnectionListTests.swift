import Chance
import EventLoop
import Testing

@testable import Proxy

/// Lists that are linked through their elements, against plain arrays: two lists in one slab, each element in one at most.
@Suite struct ConnectionListTests {
    private struct Element: Listed {
        var next = Slot<Element>.none
        var previous = Slot<Element>.none
    }

    private func forwards(_ list: ConnectionList<Element>, _ slab: borrowing Slab<Element>) -> [Slot<Element>] {
        var (slots, at) = ([] as [Slot<Element>], list.first)
        while at.exists, slots.count <= slab.count {
            slots.append(at)
            at = slab[at].pointee.next
        }
        return slots
    }

    private func backwards(_ list: ConnectionList<Element>, _ slab: borrowing Slab<Element>) -> [Slot<Element>] {
        var (slots, at) = ([] as [Slot<Element>], list.last)
        while at.exists, slots.count <= slab.count {
            slots.append(at)
            at = slab[at].pointee.previous
        }
        return slots
    }

    @Test(arguments: 0..<12 as Range<UInt64>)
    func randomOperations(seed: UInt64) {
        var chance = Chance(seed: seed)
        var slab = Slab<Element>(capacity: 24)!
        var lists = [ConnectionList<Element>(), ConnectionList<Element>()]
        var models: [[Slot<Element>]] = [[], []]
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
                #expect(slab[slot].pointee.next.isNone && slab[slot].pointee.previous.isNone)
                free.append(slot)
            }
            for i in 0...1 {
                #expect(forwards(lists[i], slab) == models[i] && backwards(lists[i], slab) == models[i].reversed())
                #expect(lists[i].isEmpty == models[i].isEmpty)
            }
        }
    }
}
