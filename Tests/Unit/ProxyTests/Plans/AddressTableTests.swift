import Configuration
import EventLoop
import Testing

@testable import Proxy

@Suite struct AddressTableTests {
    private func address(_ last: Int, port: UInt16 = 80) throws -> SocketAddress {
        try Plan.resolve(.tcp(host: "127.0.0.\(last)", port: port))
    }

    @Test func addressesComeInTurn() throws {
        let table = AddressTable([try address(1), try address(2)])
        let turns = (0..<4).map { table.next(turn: UInt32($0), 1)?.address.description }
        #expect(turns == ["127.0.0.1:80", "127.0.0.2:80", "127.0.0.1:80", "127.0.0.2:80"])
        #expect(AddressTable([]).next(turn: 0, 1) == nil)
    }

    @Test func anotherOrderIsNoChange() throws {
        let table = AddressTable([try address(1), try address(2)])
        let generation = table.generation
        #expect(!table.replace([try address(2), try address(1)]))
        #expect(table.generation == generation)
        #expect(table.replace([try address(3)]))
        #expect(table.generation != generation)
        #expect(table.descriptions == ["127.0.0.3:80"])
    }

    /// Each has one turn, and one place of the sixteen.
    @Test func anAddressThatIsNamedTwiceIsOne() throws {
        let table = AddressTable(try [1, 2, 1, 2, 2].map { try address($0) })
        #expect(table.descriptions == ["127.0.0.1:80", "127.0.0.2:80"])
        #expect(!table.replace([try address(2), try address(1)]))
        #expect(table.replace(try (0..<40).map { try address(1 + $0 / 2) }))
        #expect(table.count == AddressTable.addressesMax)
    }

    @Test func whatFailedIsPassedOverForAWhile() throws {
        let table = AddressTable([try address(1), try address(2)])
        let generation = table.generation
        #expect(table.noteFailure(0, generation: generation, 1))
        #expect((0..<4).allSatisfy { table.next(turn: UInt32($0), 2)?.place == 1 })
        #expect(!table.noteFailure(1, generation: generation, 2))
        // All have failed: better one of them than none.
        #expect(table.next(turn: 0, 3) != nil)
        #expect(table.next(turn: 0, AddressTable.failureTime + 1)?.place == 0)
        #expect(table.replace([try address(4)]))
        // Where it failed nobody looks any more: those that are there now are to be tried.
        #expect(table.noteFailure(0, generation: generation, 4) && table.next(turn: 0, 5)?.place == 0)
        #expect(table.replace([]))
        #expect(!table.noteFailure(0, generation: generation, 6))
    }

    @Test func namesAreDistinguishedFromAddresses() {
        #expect(Plan.isName(.tcp(host: "app.internal", port: 80)))
        #expect(!Plan.isName(.tcp(host: "10.0.0.1", port: 80)))
        #expect(!Plan.isName(.tcp(host: "::1", port: 80)))
        #expect(!Plan.isName(.unix(path: "/app.sock")))
    }

    @Test func noMoreAddressesThanThereIsRoomFor() throws {
        let table = AddressTable(try (1...40).map { try address($0) })
        #expect(table.count == AddressTable.addressesMax)
        #expect((0..<64).allSatisfy { (0..<16).contains(table.next(turn: UInt32($0), 1)?.place ?? -1) })
        #expect(table.replace([]))
        #expect(table.count == 0 && table.next(turn: 3, 1) == nil && table.descriptions == [])
    }

    /// A failure is held against an address, not against its place: with a new answer all begin anew.
    @Test func afterAReplacementNobodyIsPassedOver() throws {
        let table = AddressTable([try address(1), try address(2)])
        #expect(table.noteFailure(0, generation: table.generation, 1))
        let before = table.generation
        #expect(table.replace([try address(1), try address(3)]))
        #expect(Set((0..<2).compactMap { table.next(turn: UInt32($0), 2)?.place }) == [0, 1])
        #expect(table.noteFailure(1, generation: before, 2), "of an answer that does not hold any more: others are to be tried")
        #expect(Set((0..<2).compactMap { table.next(turn: UInt32($0), 2)?.place }) == [0, 1])
        #expect(
            !table.noteFailure(16, generation: table.generation, 2) && !table.noteFailure(2, generation: table.generation, 2))
    }

    @Test func howLongAFailureIsHeldAgainstAnAddress() throws {
        let table = AddressTable([try address(1), try address(2)])
        #expect(table.noteFailure(0, generation: table.generation, 5))
        #expect(table.next(turn: 0, 5 + AddressTable.failureTime - 1)?.place == 1)
        #expect(table.next(turn: 0, 5 + AddressTable.failureTime)?.place == 0)
    }

    /// Turns go on where the counter wraps round.
    @Test func theTurnsCounterWrapsRound() throws {
        let table = AddressTable([try address(1), try address(2), try address(3)])
        let turns = [UInt32.max - 1, .max, 0, 1].map { table.next(turn: $0, 1)?.place }
        #expect(turns == [2, 0, 0, 1])
    }
}
