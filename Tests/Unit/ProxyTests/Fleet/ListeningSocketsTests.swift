import CShim
import Configuration
import Glibc
import Testing

@testable import Proxy

/// The user as whom this thread creates files and sockets; the Glibc module has no name for it.
@_silgen_name("setfsuid") private func setfsuid(_ user: uid_t) -> Int32

/// Listening sockets outlive plans and processes.
struct ListeningSocketsTests {
    private let anyPort = Address.tcp(host: "127.0.0.1", port: 0)
    private let alsoAnyPort = Address.tcp(host: "127.0.0.1", port: 0)

    private func open(
        _ addresses: [Address], workers: Int = 1, earlier: ListeningSockets = ListeningSockets()
    ) throws -> ListeningSockets {
        var none: [NamedDescriptor] = []
        return try ListeningSockets.open(addresses, workers: workers, earlier: earlier, inherited: &none)
    }

    @Test func oneSocketAWorkerOnOnePort() throws {
        let sockets = try open([anyPort], workers: 3)
        defer { sockets.close() }
        #expect(sockets.named.count == 3)
        #expect(Set(sockets.named.map { boundAddress($0.descriptor) }) == Set(sockets.addresses))
    }

    @Test func aReloadKeepsTheSocketsThatItNamesAgain() throws {
        let first = try open([anyPort, alsoAnyPort], workers: 2)
        let second = try open([anyPort, alsoAnyPort], workers: 3, earlier: first)
        defer { second.close() }
        #expect(first.addresses == second.addresses)
        #expect(first.addresses[0] != first.addresses[1])
        #expect(Set(first.named.map(\.descriptor)).isSubset(of: second.named.map(\.descriptor)))
        #expect(first.places(in: second) == [0, 1])
        // More sockets than workers: each still has somebody who accepts on it.
        let workers = second.forWorker(0, of: 2) + second.forWorker(1, of: 2)
        #expect(workers.count == second.named.count)
        for listener in workers { #expect(so_close(listener.descriptor) == 0) }
    }

    @Test func aListenerThatIsGoneHasNoPlace() throws {
        let path = "/tmp/sendonce-listening-\(so_monotonic_ns()).sock"
        let first = try open([anyPort, .unix(path: path)])
        let second = try open([.unix(path: path)], earlier: first)
        #expect(first.places(in: second) == [-1, 0])
        first.close(except: second)
        #expect(connects(path))
        second.close()
        #expect(!connects(path))
    }

    @Test func aFailureChangesNothing() throws {
        let first = try open([anyPort])
        defer { first.close() }
        let taken = try open([anyPort])
        defer { taken.close() }
        #expect(throws: ListeningSockets.Failure.self) {
            _ = try open([anyPort, .unix(path: "/nowhere/at/all.sock")], earlier: first)
        }
        #expect(boundAddress(first.named[0].descriptor) == first.addresses[0])
    }

    @Test func socketsOfAnEarlierProcessAreFoundByTheirNames() throws {
        let before = try open([anyPort, alsoAnyPort], workers: 2)
        var inherited = before.named + [NamedDescriptor(name: "listener 0 elsewhere:1", descriptor: 999)]
        let after = try ListeningSockets.open([anyPort, alsoAnyPort], workers: 2, inherited: &inherited)
        defer { after.close() }
        #expect(after.addresses == before.addresses)
        #expect(after.named.map(\.descriptor) == before.named.map(\.descriptor))
        #expect(inherited.map(\.descriptor) == [999])
    }

    @Test func socketsOfAServiceManagerAreFoundByTheirAddresses() throws {
        let bound = try open([anyPort])
        let descriptor = bound.named[0].descriptor
        var inherited = [NamedDescriptor(name: "sendonce.socket", descriptor: descriptor, isOurs: false)]
        let address = try Address.parse(bound.addresses[0])
        let sockets = try ListeningSockets.open([anyPort, address], workers: 1, inherited: &inherited)
        defer { sockets.close() }
        #expect(sockets.addresses[1] == bound.addresses[0])
        #expect(sockets.named[1].descriptor == descriptor)
        #expect(inherited.isEmpty)
    }

    /// The kernel lets sockets of one user share a port.
    @Test(.enabled(if: geteuid() == 0)) func aSocketOfAnotherUserIsShared() throws {
        var storage = try Plan.resolve(anyPort).storage
        _ = setfsuid(65534)  // of this thread alone
        let descriptor = so_socket(AF_INET)
        _ = setfsuid(0)
        #expect(so_reuse_port(descriptor) == 0)
        #expect(so_bind(descriptor, &storage, so_address_length(&storage)) == 0)
        #expect(so_listen(descriptor, 1) == 0)
        var inherited = [NamedDescriptor(name: "a", descriptor: descriptor, isOurs: false)]
        let bound = try Address.parse(boundAddress(descriptor))
        let sockets = try ListeningSockets.open([bound], workers: 2, inherited: &inherited)
        defer { sockets.close() }
        #expect(sockets.named.map(\.descriptor) == [descriptor])
        for worker in 0..<2 {
            let listeners = sockets.forWorker(worker, of: 2)
            #expect(listeners.count == 1)
            for listener in listeners { #expect(so_close(listener.descriptor) == 0) }
        }
    }

    private func boundAddress(_ descriptor: Int32) -> String {
        var storage = sockaddr_storage()
        so_local_address(descriptor, &storage)
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { text in
            let count = so_format_address(&storage, text.baseAddress, 128)
            return String(decoding: UnsafeRawBufferPointer(start: text.baseAddress, count: Int(count)), as: UTF8.self)
        }
    }

    private func connects(_ path: String) -> Bool {
        var storage = sockaddr_storage()
        _ = so_unix_address(path, &storage)
        let descriptor = so_socket(AF_UNIX)
        defer { so_close(descriptor) }
        return so_connect(descriptor, &storage, so_address_length(&storage)) == 0
    }
}
