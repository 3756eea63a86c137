import CShim
import EventLoop
import Glibc
import Testing

@testable import Proxy

/// One active check against a socket of this test's own: what the server does, and what the check makes of it.
@Suite struct HealthCheckTests {
    /// A server that does what it is told, on a port of loopback's choosing.
    private final class Server {
        private var sockets: ListeningSockets
        let address: SocketAddress
        private var client: Int32 = -1

        init() throws {
            var none: [NamedDescriptor] = []
            sockets = try ListeningSockets.open([.tcp(host: "127.0.0.1", port: 0)], workers: 1, inherited: &none)
            var storage = sockaddr_storage()
            try #require(so_local_address(sockets.named[0].descriptor, &storage) >= 0)
            address = SocketAddress(storage)
        }

        deinit { stop() }

        func stop() {
            hangUp()
            sockets.close()
            sockets = ListeningSockets()
        }

        func hangUp() {
            if client >= 0 { _ = so_close(client) }
            client = -1
        }

        /// Takes the check's connection, and reads its request.
        func accept() throws -> String {
            try #require(ready(sockets.named[0].descriptor, POLLIN))
            client = so_accept(sockets.named[0].descriptor, nil)
            try #require(client >= 0 && ready(client, POLLIN))
            var bytes = [UInt8](repeating: 0, count: 4096)
            let count = so_recv(client, &bytes, bytes.count, 0)
            return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
        }

        func send(_ text: String) {
            let bytes = Array(text.utf8)
            #expect(so_send(client, bytes, bytes.count) == bytes.count)
        }
    }

    private static let second: UInt64 = 1_000_000_000

    private func check() -> HealthCheck {
        var health = Plan.Health(path: "/up?x=1")
        (health.interval, health.timeout, health.unhealthyAfter) = (5 * Self.second, Self.second, 2)
        return HealthCheck(
            place: 1, upstream: 2, server: 3, health: health, host: "app:80", tls: nil, frames: nil, kernel: Kernel(), now: 7)
    }

    /// Goes on until the check's outcome is there.
    private func finish(_ check: inout HealthCheck, _ first: HealthCheck.Outcome) throws -> HealthCheck.Outcome {
        var outcome = first
        while outcome == .unfinished {
            try #require(ready(check.descriptor, Int32(check.interest)))
            outcome = check.advance()
        }
        return outcome
    }

    /// Sends its request.
    private func ask(_ check: inout HealthCheck, _ server: Server, now: UInt64 = 7) throws -> String {
        var outcome = check.begin(server.address, now: now)
        while check.interest == Int16(POLLOUT), outcome == .unfinished {
            try #require(ready(check.descriptor, POLLOUT))
            outcome = check.advance()
        }
        #expect(outcome == .unfinished)
        return try server.accept()
    }

    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\n\r\n", HealthCheck.Outcome.healthy), ("HTTP/1.1 503 Oh\r\n\r\n", .unhealthy("it answered 503")),
        ("SSH-2.0\r\n", .unhealthy("it does not speak HTTP/1")), ("", .unhealthy("it hung up without an answer")),
        ("HTTP/1.1 20", .unhealthy("it hung up without an answer")),
    ])
    func answers(_ text: String, _ expected: HealthCheck.Outcome) throws {
        let server = try Server()
        var check = check()
        let request = try ask(&check, server)
        #expect(request == "GET /up?x=1 HTTP/1.1\r\nHost: app:80\r\nUser-Agent: sendonce-health\r\nConnection: close\r\n\r\n")
        server.send(text)
        if !text.hasSuffix("\r\n") { server.hangUp() }
        let outcome = try finish(&check, .unfinished)
        #expect(outcome == expected && check.descriptor == -1, "its socket is closed")
        #expect(!check.isDue(7) && check.isDue(7 + 5 * Self.second) && check.wakesAt == 7 + 5 * Self.second)
    }

    @Test func anAnswerThatComesBitByBit() throws {
        let server = try Server()
        var check = check()
        _ = try ask(&check, server)
        for piece in ["HTTP/1.1 103 Early\r\n\r\nHTT", "P/1.1 204 No", " Content\r\n\r"] {
            server.send(piece)
            try #require(ready(check.descriptor, POLLIN))
            #expect(check.advance() == .unfinished)
        }
        server.send("\n")
        #expect(try finish(&check, .unfinished) == .healthy)
    }

    @Test func nobodyListens() throws {
        let server = try Server()
        let address = server.address
        server.stop()
        var check = check()
        let outcome = try finish(&check, check.begin(address, now: 7))
        #expect(outcome == .unreachable("connection refused") && check.descriptor == -1)
    }

    @Test func itsTimeIsOver() throws {
        let server = try Server()
        var check = check()
        #expect(check.wakesAt == 7 && check.isDue(7) && !check.isDue(6), "the first is due at once")
        _ = try ask(&check, server)
        #expect(check.wakesAt == 7 + Self.second && !check.isDue(.max), "one at a time")
        #expect(check.expire(6 + Self.second) == .unfinished)
        #expect(check.expire(7 + Self.second) == .unhealthy("no answer in time"))
        #expect(check.expire(.max) == .unfinished, "reported once")
        // The next begins when its time has come, counted from the beginning of this one.
        #expect(check.isDue(7 + 5 * Self.second))
        _ = try ask(&check, server, now: 7 + 5 * Self.second)
        server.send("HTTP/1.1 200 OK\r\n\r\n")
        #expect(try finish(&check, .unfinished) == .healthy)
    }

    /// Whoever stops it in the middle leaves nothing open.
    @Test func itIsStopped() throws {
        let server = try Server()
        var check = check()
        _ = try ask(&check, server)
        check.stop()
        #expect(check.descriptor == -1 && check.expire(.max) == .unfinished)
        check.stop()
    }
}

/// Whether a descriptor becomes ready within ten seconds.
private func ready(_ descriptor: Int32, _ events: Int32) -> Bool {
    var polled = pollfd(fd: descriptor, events: Int16(events), revents: 0)
    return poll(&polled, 1, 10_000) == 1
}
