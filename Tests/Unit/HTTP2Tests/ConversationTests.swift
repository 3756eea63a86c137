import HTTP2
import Testing

/// Two sessions against each other.
@Suite struct ConversationTests {
    let client = Endpoint(.client)
    let server = Endpoint(.server)

    @Test func requestAndAnswer() {
        let id = client.request(
            "GET /a?b=c HTTP/1.1\r\nHost: shop.example\r\nAccept: */*\r\nConnection: keep-alive\r\nX-Y: z\r\n\r\n", tag: 7)
        #expect(id == 1)
        settle(client, server)
        #expect(server.reported() == ["1: head GET /a?b=c end"])
        #expect(server.lastHead == ["host: shop.example", "accept: */*", "x-y: z"])
        server.session.setTag(1, 3)
        server.head(
            1,
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\nSet-Cookie: a=b\r\nX-Long-Name: v\r\n\r\n"
        )
        server.body(1, Array("hello".utf8), ended: true)
        settle(client, server)
        #expect(client.reported() == ["1: head 200", "1: body 5 end"])
        #expect(client.lastHead == ["content-type: text/plain", "set-cookie: a=b", "x-long-name: v"])
        #expect(client.bodies[1] == Array("hello".utf8))
        #expect(client.session.openStreams == 0 && server.session.openStreams == 0)
    }

    /// RFC 8441: no key, no Upgrade; and what is said of a length means nothing.
    @Test func aTunnel() {
        settle(client, server)
        #expect(client.session.hasPeerSettings && client.session.allowsExtendedConnect)
        let head = Array(
            "GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Key: k\r\nX: y\r\n\r\n"
                .utf8)
        let id = client.session.sendRequest(head, head.count, isTLS: true, asksTunnel: true, ended: false, tag: 0)
        settle(client, server)
        #expect(server.reported() == ["\(id): head CONNECT /chat"])
        #expect(server.lastHead == ["host: a", "upgrade: websocket", "x: y"])
        server.head(id, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
        server.body(id, Array("hello".utf8), ended: true)
        client.body(id, Array("bye".utf8), ended: true)
        settle(client, server)
        #expect(client.reported() == ["\(id): head 200", "\(id): body 5 end"])
        #expect(server.reported() == ["\(id): body 3 end"])
        #expect(client.session.openStreams == 0 && server.session.openStreams == 0)
        // A refusal has a body like any other answer's.
        let other = client.session.sendRequest(head, head.count, isTLS: true, asksTunnel: true, ended: false, tag: 0)
        settle(client, server)
        server.head(other, "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\n")
        server.body(other, Array("no!".utf8), ended: true)
        settle(client, server)
        #expect(client.reported() == ["\(other): head 403", "\(other): body 2", "\(other): violation lengthExceeded 1 end"])
    }

    @Test func bodiesBothWaysWithTrailers() {
        client.request("POST / HTTP/1.1\r\nHost: a\r\n\r\n", ended: false)
        client.body(1, [UInt8](repeating: 1, count: 300_000))
        client.trailers(1, "X-Sum: 1\r\n")
        settle(client, server)
        #expect(server.reported() == ["1: head POST /", "1: body 300000", "1: trailers end"])
        #expect(server.lastHead == ["x-sum: 1"])
        server.head(1, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        server.head(1, "HTTP/1.1 418 I'm a teapot\r\n\r\n")
        let body = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        server.body(1, body)
        server.trailers(1, "ETag: x\r\nx-more: y\r\n")
        settle(client, server, room: 5000)
        #expect(client.reported() == ["1: interim 103", "1: head 418", "1: body 1000000", "1: trailers end"])
        #expect(client.bodies[1] == body)
        #expect(client.lastHead == ["etag: x", "x-more: y"])
        #expect(client.session.openStreams == 0 && server.session.openStreams == 0)
    }
}
