import Facts
import HTTP1
import Testing

@testable import Detector

/// What is collected at once, and when each is settled.
@Suite struct SurplusCollectionsTests {
    private typealias Past = SurplusCollectionTests.Past
    private typealias Machine = SurplusCollections<Past>
    private typealias Source = Machine.Source

    private func collection(_ at: UInt64, bytes: UInt64 = 1) -> SurplusCollection<Past> {
        SurplusCollection(.idle, connectionOffset: 0, startedAt: at, frames: SurplusFacts(total: bytes))
    }

    @Test func aCollectionIsTakenOnce() {
        var machine = Machine()
        func take(_ source: Source) -> Bool { machine.take(source) != nil }
        #expect(!take(Source(1)))
        machine.begin(collection(0), from: Source(1))
        machine.begin(collection(0), from: Source(1, stream: 3))
        #expect(machine.count == 2 && machine.contains(Source(1)) && !machine.contains(Source(1, stream: 5)))
        #expect(take(Source(1)))
        #expect(!take(Source(1)))
        #expect(machine.contains(Source(1, stream: 3)), "a stream's is not its connection's")
        #expect(take(Source(1, stream: 3)))
        #expect(machine.count == 0 && machine.due == nil)
    }

    @Test func moreGoesWhereItBelongs() throws {
        var machine = Machine()
        machine.begin(SurplusCollection(.idle, connectionOffset: 0, startedAt: 0), from: Source(1))
        machine.begin(collection(0), from: Source(1, stream: 3))
        let bytes = Array("more".utf8)
        let takesMore = machine.add(bytes, 4, at: 5, to: Source(1))
        machine.count(4, of: Source(1, stream: 3))
        machine.keep(bytes, 4, of: Source(1, stream: 3))
        machine.name(Source(1), "an id")
        machine.note(.aborted, of: Source(1))
        #expect(takesMore && machine.id(of: Source(1)) == "an id" && machine.id(of: Source(1, stream: 3)) == nil)
        let connection = machine.take(Source(1))
        let stream = machine.take(Source(1, stream: 3))
        #expect(connection?.total == 4 && connection?.id == "an id" && connection?.clientImpact == .aborted)
        #expect(stream?.total == 5 && stream?.kept == bytes)
    }

    @Test func whatIsFullTakesNoMore() {
        var machine = Machine()
        machine.begin(collection(0, bytes: SurplusCollection<Past>.countedBytesMax - 1), from: Source(1))
        let takesMore = machine.add([0x0a], 1, at: 5, to: Source(1))
        #expect(!takesMore)
    }

    @Test func whatMayBeATimeoutsNoticeHasLonger() {
        func end(_ text: String, _ place: SurplusPlace = .idle, untimed: Bool = false, at now: UInt64 = Machine.collectTime)
            -> UInt64?
        {
            var machine = Machine()
            var collection = SurplusCollection<Past>(place, connectionOffset: 0, startedAt: 0)
            collection.add(Array(text.utf8), text.utf8.count)
            machine.begin(collection, from: Source(1))
            return machine.noticeTimeEnds(Source(1), by: SurplusReader.self, untimed: untimed, at: now)
        }
        for beginning in ["H", "HTTP/1.", "HTTP/1.0 40", SurplusCollectionTests.notice] {
            #expect(end(beginning) == Machine.noticeTime)
            #expect(end(beginning, at: Machine.noticeTime) == nil, "it has had its time")
            #expect(end(beginning, .afterEnd) == nil, "right behind an answer it is a second one")
            #expect(end(beginning, .afterEnd, untimed: true) == Machine.noticeTime, "nobody knows when it came")
        }
        for other in ["\r\n", "x", "HTTP/2", "HTTP/1.1 50", SurplusCollectionTests.second] { #expect(end(other) == nil) }
        #expect(Machine().noticeTimeEnds(Source(1), by: SurplusReader.self, untimed: false, at: 0) == nil)
    }

    @Test func streamsAreSettledInTheirOrderAndConnectionsByTheirReaders() {
        var machine = Machine()
        machine.begin(collection(10), from: Source(1))
        #expect(machine.due == nil)
        for (i, stream) in [(9, 5), (8, 1), (9, 3)].enumerated() {
            machine.begin(collection(UInt64(20 + i)), from: Source(Int32(stream.0), stream: Int32(stream.1)))
        }
        let first = 20 + Machine.collectTime
        #expect(machine.due == first)
        #expect(machine.due(at: first - 1) == nil && machine.due(at: first) == Source(9, stream: 5))
        #expect(machine.first(of: 8) == Source(8, stream: 1) && machine.first(of: 7) == nil)
        _ = machine.take(Source(9, stream: 5))
        #expect(machine.due == first + 1 && machine.first(of: 9) == Source(9, stream: 3))
    }

    @Test func theOldestStreamMakesRoom() {
        var machine = Machine()
        for stream in 0..<Machine.streamsMax {
            #expect(machine.crowdedOut == nil)
            machine.begin(collection(UInt64(stream)), from: Source(1, stream: Int32(stream)))
            machine.begin(collection(UInt64(stream)), from: Source(Int32(stream) + 2))
        }
        #expect(machine.crowdedOut == Source(1, stream: 0))
        _ = machine.take(Source(1, stream: 0))
        #expect(machine.crowdedOut == nil)
    }
}
