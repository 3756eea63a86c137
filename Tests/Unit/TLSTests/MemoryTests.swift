import COpenSSL
import Glibc
import Testing

@testable import TLS

@Suite struct MemoryTests {
    /// What an idle session of a server costs, all of it inside OpenSSL: measured with 3.0, 14,128 bytes for TLS 1.3 and 13,040
    /// for TLS 1.2. Of these, 7,632 are the SSL object (room for 32 pipelined records that nobody uses), 2,336 the two
    /// ciphers, 944 the SSL_SESSION. With the read and write buffers kept it would be 47,400.
    static let idleBytesMax = 14_400

    /// In a process of its own, as OpenSSL's allocator can only be replaced before its first use.
    @Test func idleSessionsAreSmall() async {
        await #expect(processExitsWith: .success) {
            precondition(AllocationCount.install(), "OpenSSL was used before")
            let ours = try acceptor("shop")
            let connector = try TLSConnector(trust: .all)
            let there = try connector.destination("shop.example")
            for version in [TLSVersion.tls13, .tls12] {
                connector.limit(to: version)
                try talk(ours, there, 2)
                let before = AllocationCount.bytes
                let count = 20
                let open = try talk(ours, there, count)
                let both = AllocationCount.bytes
                for conversation in open { conversation.closeClient() }
                let server = (AllocationCount.bytes - before) / count
                print("bytes of an idle session, \(version): server \(server), client \((both - before) / count - server)")
                precondition(server <= MemoryTests.idleBytesMax, "an idle session costs \(server) bytes")
                precondition(open.allSatisfy { $0.server.received == [1] })
            }
            // What is closed is gone.
            let before = AllocationCount.bytes
            try talk(ours, there, 20)
            precondition(AllocationCount.bytes - before < 1000, "sessions leak: \(AllocationCount.bytes - before) bytes")
        }
    }
}

@discardableResult
private func talk(_ acceptor: TLSAcceptor, _ destination: TLSDestination, _ count: Int) throws -> [Conversation] {
    (0..<count).map { _ in
        let c = Conversation(acceptor, destination)
        c.run()
        _ = c.client.session.write([1], 1)
        _ = c.server.session.write([2], 1)
        c.run()
        return c
    }
}

/// OpenSSL's allocations, as glibc's malloc rounds them up. For one thread.
private enum AllocationCount {
    nonisolated(unsafe) static var bytes = 0
    private static let header = 16

    static func install() -> Bool {
        CRYPTO_set_mem_functions(
            { size, _, _ in AllocationCount.allocate(size) },
            { old, size, _, _ in
                guard let old else { return AllocationCount.allocate(size) }
                let new = AllocationCount.allocate(size)
                new?.copyMemory(from: old, byteCount: min(size, AllocationCount.size(old)))
                AllocationCount.free(old)
                return new
            },
            { old, _, _ in if let old { AllocationCount.free(old) } }) == 1
    }

    private static func chunk(_ size: Int) -> Int { max(32, (size + 8 + 15) / 16 * 16) }
    private static func size(_ p: UnsafeMutableRawPointer) -> Int { (p - header).load(as: Int.self) }

    private static func allocate(_ size: Int) -> UnsafeMutableRawPointer? {
        guard size > 0, let p = malloc(size + header) else { return nil }
        p.storeBytes(of: size, as: Int.self)
        bytes += chunk(size)
        return p + header
    }

    private static func free(_ p: UnsafeMutableRawPointer) {
        bytes -= chunk(size(p))
        Glibc.free(p - header)
    }
}
