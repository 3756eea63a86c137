import EventLoop
import Testing

@testable import Proxy

@Suite struct WaitQueuesTests {
    /// Two upstreams; the first has the servers 0 and 1, the second server 2. Time goes on by one with each that comes.
    private struct Stage: ~Copyable {
        let room: WaitingRoom
        var queues: WaitQueues
        var exchanges: Slab<Exchange>
        var now: UInt64 = 0

        init(worker: Int = 0, room: WaitingRoom? = nil) {
            self.room = room ?? WaitingRoom(upstreams: 2, servers: 3, workers: 2)
            queues = WaitQueues(upstreams: 2, servers: 3, room: self.room, worker: worker)
            exchanges = Slab<Exchange>(capacity: 16)!
        }

        /// A new exchange that waits; its number.
        mutating func wait(upstream: Int = 0, boundTo server: ServerIndex = .none, max: Int = 10) -> ExchangeSlot {
            var exchange = Exchange(client: 0, startedAt: 0)
            exchange.upstreamIndex = UInt16(upstream)
            let number = exchanges.take(exchange)
            now += 1
            return queues.enqueue(number, boundTo: server, max: max, now, exchanges) == .queued ? number : -1
        }

        /// Who has the connections to a server that come free one after the other.
        mutating func served(_ server: ServerIndex, of upstream: Int = 0) -> [ExchangeSlot] {
            var order: [ExchangeSlot] = []
            while true {
                let number = queues.next(for: server, of: upstream, exchanges)
                guard number.exists else { return order }
                queues.call(number, exchanges)
                order.append(number)
            }
        }
    }

    @Test func firstComeFirstServed() {
        var stage = Stage()
        let (a, b, c) = (stage.wait(), stage.wait(), stage.wait())
        let other = stage.wait(upstream: 1)
        #expect(stage.served(0) == [a, b, c])
        #expect(stage.served(2, of: 1) == [other])
    }

    @Test func whoBelongsToAServerWaitsForItAlone() {
        var stage = Stage()
        let (bound, free) = (stage.wait(boundTo: 1), stage.wait())
        #expect(stage.served(0) == [free])
        #expect(stage.served(1) == [bound])
        let (early, late) = (stage.wait(), stage.wait(boundTo: 0))
        #expect(stage.served(0) == [early, late])
    }

    @Test func theQueueIsBounded() {
        var stage = Stage()
        let fitting = [stage.wait(max: 2), stage.wait(max: 2), stage.wait(max: 2)].filter { $0.exists }
        #expect(fitting.count == 2)
        #expect(stage.queues.count == 2)
        // Each upstream has a bound of its own.
        #expect(stage.wait(upstream: 1, max: 2).exists)
    }

    @Test func whoIsCalledTooLateComesBackToItsPlace() {
        var stage = Stage()
        let (a, b, c) = (stage.wait(), stage.wait(), stage.wait())
        let called = stage.queues.next(for: 0, of: 0, stage.exchanges)
        stage.queues.call(called, stage.exchanges)
        #expect(stage.queues.isCalled(for: 0, of: 0) == true)
        stage.queues.remove(called, stage.exchanges)
        #expect(stage.queues.isCalled(for: 0, of: 0) == false)
        let again = stage.queues.enqueue(called, boundTo: -1, max: 1, 99, stage.exchanges)
        #expect(again == .again)
        #expect(stage.served(0) == [a, b, c])
    }

    @Test(arguments: 0..<4)
    func whoeverLeavesTheOthersKeepTheirOrder(_ place: Int) {
        var stage = Stage()
        var order = [stage.wait(), stage.wait(), stage.wait(), stage.wait()]
        let leaving = order.remove(at: place)
        stage.queues.remove(leaving, stage.exchanges)
        // Once more changes nothing.
        stage.queues.remove(leaving, stage.exchanges)
        #expect(stage.queues.count == 3)
        order.append(stage.wait())
        #expect(stage.served(1) == order)
    }

    @Test func anotherWorkersExchangeThatHasWaitedLongerIsTheHeir() {
        var here = Stage()
        var there = Stage(worker: 1, room: here.room)
        #expect(here.queues.handover(of: 0, upstream: 0) == nil)
        there.now = 1_000_000_000
        _ = there.wait()
        #expect(here.queues.handover(of: 0, upstream: 0) == 1)
        #expect(here.queues.handover(of: 2, upstream: 1) == nil)
        // Here somebody has waited about as long.
        here.now = there.now + 5_000_000
        let own = here.wait()
        #expect(here.queues.handover(of: 0, upstream: 0) == nil)
        here.queues.call(own, here.exchanges)
        #expect(here.queues.handover(of: 0, upstream: 0) == 1)
    }
}
