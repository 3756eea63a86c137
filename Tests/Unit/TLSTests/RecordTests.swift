import Glibc
import Testing
import Wire

@testable import TLS

@Suite struct RecordTests {
    private let open = OpenConversations()

    private func established() throws -> Conversation {
        let c = open.keep(Conversation(try acceptor("shop"), try TLSConnector(trust: .all).destination("shop.example")))
        c.run()
        return c
    }

    private func pattern(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) } }

    @Test(arguments: [(Int.max, 1 << 21), (1 << 16, 1 << 17), (1000, 20_000), (1 << 16, 100)])
    func largeBothWays(cut: Int, room: Int) throws {
        let c = try established()
        let bytes = pattern(1 << 20)
        #expect(c.client.session.write(bytes, bytes.count) == .done)
        #expect(c.server.session.write(bytes, bytes.count) == .done)
        c.run(cut: cut, room: room)
        #expect(c.server.received == bytes && c.client.received == bytes)
    }

    @Test func oneRecordForShortRuns() throws {
        let c = try established()
        let sentBefore = c.server.sent.count
        let head = pattern(300)
        let body = pattern(1000)
        head.withUnsafeBufferPointer { h in
            body.withUnsafeBufferPointer { b in
                let runs = [h, b, UnsafeBufferPointer(rebasing: b[..<0]), h].map {
                    iovec(iov_base: UnsafeMutableRawPointer(mutating: $0.baseAddress), iov_len: $0.count)
                }
                #expect(c.server.session.write(runs, runs.count) == .done)
            }
        }
        c.run()
        #expect(c.client.received == head + body + head)
        #expect(Conversation.recordLengths(c.server.sent[sentBefore...]) == [1600 + 17])
    }

    @Test func recordsAreFull() throws {
        let c = try established()
        let sentBefore = c.server.sent.count
        let bytes = pattern(100_000)
        let cuts = [0, 10, 20_000, 20_001, 60_000, 60_500, 100_000]
        bytes.withUnsafeBufferPointer { p in
            let runs = zip(cuts, cuts.dropFirst()).map { from, to in
                iovec(iov_base: UnsafeMutableRawPointer(mutating: p.baseAddress! + from), iov_len: to - from)
            }
            #expect(c.server.session.write(runs, runs.count) == .done)
        }
        c.run()
        #expect(c.client.received == bytes)
        let lengths = Conversation.recordLengths(c.server.sent[sentBefore...])
        #expect(lengths == [Int](repeating: 16384 + 17, count: 6) + [100_000 - 6 * 16384 + 17])
    }

    @Test func alteredRecords() throws {
        for place in [0, 1, 3, 5, 20, 40] {
            let c = try established()
            #expect(c.client.session.write(pattern(64), 64) == .done)
            c.client.collect()
            var bytes = Array(c.client.sent.suffix(64 + 22))
            bytes[place] ^= 0x80
            c.server.arriving = bytes + bytes
            c.server.take(cut: .max, room: 1000)
            #expect(c.server.state == .failed && c.server.received.isEmpty)
            #expect(c.server.failure?.description.isEmpty == false)
        }
    }

    @Test func portsGiveLargeOutputBack() throws {
        let c = try established()
        let bytes = pattern(1 << 20)
        #expect(c.client.session.write(bytes, bytes.count) == .done)
        #expect(c.client.port.outputCount > 1 << 20)
        c.run()
        #expect(c.client.port.outputCount == 0)
        #expect(c.server.received.count == 1 << 20)
    }

    // MARK: bytes of enemies

    @Test func randomBytesNeverTrap() throws {
        let ours = try acceptor("shop", "wild", clientCA: "ca.pem")
        let there = try TLSConnector(trust: .all, certificate: TestCertificates.files("client")).destination("shop.example")
        var random = Xorshift(state: 0x9e37_79b9_7f4a_7c15)
        for round in 0..<600 {
            let c = Conversation(ours, there)
            // From pure noise to a good conversation with a few bytes changed.
            if round % 3 > 0 { c.client.collect() }
            var bytes =
                round % 3 == 0
                ? (0..<Int.random(in: 1...2000, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
                : c.client.sent
            if round % 3 == 0, round % 2 == 0 { bytes.replaceSubrange(0..<min(3, bytes.count), with: [22, 3, 1]) }
            if round % 3 > 0 {
                for _ in 0..<Int.random(in: 1...8, using: &random) {
                    bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
                }
            }
            c.server.arriving = bytes
            c.server.take(cut: Int.random(in: 1...500, using: &random), room: 300)
            c.client.arriving = round % 2 == 0 ? bytes : c.server.sent + bytes
            c.client.take(cut: Int.random(in: 1...500, using: &random), room: 300)
            if c.server.state == .failed { #expect(c.server.failure?.description.isEmpty == false) }
        }
        // The error queue of the thread is clean: an honest client gets through.
        let c = open.keep(Conversation(ours, there))
        c.run()
        #expect(c.server.session.isEstablished)
    }
}

struct Xorshift: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}
