import Chance
import HTTP2
import Testing

/// Conversations with libnghttp2: its tables and Huffman codes, its idea of the protocol.
@Suite struct LibraryTests {
    private func fields(_ chance: inout Chance) -> [(String, String)] {
        (0..<chance.below(12)).map { _ in
            let value = String(repeating: chance.pick(["a", "Zq", "%7e", "ü", "0"]), count: chance.pick([0, 1, 3, 40, 300]))
            return (chance.pick(["accept", "x-one", "user-agent", "x-two-three", "cache-control", "via"]), value)
        }
    }

    private func lines(_ fields: [(String, String)]) -> [String] { fields.map { "\($0.0): \($0.1)" } }

    @Test(arguments: [UInt64(1), 2, 3])
    func asClient(seed: UInt64) {
        var chance = Chance(seed: seed)
        let peer = LibraryPeer(isServer: false)
        let server = Endpoint(.server)
        for round in 0..<120 {
            let more = fields(&chance)
            let body = chance.oneIn(2) ? chance.bytes(chance.pick([0, 1, 5000, 70_000])) : nil
            let id = peer.request(
                [(":method", "PUT"), (":scheme", "http"), (":path", "/\(round)"), (":authority", "a")] + more, body)
            #expect(id > 0)
            exchange(peer, server)
            #expect(server.reported().first == "\(id): head PUT /\(round)\(body == nil ? " end" : "")")
            #expect(server.lastHead == ["host: a"] + lines(more))
            #expect(server.bodies[id] ?? [] == body ?? [])
            let back = fields(&chance)
            let answer = chance.bytes(chance.pick([0, 1, 5000, 200_000]))
            server.head(
                id,
                "HTTP/1.1 \(round % 2 == 0 ? 200 : 418) \r\n" + lines(back).joined(separator: "\r\n")
                    + (back.isEmpty ? "\r\n" : "\r\n\r\n"))
            server.body(id, answer, ended: true)
            exchange(peer, server)
            #expect(peer.fields[id] == [":status: \(round % 2 == 0 ? 200 : 418)"] + lines(back))
            #expect(peer.received[id] ?? [] == answer)
            #expect(peer.closed[id] == 0)
        }
        #expect(peer.invalid == 0 && peer.goAway == nil && server.failure == nil)
        #expect(server.session.openStreams == 0)
    }

    @Test(arguments: [UInt64(1), 2, 3])
    func asServer(seed: UInt64) {
        var chance = Chance(seed: seed)
        let peer = LibraryPeer(isServer: true)
        let client = Endpoint(.client)
        for round in 0..<120 {
            let more = fields(&chance)
            let body = chance.oneIn(2) ? chance.bytes(chance.pick([0, 1, 5000, 200_000])) : nil
            let head = (["POST /\(round) HTTP/1.1", "Host: a"] + lines(more)).joined(separator: "\r\n") + "\r\n\r\n"
            let id = client.request(head, ended: body == nil)
            if let body { client.body(id, body, ended: true) }
            exchange(peer, client)
            #expect(peer.fields[id] == [":method: POST", ":scheme: http", ":authority: a", ":path: /\(round)"] + lines(more))
            #expect(peer.received[id] ?? [] == body ?? [])
            let back = fields(&chance)
            let answer = chance.bytes(chance.pick([0, 1, 5000, 70_000]))
            peer.answer(id, [(":status", "200")] + back, answer)
            exchange(peer, client)
            #expect(client.reported() == ["\(id): head 200", "\(id): body \(answer.count) end"])
            #expect(client.lastHead == lines(back))
            #expect(client.bodies[id] ?? [] == answer)
        }
        #expect(peer.invalid == 0 && peer.goAway == nil && client.failure == nil && client.violations.isEmpty)
        #expect(client.session.openStreams == 0)
    }

    private func exchange(_ peer: LibraryPeer, _ ours: Endpoint) {
        while true {
            let (x, y) = (peer.output(), ours.output())
            if x.isEmpty, y.isEmpty { return }
            ours.receive(x)
            #expect(peer.receive(y))
        }
    }
}
