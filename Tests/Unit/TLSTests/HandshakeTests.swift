import Glibc
import Testing
import Wire

@testable import TLS

@Suite struct HandshakeTests {
    private let open = OpenConversations()

    private func connect(
        _ acceptor: TLSAcceptor, to host: String = "shop.example", trust: TLSConnector.Trust? = nil,
        protocols: [HTTPVersion] = [], certificate: String? = nil, cut: Int = .max
    ) throws -> Conversation {
        let connector = try TLSConnector(
            trust: trust ?? .file(TestCertificates.path("ca.pem")), protocols: protocols,
            certificate: certificate.map { TestCertificates.files($0) })
        let conversation = open.keep(Conversation(acceptor, try connector.destination(host)))
        conversation.run(cut: cut)
        return conversation
    }

    @Test func agreesAndCarriesBytes() throws {
        let c = try connect(acceptor("shop"), protocols: [.http2, .http11])
        #expect(c.client.session.isEstablished && c.server.session.isEstablished)
        #expect(c.client.session.version == .tls13)
        #expect(c.server.session.cipher.hasPrefix("TLS_"))
        #expect(c.server.session.serverName == "shop.example")
        #expect(c.client.session.peerSubject == "CN=shop,O=Shop")
        #expect(c.server.session.peerSubject == nil)
        let hello = Array("hello".utf8)
        #expect(c.client.session.write(hello, hello.count) == .done)
        c.run()
        #expect(c.server.received == hello)
        c.server.session.shutdown()
        c.run()
        #expect(c.client.state == .ended)
    }

    @Test(arguments: [1, 2, 5, 7, 100]) func everyCut(cut: Int) throws {
        let c = try connect(acceptor("shop"), protocols: [.http11], cut: cut)
        let hello = Array("hello".utf8)
        #expect(c.client.session.write(hello, hello.count) == .done)
        #expect(c.server.session.write(hello, hello.count) == .done)
        c.run(cut: cut)
        #expect(c.server.received == hello && c.client.received == hello)
        c.client.session.shutdown()
        c.run(cut: cut)
        #expect(c.server.state == .ended)
    }

    @Test func writingBeforeTheEndTakesNothing() throws {
        let connector = try TLSConnector(trust: .all)
        let c = open.keep(Conversation(try acceptor("shop"), try connector.destination("shop.example")))
        #expect(c.client.session.write([1, 2, 3], 3) == .handshaking)
        #expect(c.server.session.write([1, 2, 3], 3) == .handshaking)
        c.server.session.shutdown()
        #expect(c.server.port.outputCount == 0)
        c.run()
        #expect(c.server.session.isEstablished && c.server.received.isEmpty)
    }

    @Test func protocolChoice() throws {
        let ours = try acceptor("shop")
        #expect(try connect(ours, protocols: [.http11, .http2]).server.session.alpn == .http2)
        #expect(try connect(ours, protocols: [.http11]).client.session.alpn == .http11)
        #expect(try connect(ours).server.session.alpn == nil)
        let old = try TLSAcceptor(
            certificates: [TestCertificates.files("shop")], protocols: [.http11], tickets: TicketKeys())
        #expect(try connect(old, protocols: [.http2, .http11]).client.session.alpn == .http11)
        let refused = try connect(old, protocols: [.http2])
        #expect(refused.server.failure?.reason == .alpn)
        #expect(refused.client.failure?.description == "upstream has ended the session: alert 'no application protocol'")
    }

    @Test(arguments: [
        ("shop.example", "shop"), ("admin.shop.example", "admin"), ("x.shop.example", "wild"), ("OTHER.example", "wild"),
        ("a.b.shop.example", "shop"), ("unknown.example", "shop"), ("192.0.2.1", "shop"),
    ]) func certificateByName(host: String, certificate: String) throws {
        let c = try connect(acceptor("shop", "wild", "admin"), to: host, trust: .all)
        #expect(c.client.session.peerSubject == "CN=\(certificate),O=Shop")
    }

    @Test func bothKeyTypesForOneHost() throws {
        // The client's own signature algorithms decide; this one prefers ECDSA. Both must load, and the first be kept.
        let files = [TestCertificates.files("rsa"), TestCertificates.files("shop2"), TestCertificates.files("admin")]
        let c = try connect(TLSAcceptor(certificates: files, tickets: TicketKeys()))
        #expect(c.client.session.peerSubject == "CN=shop2,O=Shop")
    }

    @Test func versions() throws {
        let connector = try TLSConnector(trust: .all, minimumVersion: .tls12)
        connector.limit(to: .tls12)
        let there = try connector.destination("shop.example")
        let refused = open.keep(Conversation(try acceptor("shop", minimumVersion: .tls13), there))
        refused.run()
        #expect(refused.server.failure?.reason == .version)
        let good = open.keep(Conversation(try acceptor("shop"), there))
        good.run()
        #expect(good.server.session.version == .tls12)
        #expect(good.server.session.cipher.hasPrefix("ECDHE-ECDSA-AES"))
    }

    // MARK: certificates of either side

    @Test func serverCertificates() throws {
        let ours = try acceptor("shop")
        let wrongHost = try connect(ours, to: "evil.example")
        #expect(
            wrongHost.client.failure?.description
                == "certificate verify failed: hostname mismatch (it is for shop.example)")
        #expect(wrongHost.client.failure?.reason == .certificateRefused)
        #expect(wrongHost.server.failure?.reason == .refusedByPeer)
        let refusal = "client refuses our certificate or demands one: alert 'bad certificate'"
        #expect(wrongHost.server.failure?.description == refusal)
        #expect(try connect(ours, to: "127.0.0.1").client.session.isEstablished)
        #expect(try connect(ours, to: "[::1]").client.session.isEstablished)
        #expect(try connect(ours, to: "127.0.0.2").client.failure?.description.contains("IP address mismatch") == true)
        let stranger = try connect(ours, trust: .file(TestCertificates.path("stranger.pem")))
        let unknown = "unable to get local issuer certificate"
        #expect(stranger.client.failure?.description.contains("\(unknown) (CN=shop,O=Shop)") == true)
        let system = try connect(ours, trust: .system)
        #expect(system.client.failure?.reason == .certificateRefused)
        let expired = try connect(acceptor("expired"), to: "expired")
        #expect(expired.client.failure?.description == "certificate verify failed: certificate has expired (CN=expired)")
    }

    @Test func clientCertificates() throws {
        let strict = try acceptor("shop", clientCA: "ca.pem")
        let good = try connect(strict, certificate: "client")
        #expect(good.server.session.peerSubject == "CN=client,O=Shop")
        let none = try connect(strict)
        #expect(none.server.failure?.reason == .certificateMissing)
        #expect(none.server.failure?.description == "client has presented no certificate")
        #expect(none.client.failure?.description.contains("demands one") == true)
        let bad = try connect(strict, certificate: "intruder")
        #expect(bad.server.failure?.reason == .certificateRefused)
        #expect(bad.server.failure?.description.contains("unable to get local issuer certificate (CN=intruder,") == true)
    }

    // MARK: peers that do not speak TLS

    @Test(arguments: [
        "GET / HTTP/1.1\r\n\r\n", "DELETE /a HTTP/1.1\r\nHost: a\r\n\r\n", "CONNECT a:443 HTTP/1.1\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "OPTIONS",
    ]) func plaintextRequests(text: String) throws {
        let c = open.keep(Conversation(try acceptor("shop"), try TLSConnector(trust: .all).destination("a")))
        c.server.arriving = Array(text.utf8)
        c.server.take(cut: .max, room: 100)
        #expect(c.server.failure?.description == "client speaks HTTP, not TLS")
        #expect(c.server.failure?.reason == .plainHTTP)
    }

    @Test func plaintextAnswers() throws {
        let c = open.keep(Conversation(try acceptor("shop"), try TLSConnector(trust: .all).destination("a")))
        c.client.arriving = Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8)
        c.client.take(cut: .max, room: 100)
        #expect(c.client.failure?.description == "upstream speaks HTTP, not TLS")
        let other = open.keep(Conversation(try acceptor("shop"), try TLSConnector(trust: .all).destination("a")))
        other.server.arriving = Array("ssh-2.0 hello".utf8)
        other.server.take(cut: .max, room: 100)
        #expect(other.server.failure?.description == "client does not speak TLS")
    }

    @Test func failuresStay() throws {
        let c = open.keep(Conversation(try acceptor("shop"), try TLSConnector(trust: .all).destination("a")))
        c.server.arriving = Array("GET / HTTP/1.1\r\n\r\n".utf8)
        c.server.take(cut: .max, room: 100)
        for _ in 0..<3 {
            var plaintext = [UInt8](repeating: 0, count: 100)
            #expect(c.server.session.receive([1, 2, 3, 4, 5, 6], 6, into: &plaintext, capacity: 100).state == .failed)
            #expect(!c.server.session.isEstablished)
            #expect(c.server.session.write([1], 1) == .handshaking)
            c.server.session.shutdown()
        }
    }
}
