import CPeerTLS
import TLS
import Testing

@testable import Proxy

/// The TLS of a health check, against a server of OpenSSL's.
@Suite struct HealthCheckTLSTests {
    private final class Server {
        private let settings = so_peer_settings(1, 0x304, [], 0)!
        private let peer: OpaquePointer
        private let check: HealthCheckTLS
        private var outgoing: [UInt8] = []
        private var answer = HealthAnswer()
        private(set) var heard: [UInt8] = []

        /// A check whose request has come.
        init() throws {
            peer = so_peer_open(settings, nil)!
            check = HealthCheckTLS(try TLSConnector(trust: .all).destination("shop.example"), RecordPort(isNeeded: true))
            #expect(check.begin(Array("GET /up".utf8), &outgoing) == nil)
            while !outgoing.isEmpty {
                hear()
                #expect(carry() == .unfinished)
            }
        }

        deinit {
            so_peer_close(peer)
            so_peer_settings_free(settings)
        }

        private func hear() {
            var plaintext = [UInt8](repeating: 0, count: 40_000)
            var count = 0
            #expect(so_peer_receive(peer, outgoing, outgoing.count, &plaintext, plaintext.count, &count) == SO_PEER_OPEN)
            heard += plaintext[..<count]
            outgoing = []
        }

        /// What the check makes of all that there is for it.
        private func carry() -> HealthAnswer.Verdict {
            var bytes = [UInt8](repeating: 0, count: so_peer_pending(peer))
            _ = so_peer_take(peer, &bytes, bytes.count)
            return bytes.withUnsafeBufferPointer { check.receive($0, &outgoing, into: &answer, now: 1_000_000_000) }
        }

        func says(_ text: String, afterUpdates count: Int) -> HealthAnswer.Verdict {
            for _ in 0..<count { so_peer_update_keys(peer, 0) }
            let bytes = Array(text.utf8)
            #expect(so_peer_write(peer, bytes, bytes.count) == 1)
            return carry()
        }
    }

    @Test func someNewKeysAreBorne() throws {
        let server = try Server()
        #expect(server.heard.elementsEqual("GET /up".utf8))
        #expect(server.says("HTTP/1.1 200 OK\r\n\r\n", afterUpdates: 20) == .healthy)
    }

    @Test func whoFloodsHasFailed() throws {
        let verdict = try Server().says("HTTP/1.1 200 OK\r\n\r\n", afterUpdates: 2000)
        guard case .unhealthy(let reason) = verdict else { return #expect(Bool(false), "\(verdict)") }
        #expect(reason == "upstream changes its keys, gives tickets, or asks for a new handshake, too often")
    }
}
