import Chance
import HTTP2
import Testing

@testable import Proxy

/// Connections that come, go and are marked in any order: each that is marked comes up once, nobody else does.
@Suite struct MultiplexingModelTests {
    @Test(arguments: 0..<8 as Range<UInt64>)
    func randomOperations(seed: UInt64) {
        var chance = Chance(seed: seed)
        var multiplexing = Multiplexing()
        // By number: the slot of its connection, and whether it is marked.
        var present: [Int32: Int32] = [:]
        var marked: Set<Int32> = []
        var nextSlot: Int32 = 0
        for _ in 0..<400 {
            switch chance.below(5) {
            case 0 where present.count < 12:
                let number = multiplexing.add(
                    SharedConnection(HTTP2Session(.client, HTTP2Limits())!, .client(ClientSlot(nextSlot))))
                #expect(present[number] == nil, "a number of its own")
                #expect(number < 12, "numbers are used again")
                present[number] = nextSlot
                nextSlot += 1
            case 1:
                guard let number = present.keys.sorted().randomElement(using: &chance) else { continue }
                multiplexing.remove(number)
                present[number] = nil
                marked.remove(number)
            case 2, 3:
                guard let number = present.keys.sorted().randomElement(using: &chance) else { continue }
                multiplexing.mark(number)
                marked.insert(number)
            default:
                // A part of them, or all; some are marked again meanwhile.
                for _ in 0..<chance.below(6) {
                    guard let next = multiplexing.next() else {
                        #expect(marked.isEmpty)
                        let hasMarks = multiplexing.hasMarks
                        #expect(!hasMarks)
                        break
                    }
                    guard case .client(let slot) = next, let number = present.first(where: { $0.value == slot.index })?.key
                    else {
                        Issue.record("\(next) has gone")
                        continue
                    }
                    #expect(marked.remove(number) != nil, "it was not marked, or had come up already")
                    if chance.oneIn(3) {
                        multiplexing.mark(number)
                        marked.insert(number)
                    }
                }
            }
        }
        var last: [Int32] = []
        while let next = multiplexing.next() {
            if case .client(let slot) = next { last.append(slot.index) }
        }
        #expect(last.sorted() == marked.compactMap { present[$0] }.sorted())
    }
}
