import Chance
import EventLoop
import Testing

@testable import Proxy

/// The pool against a plain model of it, two servers at once: who is taken, who has to go, and what is counted.
@Suite struct ConnectionPoolModelTests {
    private static let millisecond: UInt64 = 1_000_000

    /// One server's connections by number, in arrays.
    private struct Model {
        var settled: [UpstreamSlot] = []
        var resting: [UpstreamSlot] = []
        var watched: [UpstreamSlot] = []
        var pooledAt: [UpstreamSlot: UInt64] = [:]
        var idle: Int { settled.count + resting.count }
        var oldest: UpstreamSlot { settled.last ?? resting.first ?? .none }

        mutating func remove(_ slot: UpstreamSlot) {
            settled.removeAll { $0 == slot }
            resting.removeAll { $0 == slot }
            watched.removeAll { $0 == slot }
        }

        /// What is to come of a demand that names a rest and an age, both in milliseconds.
        mutating func checkOut(hold: UInt64, idleMax: UInt64?, takesUnrested: Bool, isUnguarded: Bool, _ now: UInt64)
            -> ConnectionPool.CheckOut
        {
            func age(_ slot: UpstreamSlot) -> UInt64 { now - pooledAt[slot]! }
            let settleAfter = isUnguarded ? 0 : max(hold, min(50, idleMax ?? .max))
            while let first = resting.first, age(first) >= settleAfter {
                settled.insert(resting.removeFirst(), at: 0)
            }
            func isTooOld(_ slot: UpstreamSlot) -> Bool { idleMax.map { age(slot) > $0 } ?? false }
            var slot = settled.first
            if slot == nil || isTooOld(slot!), let first = resting.first { slot = first }
            guard let slot else { return .empty }
            if isTooOld(slot) {
                guard takesUnrested else { return .empty }
                remove(slot)
                return .close(slot, .idleTimeout)
            }
            guard age(slot) >= hold || takesUnrested else { return .empty }
            remove(slot)
            if age(slot) >= 400 { return .close(slot, .idleTimeout) }
            return isUnguarded ? .connection(slot) : .examine(slot)
        }
    }

    @Test(arguments: 0..<16 as Range<UInt64>)
    func randomOperations(seed: UInt64) {
        var chance = Chance(seed: seed)
        let shared = UnsafeMutablePointer<SharedServer>.allocate(capacity: 2)
        shared.initialize(repeating: SharedServer(), count: 2)
        defer { shared.deallocate() }
        let idleMax = 1 + chance.below(6)
        var pool = ConnectionPool()
        for server in 0...1 { pool.addServer(shared + server, connectionsMax: 12, idleMax: idleMax) }
        var connections = Slab<UpstreamConnection>(capacity: 32)!
        var models = [Model(), Model()]
        var active: [[UpstreamSlot]] = [[], []]
        var now: UInt64 = 1000
        for _ in 0..<1200 {
            let server = chance.below(2)
            now += UInt64(chance.below(30))
            switch chance.below(7) {
            case 0, 1:
                let isNew = active[server].isEmpty && connections.count < 32
                let slot =
                    isNew
                    ? connections.take(
                        UpstreamConnection(fd: 3, server: ServerIndex(server), number: 1, idleTimeout: 400 * Self.millisecond))
                    : active[server].popLast() ?? .none
                guard slot.exists else { continue }
                models[server].resting.append(slot)
                models[server].pooledAt[slot] = now
                let result = pool.checkIn(slot, now * Self.millisecond, connections)
                if models[server].idle > idleMax {
                    let oldest = models[server].oldest
                    #expect(result == .insteadOf(oldest))
                    models[server].remove(oldest)
                    active[server].append(oldest)
                } else {
                    #expect(result == .pooled)
                }
            case 2, 3:
                var demand = ConnectionPool.Demand()
                let hold = UInt64(chance.pick([0, 5, 50]))
                demand.isUnguarded = chance.oneIn(4)
                demand.hold = demand.isUnguarded ? 0 : hold * Self.millisecond
                demand.takesUnrested = chance.oneIn(3)
                let limit = chance.oneIn(2) ? nil : UInt64(chance.pick([20, 60, 300]))
                demand.idleMax = limit.map { $0 * Self.millisecond }
                let expected = models[server].checkOut(
                    hold: demand.isUnguarded ? 0 : hold, idleMax: limit, takesUnrested: demand.takesUnrested,
                    isUnguarded: demand.isUnguarded, now)
                let found = pool.checkOut(ServerIndex(server), demand, now * Self.millisecond, connections)
                #expect(found == expected)
                switch found {
                case .connection(let slot), .examine(let slot), .close(let slot, _): active[server].append(slot)
                case .empty: break
                }
            case 4:
                guard let slot = (models[server].settled + models[server].resting).randomElement(using: &chance) else {
                    continue
                }
                pool.remove(slot, connections)
                models[server].remove(slot)
                active[server].append(slot)
            case 5:
                guard let slot = active[server].popLast() else { continue }
                pool.watch(slot, connections)
                models[server].watched.append(slot)
            default:
                let first = pool.cutWatch(ServerIndex(server))
                #expect(first == models[server].watched.first ?? .none)
                guard let slot = models[server].watched.randomElement(using: &chance) else { continue }
                pool.unwatch(slot, connections)
                models[server].remove(slot)
                active[server].append(slot)
            }
            for i in 0...1 {
                let (idle, oldest, has) = (
                    pool.idleCount(ServerIndex(i)), pool.oldest(ServerIndex(i)), pool.hasConnection(ServerIndex(i))
                )
                #expect(Int(idle) == models[i].idle && shared[i].idle == UInt64(models[i].idle))
                #expect(oldest == models[i].oldest)
                #expect(has == (models[i].idle > 0 || !models[i].watched.isEmpty))
            }
        }
    }

    /// Places under a limit, taken by three workers in any order: never more than there are, and all come back.
    @Test(arguments: 0..<8 as Range<UInt64>)
    func placesOfAllWorkers(seed: UInt64) {
        var chance = Chance(seed: seed)
        let shared = UnsafeMutablePointer<SharedServer>.allocate(capacity: 1)
        shared.initialize(to: SharedServer())
        defer { shared.deallocate() }
        let limit = 1 + chance.below(7)
        var first = ConnectionPool()
        var second = ConnectionPool()
        first.addServer(shared, connectionsMax: limit, idleMax: 1)
        second.addServer(shared, connectionsMax: limit, idleMax: 1)
        var held = 0
        var granted = 0
        for _ in 0..<600 {
            switch chance.below(5) {
            case 0, 1:
                // On the granted place first, then on a free one.
                let may = first.mayOpen(0)
                let taken = first.takePlace(0)
                #expect(taken == (granted > 0 || held + granted < limit) && may == taken)
                if taken { if granted > 0 { granted -= 1 }; held += 1 }
            case 2:
                let taken = second.takePlace(0)
                #expect(taken == (held + granted < limit))
                if taken { held += 1 }
            case 3 where held > 0:
                // The second worker leaves its place to the first, or to whoever comes.
                held -= 1
                if chance.oneIn(2) {
                    first.grantPlace(0)
                    granted += 1
                } else {
                    second.freePlace(0)
                }
            default:
                let was = first.ungrantPlace(0)
                #expect(was == (granted > 0))
                if was {
                    granted -= 1
                    first.freePlace(0)
                }
            }
            #expect(shared.pointee.connections == UInt64(held + granted) && held + granted <= limit)
        }
    }

    @Test func whatIsCounted() {
        let shared = UnsafeMutablePointer<SharedServer>.allocate(capacity: 1)
        shared.initialize(to: SharedServer())
        defer { shared.deallocate() }
        var pool = ConnectionPool()
        pool.addServer(shared, connectionsMax: 9, idleMax: 2)
        pool.noteUnrested(0)
        pool.noteUnrested(0)
        #expect(shared.pointee.unrested == 2)
        #expect(pool.cutWatch(0) == .none && shared.pointee.listeningCut == 0)
        for count in 1...3 as ClosedRange<Int32> {
            let wasFull = pool.isFull(0)
            #expect(wasFull == (count > 2))
            pool.changeConnections(0, by: 1)
            let now = pool.connectionCount(0)
            #expect(now == count)
        }
        pool.changeConnections(0, by: -3)
        let (left, elsewhere) = (pool.connectionCount(0), pool.idleElsewhere(0))
        #expect(left == 0 && !elsewhere)
        shared.pointee.idle = 1
        let others = pool.idleElsewhere(0)
        #expect(others)
    }
}
