import Chance
import HTTP2
import Testing

/// No bytes of a peer trap, and none make a session want more than there is.
@Suite struct RandomBytesTests {
    @Test(arguments: 0..<40)
    func randomFrames(seed: Int) {
        var chance = Chance(seed: UInt64(seed) &+ 0x4832)
        for role in [HTTP2Session.Role.server, .client] {
            for _ in 0..<20 {
                let endpoint = Endpoint(role)
                var open = 0
                if role == .server { endpoint.receive(Frames.preface) }
                if !chance.oneIn(8) { endpoint.receive(Frames.settings()) }
                for _ in 0..<60 where endpoint.failure == nil {
                    if role == .client, chance.oneIn(3), open < 20 {
                        endpoint.request(
                            "\(chance.pick(["GET", "HEAD", "POST"])) / HTTP/1.1\r\nHost: a\r\n\r\n", ended: !chance.oneIn(3))
                        open += 1
                    }
                    var bytes = frame(&chance)
                    if chance.oneIn(10) { bytes = chance.mutated(bytes) }
                    if chance.oneIn(4) { endpoint.receiveCut(bytes) } else { endpoint.receive(bytes) }
                    act(endpoint, &chance)
                }
                _ = endpoint.output(room: 1 + chance.below(3000) + 20)
                #expect(endpoint.session.openStreams <= 128)
            }
        }
    }

    private func frame(_ chance: inout Chance) -> [UInt8] {
        let stream = UInt32(chance.below(12))
        let ends = chance.oneIn(3)
        switch chance.below(14) {
        case 0...2: return Frames.get(stream | 1, ends: ends)
        case 3, 4:
            return Frames.headers(
                stream | 1,
                [(":status", "\(chance.pick([100, 103, 200, 204, 500]))"), ("content-length", "\(chance.below(9))")],
                ends: ends)
        case 5, 6: return Frames.frame(0, chance.pick([0, 1, 8, 9]), stream | 1, chance.bytes(chance.below(40)))
        case 7: return Frames.reset(stream)
        case 8: return Frames.windowUpdate(stream, chance.pick([0, 1, 1000, 0x7fff_ffff]))
        case 9: return Frames.settings([(UInt16(chance.below(10)), chance.pick([0, 1, 20_000, 0xffff_ffff]))])
        case 10: return Frames.headers(stream | 1, [("a", "b")], ends: ends)
        case 11: return Frames.frame(1, chance.pick([0, 1, 4, 5, 13, 45]), stream, chance.bytes(chance.below(30)))
        case 12: return Frames.frame(9, chance.pick([0, 4]), stream, chance.bytes(chance.below(30)))
        default:
            return Frames.frame(
                UInt8(chance.below(12)), UInt8(truncatingIfNeeded: chance.next()), stream, chance.bytes(chance.below(20)))
        }
    }

    /// What a worker might do meanwhile, on streams that may be gone.
    private func act(_ endpoint: Endpoint, _ chance: inout Chance) {
        let stream = Int32(chance.below(12)) | 1
        switch chance.below(9) {
        case 0: endpoint.head(stream, "HTTP/1.1 200 OK\r\nX: y\r\n\r\n", ended: chance.oneIn(2))
        case 1: endpoint.body(stream, chance.bytes(chance.below(3000)), ended: chance.oneIn(3))
        case 2: endpoint.trailers(stream, "x: y\r\n")
        case 3: endpoint.session.reset(stream, code: chance.pick([0, 8]))
        case 4: endpoint.session.consumed(stream, chance.below(100))
        case 5: _ = endpoint.output(room: 20 + chance.below(2000))
        case 6: endpoint.session.setTag(stream, stream)
        case 7: _ = endpoint.session.nextDrained()
        default: break
        }
    }

    @Test(arguments: 0..<10)
    func noise(seed: Int) {
        var chance = Chance(seed: UInt64(seed))
        for _ in 0..<50 {
            let client = Endpoint(.client)
            client.request("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            client.receive(Frames.settings() + chance.bytes(chance.below(300)))
            let server = Endpoint(.server)
            server.receive(chance.mutated(Frames.preface + Frames.settings() + Frames.get(1) + Frames.data(1, "abc")))
        }
    }
}
