import Chance
import Facts
import Testing

@testable import Detector

/// What is collected at once, against a plain list: connections and streams that begin, go on and are taken in any order.
@Suite struct SurplusCollectionsModelTests {
    private typealias Past = SurplusCollectionTests.Past
    private typealias Machine = SurplusCollections<Past>
    private typealias Source = Machine.Source

    private struct Known {
        var source: Source
        var startedAt: UInt64
        var total: UInt64
        var id: String?
    }

    @Test(arguments: 0..<10 as Range<UInt64>)
    func randomOperations(seed: UInt64) {
        var chance = Chance(seed: seed)
        var machine = Machine()
        // In the order in which they began.
        var known: [Known] = []
        var now: UInt64 = 1000
        let bytes = Array("surplus".utf8)
        for step in 0..<800 {
            now += UInt64(chance.below(30_000_000))
            let source = Source(Int32(chance.below(4)), stream: Int32(chance.below(5)) - 1)
            let place = known.firstIndex { $0.source == source }
            #expect(machine.contains(source) == (place != nil))
            switch chance.below(4) {
            case 0 where place == nil:
                machine.begin(SurplusCollection(.idle, connectionOffset: 0, startedAt: now), from: source)
                known.append(Known(source: source, startedAt: now, total: 0))
            case 1:
                let takesMore = machine.add(bytes, bytes.count, at: now, to: source)
                #expect(takesMore)
                machine.count(3, of: source)
                if let place { known[place].total += UInt64(bytes.count) + 3 }
            case 2:
                machine.name(source, "id \(step)")
                if let place { known[place].id = "id \(step)" }
            default:
                let taken = machine.take(source)
                #expect(taken?.total == place.map { known[$0].total } && taken?.id == place.flatMap { known[$0].id })
                if let place { known.remove(at: place) }
            }
            let streams = known.filter { $0.source.stream >= 0 }
            #expect(machine.count == known.count && machine.id(of: source) == known.first { $0.source == source }?.id)
            #expect(machine.due == streams.first.map { $0.startedAt + Machine.collectTime })
            let isDue = streams.first.map { $0.startedAt + Machine.collectTime <= now } ?? false
            #expect(machine.due(at: now) == (isDue ? streams[0].source : nil))
            for connection in 0..<4 as Range<Int32> {
                #expect(machine.first(of: connection) == streams.first { $0.source.connection == connection }?.source)
            }
        }
    }
}
