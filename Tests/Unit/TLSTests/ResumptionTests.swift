import Testing
import Wire

@testable import TLS

@Suite struct ResumptionTests {
    private let open = OpenConversations()

    /// A connection that carried a byte each way, so that tickets have arrived.
    private func talk(_ acceptor: TLSAcceptor, _ destination: TLSDestination) -> Conversation {
        let c = open.keep(Conversation(acceptor, destination))
        c.run()
        #expect(c.client.session.write([1], 1) == .done)
        #expect(c.server.session.write([2], 1) == .done)
        c.run()
        #expect(c.server.received == [1] && c.client.received == [2])
        return c
    }

    private func destination(_ version: TLSVersion, certificate: String? = nil) throws -> TLSDestination {
        let connector = try TLSConnector(
            trust: .file(TestCertificates.path("ca.pem")), certificate: certificate.map { TestCertificates.files($0) })
        connector.limit(to: version)
        return try connector.destination("shop.example")
    }

    @Test(arguments: [TLSVersion.tls12, .tls13]) func resumes(version: TLSVersion) throws {
        let ours = try acceptor("shop", "wild")
        let there = try destination(version)
        #expect(!talk(ours, there).server.session.isResumed)
        for _ in 0..<3 {
            let again = talk(ours, there)
            #expect(again.server.session.isResumed && again.client.session.isResumed)
            #expect(again.server.session.version == version)
        }
    }

    @Test(arguments: [TLSVersion.tls12, .tls13]) func rotatedKeys(version: TLSVersion) throws {
        let keys = try TicketKeys()
        let ours = try acceptor("shop", tickets: keys)
        let there = try destination(version)
        _ = talk(ours, there)
        keys.rotate()
        // The older key still opens, and in TLS 1.3 the client gets a ticket under the new one.
        #expect(talk(ours, there).server.session.isResumed)
        keys.rotate()
        keys.rotate()
        #expect(talk(ours, there).server.session.isResumed)
        for _ in 0..<4 { keys.rotate() }
        #expect(!talk(ours, there).server.session.isResumed)
        #expect(talk(ours, there).server.session.isResumed)
    }

    @Test(arguments: [TLSVersion.tls12, .tls13]) func reloadsKeepSessions(version: TLSVersion) throws {
        let keys = try TicketKeys()
        let there = try destination(version)
        var old: TLSAcceptor? = try acceptor("shop", "admin", tickets: keys)
        let earlier = talk(old!, there)
        old = nil
        #expect(talk(try acceptor("shop2", tickets: keys), there).server.session.isResumed)
        // The old settings live as long as their last session.
        #expect(earlier.client.session.write([3], 1) == .done)
        earlier.run()
        #expect(earlier.server.received == [1, 3])
        #expect(!talk(try acceptor("shop"), there).server.session.isResumed)
    }

    @Test(arguments: [TLSVersion.tls12, .tls13]) func clientCertificatesCannotBeEvaded(version: TLSVersion) throws {
        let keys = try TicketKeys()
        let there = try destination(version, certificate: "client")
        _ = talk(try acceptor("shop", tickets: keys), there)
        let strict = try acceptor("shop", clientCA: "ca.pem", tickets: keys)
        let first = talk(strict, there)
        #expect(!first.server.session.isResumed)
        #expect(first.server.session.peerSubject == "CN=client,O=Shop")
        let again = talk(strict, there)
        #expect(again.server.session.isResumed)
        #expect(again.server.session.peerSubject == "CN=client,O=Shop")
    }
}
