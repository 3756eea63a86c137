import Detector
import Testing

@Suite struct HistoryTests {
    @Test func theLastOnesAreKeptTheNewestFirst() {
        for capacity in [1, 2, 3, 4, 5, 8, 12, 64] {
            var history = History<Int>(capacityMax: capacity)
            defer { history.deallocate() }
            #expect(history.isEmpty && history.latest == nil)
            for i in 0..<200 {
                #expect(history.add(i) == (i >= capacity ? i - capacity : nil), "\(capacity) \(i)")
                #expect(history.latest == i && history.count == min(i + 1, capacity))
                for age in 0..<history.count { #expect(history[age] == i - age) }
            }
            #expect(history.first { $0 % 2 == 0 } == (capacity > 1 ? 198 : nil))
            history.replaceLatest(-1)
            #expect(history.latest == -1)
        }
    }

    @Test func theNewestThatMatchesIsChanged() {
        var history = History<Int>(capacityMax: 3)
        defer { history.deallocate() }
        for i in 0..<5 { _ = history.add(i) }
        history.change(where: { $0 % 2 == 0 }, { $0 = 40 })
        history.change(where: { $0 == 3 }, { $0 = 30 })
        history.change(where: { $0 == 1 }, { $0 = 10 })
        #expect([history[0], history[1], history[2]] == [40, 30, 2])
    }

    @Test func itBeginsAnew() {
        var history = History<UInt8>(capacityMax: 4)
        for i in 0..<9 as Range<UInt8> { _ = history.add(i) }
        history.deallocate()
        #expect(history.isEmpty)
        #expect(history.add(7) == nil && history.latest == 7)
        history.deallocate()
    }
}
