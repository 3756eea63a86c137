import EventLoop
import Testing

@testable import Proxy

/// Passive health of one server beside another: stories of failures and answers, and what has come of them.
@Suite struct ServerSetStandingTests {
    enum Event: Sendable {
        case fails(ServerFailure, times: Int = 1)
        /// To a request that was sent so many milliseconds ago.
        case answers(sent: UInt64)
        case connects
        case passes(UInt64)
        case goes
        /// The other server.
        case otherDown, otherFails(ServerFailure, times: Int)
    }

    struct Story: CustomTestStringConvertible, Sendable {
        var name: String
        var events: [Event]
        var isEjected = false
        var isPassedOver = false
        /// Failures in a row.
        var failures: UInt64 = 0
        /// How often an answer or a connection brought it back.
        var returns = 0
        /// Over how many milliseconds its share grows; nil when it was never away.
        var returnTime: UInt64?
        var attempts = 1
        var ejectFailures = 5
        var testDescription: String { name }

        init(_ name: String, _ events: [Event], _ change: (inout Story) -> Void) {
            self.name = name
            self.events = events
            change(&self)
        }
    }

    static let stories: [Story] = [
        Story("nothing", []) { _ in },
        Story("four failures", [.fails(.hungUp, times: 4)]) { $0.failures = 4 },
        Story("five", [.fails(.hungUp, times: 5)]) {
            ($0.failures, $0.isEjected, $0.isPassedOver, $0.returnTime) = (5, true, true, 10_000)
        },
        Story("five of different sorts", [.fails(.silent, times: 2), .fails(.answered, times: 2), .fails(.unreachable)]) {
            ($0.failures, $0.isEjected, $0.isPassedOver, $0.returnTime) = (5, true, true, 10_000)
        },
        Story("with an answer between", [.fails(.hungUp, times: 4), .answers(sent: 1), .fails(.hungUp, times: 4)]) {
            $0.failures = 4
        },
        Story("ejected, and the time is over", [.fails(.hungUp, times: 5), .passes(10_000)]) {
            ($0.failures, $0.returnTime) = (5, 10_000)
        },
        Story("one millisecond before", [.fails(.hungUp, times: 5), .passes(9_999)]) {
            ($0.failures, $0.isEjected, $0.isPassedOver, $0.returnTime) = (5, true, true, 10_000)
        },
        Story("one failure after it", [.fails(.hungUp, times: 5), .passes(10_000), .fails(.hungUp)]) {
            ($0.failures, $0.isEjected, $0.isPassedOver, $0.returnTime) = (6, true, true, 10_000)
        },
        Story("an answer to what was sent before its ejection", [.passes(50), .fails(.hungUp, times: 5), .answers(sent: 20)]) {
            ($0.failures, $0.isEjected, $0.isPassedOver, $0.returnTime) = (5, true, true, 10_000)
        },
        Story("an answer to what was sent since", [.fails(.hungUp, times: 5), .passes(3000), .answers(sent: 10)]) {
            ($0.failures, $0.returns, $0.returnTime) = (0, 1, 3000)
        },
        Story(
            "several answers bring it back once",
            [.fails(.hungUp, times: 5), .passes(3000), .answers(sent: 10), .answers(sent: 5)]
        ) {
            ($0.failures, $0.returns, $0.returnTime) = (0, 1, 3000)
        },
        Story("eject.consecutive_failures 0", [.fails(.hungUp, times: 50)]) { ($0.failures, $0.ejectFailures) = (50, 0) },
        Story("eject.consecutive_failures 1", [.fails(.silent)]) {
            ($0.failures, $0.ejectFailures, $0.isEjected, $0.isPassedOver, $0.returnTime) = (1, 1, true, true, 10_000)
        },
        // A refused connection speaks at once.
        Story("refused once", [.fails(.refused)]) { ($0.failures, $0.isPassedOver) = (1, true) },
        Story("refused, and its wait is over", [.fails(.refused), .passes(100)]) { $0.failures = 1 },
        Story("one request tries it", [.fails(.refused), .passes(100), .goes]) { ($0.failures, $0.isPassedOver) = (1, true) },
        Story("and finds it", [.fails(.refused), .passes(100), .goes, .connects]) { ($0.failures, $0.returnTime) = (1, 100) },
        Story("refused where nothing is sent again", [.fails(.refused)]) { ($0.failures, $0.attempts) = (1, 0) },
        Story("not in time, which may be the way", [.fails(.unreachable)]) { $0.failures = 1 },
        Story("refused till it is ejected, and back", [.fails(.refused, times: 5), .passes(300), .connects]) {
            ($0.failures, $0.returns, $0.returnTime) = (5, 1, 300)
        },
        Story("away for an hour", [.fails(.refused), .passes(3_600_000), .goes, .connects]) {
            ($0.failures, $0.returnTime) = (1, 30_000)
        },
        Story("a connection to one that was never away", [.connects]) { _ in },
        // The last one is never ejected.
        Story("the other is down", [.otherDown, .fails(.hungUp, times: 20)]) { $0.failures = 20 },
        Story("the other is ejected", [.otherFails(.hungUp, times: 5), .fails(.hungUp, times: 20)]) { $0.failures = 20 },
        Story("the other refuses", [.otherFails(.refused, times: 1), .fails(.hungUp, times: 20)]) { $0.failures = 20 },
        // One that hung up may have been killed: it is tried once, by a request that may be repeated.
        Story("a trial of one that hung up", [.fails(.hungUp, times: 5), .passes(100), .goes, .fails(.refused)]) {
            ($0.failures, $0.isEjected, $0.isPassedOver, $0.returnTime) = (6, true, true, 10_000)
        },
    ]

    private static let millisecond: UInt64 = 1_000_000

    @Test(arguments: stories)
    func whatComesOfIt(_ story: Story) throws {
        let shared = UnsafeMutablePointer<SharedServer>.allocate(capacity: 2)
        shared.initialize(repeating: SharedServer(), count: 2)
        defer { shared.deallocate() }
        let address = try #require(SocketAddress(unixPath: "/server"))
        var upstream = Plan.Upstream(name: "app", servers: (0...1).map { Plan.Server(name: "\($0)", address: address) })
        upstream.retryAttempts = story.attempts
        upstream.ejectFailures = story.ejectFailures
        var set = ServerSet([upstream]) { shared + $0.place }
        var now: UInt64 = 100_000_000_000
        var returns = 0
        for event in story.events {
            switch event {
            case .fails(let failure, let times): for _ in 0..<times { _ = set.failed(0, failure, now) }
            case .answers(let sent): if set.answered(0, sentAt: now - sent * Self.millisecond, now) { returns += 1 }
            case .connects: if set.connected(0, now) { returns += 1 }
            case .passes(let time): now += time * Self.millisecond
            case .goes: set.requestGoes(to: 0, now)
            case .otherDown: shared[1].isUp = 0
            case .otherFails(let failure, let times): for _ in 0..<times { _ = set.failed(1, failure, now) }
            }
        }
        #expect(set.isEjected(0, now) == story.isEjected)
        #expect(set.isPassedOver(0, now) == story.isPassedOver)
        #expect(shared[0].failures == story.failures && returns == story.returns)
        #expect((shared[0].returnsAt == 0 ? nil : shared[0].returnTime / Self.millisecond) == story.returnTime)
        let refused = story.events.contains { if case .fails(.refused, _) = $0 { true } else { false } }
        let unreachable = story.events.contains { if case .fails(.unreachable, _) = $0 { true } else { false } }
        #expect((shared[0].refusedAt > 0) == (refused || unreachable))
    }

    /// The first failure in a row is logged, and of the ejection.
    @Test func whatIsLogged() throws {
        let shared = UnsafeMutablePointer<SharedServer>.allocate(capacity: 2)
        shared.initialize(repeating: SharedServer(), count: 2)
        defer { shared.deallocate() }
        let address = try #require(SocketAddress(unixPath: "/server"))
        let upstream = Plan.Upstream(name: "app", servers: (0...1).map { Plan.Server(name: "\($0)", address: address) })
        var set = ServerSet([upstream]) { shared + $0.place }
        let answers = (0..<7).map { _ in set.failed(0, .silent, 1) }
        #expect(answers.map(\.isFirstInRow) == [true, false, false, false, false, false, false])
        #expect(answers.map(\.isEjected) == [false, false, false, false, true, false, false])
        #expect(answers.map(\.failures) == [1, 2, 3, 4, 5, 6, 7])
    }

    /// The time over which a share grows is that of the absence, within bounds.
    @Test func aLongAbsenceEndsInHalfAMinute() throws {
        let shared = UnsafeMutablePointer<SharedServer>.allocate(capacity: 2)
        shared.initialize(repeating: SharedServer(), count: 2)
        defer { shared.deallocate() }
        let address = try #require(SocketAddress(unixPath: "/server"))
        var upstream = Plan.Upstream(name: "app", servers: (0...1).map { Plan.Server(name: "\($0)", address: address) })
        upstream.ejectTime = 3_600_000_000_000
        var set = ServerSet([upstream]) { shared + $0.place }
        for _ in 0..<5 { _ = set.failed(0, .silent, 7) }
        #expect(shared[0].returnTime == Plan.returnTimeMax && shared[0].returnsAt == 7 + 3_600_000_000_000)
        #expect([3_600_000_000_006, 3_600_000_000_007].map { set.isEjected(0, $0) } == [true, false])
    }

    // MARK: Quarantine

    @Test func aQuarantineBeginsAndGoesOn() throws {
        let shared = UnsafeMutablePointer<SharedServer>.allocate(capacity: 1)
        shared.initialize(to: SharedServer())
        defer { shared.deallocate() }
        let address = try #require(SocketAddress(unixPath: "/server"))
        var set = ServerSet([Plan.Upstream(name: "app", servers: [Plan.Server(name: "0", address: address)])]) {
            shared + $0.place
        }
        #expect(set.isQuarantined(0, 0) == false)
        let begun = [set.quarantine(0, until: 100, 10), set.quarantine(0, until: 150, 60), set.quarantine(0, until: 300, 150)]
        #expect(begun == [true, false, true], "the one before has ended at its last moment")
        #expect(set.quarantinedUntil(0) == 300)
        #expect([299, 300, 301].map { set.isQuarantined(0, $0) } == [true, false, false])
    }

    @Test func aNamesAddressesTakeTurns() throws {
        let shared = UnsafeMutablePointer<SharedServer>.allocate(capacity: 1)
        shared.initialize(to: SharedServer())
        defer { shared.deallocate() }
        let address = try #require(SocketAddress(unixPath: "/server"))
        var set = ServerSet([Plan.Upstream(name: "app", servers: [Plan.Server(name: "0", address: address)])]) {
            shared + $0.place
        }
        let before = (set.nextAddressTurn(0), set.addressGeneration(0))
        #expect(before.0 == nil && before.1 == nil)
        let table = AddressTable([address])
        set.setAddresses(0, generation: table.generationWord)
        let turns = [set.nextAddressTurn(0), set.nextAddressTurn(0)]
        #expect(turns == [1, 2])
        #expect(set.addressGeneration(0) == table.generation)
        #expect(table.replace([]))
        #expect(set.addressGeneration(0) == table.generation)
    }

    @Test func sharedConnectionsTheNewestFirst() throws {
        let shared = UnsafeMutablePointer<SharedServer>.allocate(capacity: 1)
        shared.initialize(to: SharedServer())
        defer { shared.deallocate() }
        let address = try #require(SocketAddress(unixPath: "/server"))
        var set = ServerSet([Plan.Upstream(name: "app", servers: [Plan.Server(name: "0", address: address)])]) {
            shared + $0.place
        }
        var connections = Slab<UpstreamConnection>(capacity: 4)!
        let slots = (0..<3).map { connections.take(UpstreamConnection(fd: 3, server: 0, number: $0, idleTimeout: 1)) }
        for slot in slots { set.addShared(slot, to: 0, connections) }
        #expect(set[0].sharedConnections.first == slots[2])
        #expect(set[0].sharedConnections.last == slots[0])
        set.removeShared(slots[2], from: 0, connections)
        #expect(set[0].sharedConnections.first == slots[1])
        for slot in slots.prefix(2) { set.removeShared(slot, from: 0, connections) }
        #expect(set[0].sharedConnections.first == -1)
    }
}
