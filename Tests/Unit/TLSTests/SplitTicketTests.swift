import CPeerTLS
import Testing

@testable import TLS

/// A server may send its session tickets in several records, and we may have something to say in the middle of one: OpenSSL
/// takes itself to be in a handshake then.
@Suite struct SplitTicketTests {
    /// A client whose handshake is over, and the beginning of a ticket is here.
    private final class Halfway {
        var port = TLSPort()
        let session: TLSSession
        private let settings: OpaquePointer
        private let peer: OpaquePointer
        private var rest: ArraySlice<UInt8> = []

        init() throws {
            settings = so_peer_settings(1, 0x304, [], 0)
            so_peer_lengthen_tickets(settings, 3000)
            peer = so_peer_open(settings, nil)
            so_peer_set_record_bytes(peer, 512)
            let connector = try TLSConnector(trust: .file("/proc/self/fd/\(so_peer_certificate_file())"))
            session = try connector.destination("shop.example").makeSession(port)!
            #expect(session.start())
            _ = say()
            hear(taken())
            #expect(session.isEstablished)
            _ = say()
            rest = taken()[...]
            // Two records of a ticket, and a part of the third.
            hear(Array(rest.prefix(1500)))
            rest = rest.dropFirst(1500)
            #expect(!session.isEstablished)
        }

        deinit {
            session.close()
            so_peer_close(peer)
            so_peer_settings_free(settings)
        }

        /// Carries what the client has to say; returns what the server reads.
        func say() -> [UInt8] {
            let bytes = Array(port.output)
            port.clear()
            var read = [UInt8](repeating: 0, count: 1 << 20)
            var count = 0
            #expect(so_peer_receive(peer, bytes, bytes.count, &read, read.count, &count) == SO_PEER_OPEN)
            return Array(read[..<count])
        }

        func hearTheRest() { hear(Array(rest)) }

        private func taken() -> [UInt8] {
            var bytes = [UInt8](repeating: 0, count: so_peer_pending(peer))
            _ = so_peer_take(peer, &bytes, bytes.count)
            return bytes
        }

        private func hear(_ bytes: [UInt8]) {
            var plaintext = [UInt8](repeating: 0, count: 1 << 16)
            let received = session.receive(bytes, bytes.count, into: &plaintext, capacity: plaintext.count)
            #expect(received.state == .open && received.count == 0)
        }
    }

    @Test func whatIsWrittenInTheMiddleOfATicketLeavesAfterIt() throws {
        let halfway = try Halfway()
        let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        for place in stride(from: 0, to: bytes.count, by: 10_000) {
            #expect(halfway.session.write(Array(bytes[place..<place + 10_000]), 10_000) == .done)
        }
        #expect(halfway.port.outputCount == 0)
        halfway.hearTheRest()
        #expect(halfway.say() == bytes)
        #expect(halfway.session.write([1, 2, 3], 3) == .done)
        #expect(halfway.say() == [1, 2, 3])
    }

    @Test func noMoreIsHeldThanItsBound() throws {
        let halfway = try Halfway()
        let bytes = [UInt8](repeating: 0, count: 256 << 10)
        #expect(halfway.session.write(bytes, bytes.count) == .done)
        #expect(halfway.session.write(bytes, 1) == .failed)
        #expect(halfway.port.failure.description == "upstream has sent a message of TLS in part, and keeps the rest back")
    }
}
