import Testing

@testable import Proxy

/// Who waits on which worker, and to whom a connection is left.
@Suite struct WaitingRoomTests {
    private static let handover = WaitingRoom.handoverNanoseconds

    @Test func theRoomIsBoundedOverAllWorkers() {
        let room = WaitingRoom(upstreams: 2, servers: 0, workers: 3)
        let entered = (0..<5).map { _ in room.enter(1, max: 3) }
        #expect(entered == [true, true, true, false, false])
        #expect(room.count(1) == 3 && room.count(0) == 0, "who was refused is not counted")
        room.leave(1)
        #expect(room.enter(1, max: 3) && room.count(1) == 3)
        #expect(!room.enter(0, max: 0) && room.count(0) == 0)
    }

    struct Case: Sendable {
        /// Since when the first waits, by worker: for the upstream, and for its server. 0 for nobody.
        var waiting: [(UInt64, UInt64)]
        /// Who should have the connection that comes free on worker 0.
        var handover: Int?
    }

    private static let start: UInt64 = 1_000_000_000

    static let cases: [Case] = [
        Case(waiting: [(0, 0), (0, 0), (0, 0)], handover: nil), Case(waiting: [(0, 0), (start, 0), (0, 0)], handover: 1),
        Case(waiting: [(0, 0), (0, start), (0, 0)], handover: 1),
        Case(waiting: [(0, 0), (start, 0), (start - 1, 0)], handover: 2),
        Case(waiting: [(0, 0), (start, start - 2), (start - 1, 0)], handover: 1),
        Case(waiting: [(start, 0), (0, 0), (0, 0)], handover: nil),
        // Here somebody waits too: only who has waited longer by so much is preferred.
        Case(waiting: [(start, 0), (start - handover, 0), (0, 0)], handover: nil),
        Case(waiting: [(start, 0), (start - handover - 1, 0), (0, 0)], handover: 1),
        Case(waiting: [(0, start), (0, start - handover - 1), (0, 0)], handover: 1),
        Case(waiting: [(start, start - 10 * handover), (start - handover - 1, 0), (0, 0)], handover: nil),
        Case(waiting: [(start, 0), (start - handover - 1, 0), (0, start - handover - 2)], handover: 2),
        // Times near the clock's beginning do not wrap round.
        Case(waiting: [(5, 0), (1, 0), (0, 0)], handover: nil),
    ]

    @Test(arguments: cases)
    func heirs(_ one: Case) {
        let room = WaitingRoom(upstreams: 1, servers: 1, workers: 3)
        for (worker, since) in one.waiting.enumerated() {
            room.setSince(since.0, worker: worker, queue: 0)
            room.setSince(since.1, worker: worker, queue: 1)
        }
        #expect(room.handover(besides: 0, queues: (0, 1)) == one.handover)
    }

    @Test func otherQueuesAreNobodysMatter() {
        let room = WaitingRoom(upstreams: 2, servers: 2, workers: 2)
        room.setSince(7, worker: 1, queue: 1)
        room.setSince(7, worker: 1, queue: 3)
        #expect(room.handover(besides: 0, queues: (0, 2)) == nil)
        #expect(room.handover(besides: 0, queues: (0, 3)) == 1 && room.handover(besides: 0, queues: (1, 2)) == 1)
        room.setSince(0, worker: 1, queue: 1)
        #expect(room.handover(besides: 0, queues: (1, 2)) == nil)
    }
}
