import EventLoop
import Testing

@testable import Proxy

@Suite struct ConnectionPoolTests {
    /// One server, of which each worker may pool three connections, and all of them have four. Times are milliseconds.
    private struct Stage: ~Copyable {
        let shared: UnsafeMutablePointer<SharedServer>
        var pool = ConnectionPool()
        var connections: Slab<UpstreamConnection>
        var now: UInt64 = 1000

        init() {
            shared = .allocate(capacity: 1)
            shared.initialize(to: SharedServer())
            connections = Slab<UpstreamConnection>(capacity: 16)!
            pool.addServer(shared, connectionsMax: 4, idleMax: 3)
        }

        deinit { shared.deallocate() }

        /// A connection that is pooled now.
        @discardableResult
        mutating func pooled(idleTimeout: UInt64 = 4000, generation: UInt64 = 0, echoes: Bool = false) -> UpstreamSlot {
            var connection = UpstreamConnection(fd: 3, server: 0, number: 1, idleTimeout: idleTimeout * millisecond)
            connection.echoes = echoes
            connection.addressGeneration = generation
            let slot = connections.take(connection)
            _ = pool.checkIn(slot, now * millisecond, connections)
            return slot
        }

        mutating func checkOut(
            hold: UInt64 = 5, unguarded: Bool = false, unrested: Bool = false, trustsEcho: Bool = false, idleMax: UInt64? = nil,
            generation: UInt64? = nil
        ) -> ConnectionPool.CheckOut {
            var demand = ConnectionPool.Demand()
            demand.isUnguarded = unguarded
            demand.hold = unguarded ? 0 : hold * millisecond
            demand.takesUnrested = unrested
            demand.trustsEcho = trustsEcho
            demand.idleMax = idleMax.map { $0 * millisecond }
            demand.addressGeneration = generation
            return pool.checkOut(0, demand, now * millisecond, connections)
        }

        mutating func checkIn(_ slot: UpstreamSlot) -> ConnectionPool.CheckIn {
            pool.checkIn(slot, now * millisecond, connections)
        }
    }

    @Test func aConnectionRestsForHold() {
        var stage = Stage()
        let slot = stage.pooled()
        stage.now += 4
        #expect(stage.checkOut() == .empty)
        stage.now += 1
        #expect(stage.checkOut() == .examine(slot))
        #expect(stage.checkOut() == .empty)
        #expect(stage.shared.pointee.idle == 0)
    }

    @Test func unguardedOnesAreTakenUnseenTheLastOneFirst() {
        var stage = Stage()
        let (a, b) = (stage.pooled(), stage.pooled())
        #expect(stage.checkOut(unguarded: true) == .connection(b))
        #expect(stage.checkOut(unguarded: true) == .connection(a))
    }

    @Test func settledOnesComeFirstTheLastOneFirstThenTheLongestRested() {
        var stage = Stage()
        let a = stage.pooled()
        stage.now += 1
        let b = stage.pooled()
        stage.now += 60
        let c = stage.pooled()
        stage.now += 10
        #expect(stage.checkOut() == .examine(b))
        #expect(stage.checkOut() == .examine(a))
        #expect(stage.checkOut() == .examine(c))
        let (d, e) = (stage.pooled(), stage.pooled())
        stage.now += 20
        #expect(stage.checkOut() == .examine(d))
        #expect(stage.checkOut() == .examine(e))
    }

    @Test func whoMustTakesWhatHasNotRested() {
        var stage = Stage()
        let slot = stage.pooled()
        #expect(stage.checkOut() == .empty)
        #expect(stage.checkOut(unrested: true) == .examine(slot))
    }

    @Test func whoWouldBeAskedForAgainNeedsNoRestWhereAnswersEcho() {
        for (echoes, trusts) in [(false, false), (false, true), (true, false), (true, true)] {
            var stage = Stage()
            let slot = stage.pooled(echoes: echoes)
            #expect(stage.checkOut(trustsEcho: trusts) == (echoes && trusts ? .examine(slot) : .empty))
        }
    }

    @Test func whatIsTooOldOrLeadsElsewhereIsClosed() {
        var stage = Stage()
        let (old, moved) = (stage.pooled(idleTimeout: 100), stage.pooled(generation: 2))
        stage.now += 100
        #expect(stage.checkOut(generation: 4) == .close(moved, .aged))
        #expect(stage.checkOut(generation: 4) == .close(old, .idleTimeout))
        #expect(stage.checkOut(generation: 4) == .empty)
    }

    @Test func whatIsOlderThanItsServersLimitStaysUnused() {
        var stage = Stage()
        let old = stage.pooled()
        stage.now += 30
        let young = stage.pooled()
        stage.now += 10
        #expect(stage.checkOut(idleMax: 37) == .examine(young))
        #expect(stage.checkOut(idleMax: 37) == .empty)
        #expect(stage.pool.idleCount(0) == 1)
        // Its place is needed.
        #expect(stage.checkOut(unrested: true, idleMax: 37) == .close(old, .idleTimeout))
        #expect(stage.pool.idleCount(0) == 0)
    }

    @Test func noMoreAreKeptThanMayBe() {
        var stage = Stage()
        let oldest = stage.pooled()
        stage.pooled()
        stage.pooled()
        let connection = UpstreamConnection(fd: 3, server: 0, number: 4, idleTimeout: 1)
        let slot = stage.connections.take(connection)
        #expect(stage.checkIn(slot) == .insteadOf(oldest))
        #expect(stage.pool.idleCount(0) == 3)
        #expect(stage.shared.pointee.idle == 3)
    }

    @Test func placesAreCountedOverAllWorkers() {
        var stage = Stage()
        let taken = (0..<5).map { _ in stage.pool.takePlace(0) }
        #expect(taken == [true, true, true, true, false])
        #expect(stage.pool.mayOpen(0) == false)
        // One that another worker has left is counted already.
        stage.pool.grantPlace(0)
        #expect(stage.pool.mayOpen(0) == true)
        let (granted, further) = (stage.pool.takePlace(0), stage.pool.takePlace(0))
        #expect(granted && !further)
        #expect(stage.shared.pointee.connections == 4)
        stage.pool.freePlace(0)
        #expect(stage.pool.mayOpen(0) == true)
        let nothingGranted = stage.pool.ungrantPlace(0)
        #expect(nothingGranted == false)
    }

    @Test func watchedOnesMakeRoomTheLongestWatchedFirst() {
        var stage = Stage()
        let (a, b) = (stage.pooled(), stage.pooled())
        for slot in [a, b] {
            stage.pool.remove(slot, stage.connections)
            stage.pool.watch(slot, stage.connections)
        }
        #expect(stage.pool.hasConnection(0) == true)
        #expect(stage.pool.cutWatch(0) == a)
        #expect(stage.shared.pointee.listeningCut == 1)
        stage.pool.unwatch(a, stage.connections)
        // Not twice.
        stage.pool.unwatch(a, stage.connections)
        #expect(stage.pool.cutWatch(0) == b)
        stage.pool.unwatch(b, stage.connections)
        #expect(stage.pool.cutWatch(0) == -1)
        #expect(stage.pool.hasConnection(0) == false)
    }
}

private let millisecond: UInt64 = 1_000_000
