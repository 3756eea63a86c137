import CPeerTLS
import CTLS
import Testing

@testable import TLS

/// Either side may change its keys, and ask for ours, but not without end: each time costs as much as some dozens of requests.
@Suite struct LateStepsTests {
    private static let second: UInt64 = 1_000_000_000

    /// A peer of OpenSSL's, whose handshake with a session of ours is over.
    private final class Visit {
        var port = TLSPort()
        let session: TLSSession
        private let settings: OpaquePointer
        private let peer: OpaquePointer

        init(version: Int32, isUpstream: Bool = false) throws {
            settings = so_peer_settings(isUpstream ? 1 : 0, version, [], 0)
            peer = so_peer_open(settings, nil)
            if isUpstream {
                session = try TLSConnector(trust: .all).destination("shop.example").makeSession(port)!
                #expect(session.start())
                answer()
            } else {
                session = try acceptor("shop").makeSession(port)!
                #expect(so_peer_start(peer) == SO_PEER_OPEN)
            }
            while carry() {}
            #expect(session.isEstablished)
        }

        deinit {
            session.close()
            so_peer_close(peer)
            so_peer_settings_free(settings)
        }

        /// Of the last bytes that came.
        var lateSteps: UInt32 { port.pointer.pointee.late_steps }
        var hasShakenHands: Bool { port.hasShakenHands }

        func updateKeys(_ count: Int, asks: Bool) {
            for _ in 0..<count { so_peer_update_keys(peer, asks ? 1 : 0) }
        }

        func giveTickets(_ count: Int) {
            for _ in 0..<count { so_peer_give_ticket(peer) }
        }

        /// Carries what the peer has to say, and back what it is answered. False: it has nothing to say.
        @discardableResult
        func carry() -> Bool {
            var bytes = [UInt8](repeating: 0, count: so_peer_pending(peer))
            guard !bytes.isEmpty else { return false }
            _ = so_peer_take(peer, &bytes, bytes.count)
            let room = bytes.count + TLSSession.surplusPlaintextMax
            var plaintext = [UInt8](repeating: 0, count: room)
            #expect(session.receive(bytes, bytes.count, into: &plaintext, capacity: room).state == .open)
            answer()
            return true
        }

        private func answer() {
            let answer = Array(port.output)
            port.clear()
            var plaintext = [UInt8](repeating: 0, count: 2 * answer.count + TLSSession.surplusPlaintextMax)
            var count = 0
            #expect(so_peer_receive(peer, answer, answer.count, &plaintext, plaintext.count, &count) == SO_PEER_OPEN)
        }
    }

    @Test(arguments: [0x303, 0x304] as [Int32], [false, true])
    func aHandshakeHasNone(version: Int32, isUpstream: Bool) throws {
        let visit = try Visit(version: version, isUpstream: isUpstream)
        #expect(visit.hasShakenHands)
        // Tickets that follow a server's handshake are late, and as many as are usual.
        let tickets = isUpstream && version == 0x304 ? 2 : 0
        #expect(Int(visit.lateSteps) == 3 * tickets)
    }

    @Test(arguments: [false, true], [false, true]) func someAreBorne(asks: Bool, isUpstream: Bool) throws {
        let visit = try Visit(version: 0x304, isUpstream: isUpstream)
        visit.updateKeys(20, asks: asks)
        visit.carry()
        #expect(visit.lateSteps > 0 && visit.session.mayStep(Self.second))
        // They are made up for in time.
        for i in 2..<20 as Range<UInt64> {
            visit.updateKeys(20, asks: asks)
            visit.carry()
            #expect(visit.session.mayStep(20 * i * Self.second))
        }
    }

    @Test(arguments: [false, true], [false, true]) func tooManyAreAFlood(asks: Bool, isUpstream: Bool) throws {
        let visit = try Visit(version: 0x304, isUpstream: isUpstream)
        visit.updateKeys(2000, asks: asks)
        visit.carry()
        #expect(visit.port.output.isEmpty)
        #expect(!visit.session.mayStep(Self.second))
        #expect(visit.port.failure.reason == .flood)
    }

    @Test(arguments: [false, true]) func tooManyOneByOneAreAFlood(isUpstream: Bool) throws {
        let visit = try Visit(version: 0x304, isUpstream: isUpstream)
        var borne = 0
        while borne < 1000 {
            visit.updateKeys(1, asks: false)
            visit.carry()
            guard visit.session.mayStep(Self.second) else { break }
            borne += 1
        }
        #expect(borne == Int(so_tls_late_steps_burst) / 3)
    }

    @Test func ticketsWithoutEndAreAFlood() throws {
        let visit = try Visit(version: 0x304, isUpstream: true)
        var borne = 0
        while borne < 1000 {
            visit.giveTickets(1)
            visit.carry()
            guard visit.session.mayStep(Self.second) else { break }
            borne += 1
        }
        #expect(borne == Int(so_tls_late_steps_burst) / 3)
        #expect(visit.port.failure.reason == .flood)
    }
}
