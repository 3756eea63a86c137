import Chance
import EventLoop
import Testing

@testable import Proxy

/// The queues against arrays: two upstreams with three servers, and whoever comes, is called, is too late, or leaves.
@Suite struct WaitQueuesModelTests {
    private struct Waiting {
        var number: ExchangeSlot
        var since: UInt64
        var isCalled = false
    }

    private static let upstreamOf = [0, 0, 1]

    @Test(arguments: 0..<16 as Range<UInt64>)
    func randomOperations(seed: UInt64) {
        var chance = Chance(seed: seed)
        let room = WaitingRoom(upstreams: 2, servers: 3, workers: 2)
        var queues = WaitQueues(upstreams: 2, servers: 3, room: room, worker: 0)
        let observer = WaitQueues(upstreams: 2, servers: 3, room: room, worker: 1)
        var exchanges = Slab<Exchange>(capacity: 64)!
        // By queue: the upstreams' first, then the servers'.
        var model = [[Waiting]](repeating: [], count: 5)
        // Called, taken out, and looking for a connection: may be put back.
        var looking: [(number: ExchangeSlot, since: UInt64, queue: Int)] = []
        var now: UInt64 = 100
        let most = 6
        for _ in 0..<1500 {
            now += 1
            switch chance.below(5) {
            case 0, 1:
                guard exchanges.count < 60 else { continue }
                let queue = chance.below(5)
                let upstream = queue < 2 ? queue : Self.upstreamOf[queue - 2]
                var exchange = Exchange(client: 0, startedAt: 0)
                exchange.upstreamIndex = UInt16(upstream)
                let number = exchanges.take(exchange)
                let result = queues.enqueue(
                    number, boundTo: queue < 2 ? .none : ServerIndex(queue - 2), max: most, now, exchanges)
                let fits = count(model, upstream) < most
                #expect(result == (fits ? .queued : .full))
                if fits { model[queue].append(Waiting(number: number, since: now)) } else { exchanges.release(number) }
            case 2:
                let server = chance.below(3)
                let found = queues.next(for: ServerIndex(server), of: Self.upstreamOf[server], exchanges)
                let expected = firstUncalled(model, [Self.upstreamOf[server], 2 + server])
                #expect(found == expected?.number ?? .none)
                guard let expected else { continue }
                queues.call(found, exchanges)
                let queue = model.firstIndex { $0.contains { $0.number == found } }!
                model[queue][model[queue].firstIndex { $0.number == found }!].isCalled = true
                #expect(exchanges[found].pointee.waitingSince == expected.since)
            case 3:
                guard let queue = (0..<5).filter({ !model[$0].isEmpty }).randomElement(using: &chance) else { continue }
                let place = chance.below(model[queue].count)
                let gone = model[queue].remove(at: place)
                queues.remove(gone.number, exchanges)
                #expect(!exchanges[gone.number].pointee.state.isWaiting)
                if gone.isCalled { looking.append((gone.number, gone.since, queue)) } else { exchanges.release(gone.number) }
            default:
                guard let back = looking.popLast() else { continue }
                // It is let in again however full it is, before those who came after it.
                let result = queues.enqueue(
                    back.number, boundTo: back.queue < 2 ? .none : ServerIndex(back.queue - 2), max: 0, now, exchanges)
                #expect(result == .again)
                let place = model[back.queue].firstIndex { $0.since > back.since } ?? model[back.queue].count
                model[back.queue].insert(Waiting(number: back.number, since: back.since), at: place)
            }
            check(queues, observer, model)
        }
        // Everybody is served, the longest waiting first.
        for queue in 0..<2 {
            while let expected = firstUncalled(model, [queue]) {
                #expect(queues.next(upstream: queue, exchanges) == expected.number)
                queues.remove(expected.number, exchanges)
                model[queue].removeAll { $0.number == expected.number }
            }
            #expect(queues.next(upstream: queue, exchanges) == .none)
        }
    }

    private func count(_ model: [[Waiting]], _ upstream: Int) -> Int {
        model[upstream].count + (0..<3).filter { Self.upstreamOf[$0] == upstream }.reduce(0) { $0 + model[2 + $1].count }
    }

    private func firstUncalled(_ model: [[Waiting]], _ queues: [Int]) -> Waiting? {
        queues.compactMap { model[$0].first { !$0.isCalled } }.min { $0.since < $1.since }
    }

    private func check(_ queues: borrowing WaitQueues, _ observer: borrowing WaitQueues, _ model: [[Waiting]]) {
        let total = queues.count
        #expect(total == model.reduce(0) { $0 + $1.count })
        for upstream in 0..<2 {
            let isAwaited = queues.isAwaited(upstream: upstream)
            #expect(isAwaited == !model[upstream].isEmpty)
        }
        for server in 0..<3 {
            let upstream = Self.upstreamOf[server]
            let isAwaited = queues.isAwaited(server: ServerIndex(server))
            #expect(isAwaited == !model[2 + server].isEmpty)
            let isCalled = queues.isCalled(for: ServerIndex(server), of: upstream)
            #expect(isCalled == (model[upstream] + model[2 + server]).contains { $0.isCalled })
            // The other worker, where nobody waits, leaves the next connection to this one as soon as somebody waits uncalled.
            let handover = observer.handover(of: ServerIndex(server), upstream: upstream)
            #expect(handover == (firstUncalled(model, [upstream, 2 + server]) == nil ? nil : 0))
        }
        let wanted = queues.placesWanted(0, servers: 0..<2)
        #expect(wanted == count(model, 0) - (model[0] + model[2] + model[3]).count { $0.isCalled })
    }

    @Test func placesAreLookedForNowAndThen() {
        var queues = WaitQueues(upstreams: 2, servers: 2, room: WaitingRoom(upstreams: 2, servers: 2, workers: 1), worker: 0)
        let asked = [50, 99, 100, 150, 200].map { queues.looksForPlaces(0, UInt64($0), after: 100) }
        #expect(asked == [false, false, true, false, true])
        let other = queues.looksForPlaces(1, 200, after: 100)
        #expect(other, "each upstream by itself")
    }
}
