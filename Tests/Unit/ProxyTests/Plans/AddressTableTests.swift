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
        #expect(!table.noteFailure(0, generation: generation, 4))
    }

    @Test func namesAreToldFromAddresses() {
        #expect(Plan.isName(.tcp(host: "app.internal", port: 80)))
        #expect(!Plan.isName(.tcp(host: "10.0.0.1", port: 80)))
        #expect(!Plan.isName(.tcp(host: "::1", port: 80)))
        #expect(!Plan.isName(.unix(path: "/app.sock")))
    }
}
