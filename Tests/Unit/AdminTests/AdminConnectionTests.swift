import CShim
import Glibc
import Report
import Testing

@testable import Admin

/// Time, without waiting for it.
struct AdminConnectionTests {
    private let timeout = AdminLimit.timeoutNanoseconds
    private let routes = AdminRoutes(
        sources: AdminSources(
            metrics: Metrics(schema: MetricsSchema(routes: [], upstreams: [], listeners: []), version: "1"),
            ring: IncidentRing(), readiness: { .init() }, upstreams: { [] }, configuration: { [] }, hosts: { ["a"] }),
        admitted: AdmittedHosts(address: "127.0.0.1:0"))

    private func pair() -> (ours: Int32, theirs: Int32) {
        var descriptors: [Int32] = [0, 0]
        socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0, &descriptors)
        return (descriptors[0], descriptors[1])
    }

    private func send(_ text: String, _ descriptor: Int32) {
        #expect(so_send(descriptor, text, text.utf8.count) == text.utf8.count)
    }

    private func received(_ descriptor: Int32) -> String {
        var buffer = [UInt8](repeating: 0, count: 65536)
        return String(decoding: buffer[..<max(0, so_recv(descriptor, &buffer, buffer.count, 0))], as: UTF8.self)
    }

    @Test func anIdleConnectionIsClosedWithoutAWord() {
        let (ours, theirs) = pair()
        var connection = AdminConnection(descriptor: ours, now: 100)
        #expect(connection.wakeTime == 100 + timeout)
        #expect(connection.expire(now: 100 + timeout) == .closed)
        #expect(received(theirs) == "")
        close(ours)
        close(theirs)
    }

    @Test func aSlowHeadIsAnswered() {
        let (ours, theirs) = pair()
        var connection = AdminConnection(descriptor: ours, now: 0)
        send("GET /", theirs)
        #expect(connection.attend(routes, mayStream: true, now: 5) == .stays)
        send("healthz", theirs)
        #expect(connection.attend(routes, mayStream: true, now: 9) == .stays)
        #expect(connection.wakeTime == 5 + timeout)  // the second piece wins no time
        #expect(connection.expire(now: 5 + timeout) == .closed)
        #expect(received(theirs).hasPrefix("HTTP/1.1 408 "))
        close(ours)
        close(theirs)
    }

    @Test func aQuietStreamShowsSignsOfLife() {
        let (ours, theirs) = pair()
        var connection = AdminConnection(descriptor: ours, now: 0)
        send("GET /incidents/stream HTTP/1.1\r\nHost: a\r\n\r\n", theirs)
        #expect(connection.attend(routes, mayStream: true, now: 5) == .stays)
        _ = received(theirs)
        #expect(connection.wakeTime == 5 + AdminLimit.heartbeatNanoseconds)
        #expect(connection.expire(now: connection.wakeTime) == .stays)
        #expect(received(theirs) == ": alive\n\n")
        close(ours)
        close(theirs)
    }

    /// Whether its requests come one by one or all at once, it gets no more answers than it takes.
    @Test(arguments: [false, true]) func aClientThatTakesNothingIsGivenUp(atOnce: Bool) {
        let (ours, theirs) = pair()
        so_set_option(ours, SOL_SOCKET, SO_SNDBUF, 1)
        var connection = AdminConnection(descriptor: ours, now: 0)
        let request = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"
        if atOnce { send(String(repeating: request, count: 50), theirs) }
        for _ in 0..<50 {
            if !atOnce { send(request, theirs) }
            #expect(connection.attend(routes, mayStream: true, now: 7) == .stays)
        }
        #expect(!connection.hasMore && connection.interest == Int16(POLLOUT))
        #expect(connection.wakeTime == 7 + timeout)
        #expect(connection.expire(now: connection.wakeTime) == .closed)
        close(ours)
        close(theirs)
    }

    /// However many requests have come at once, each turn answers one.
    @Test func pipelinedRequestsHaveATurnEach() {
        let (ours, theirs) = pair()
        var connection = AdminConnection(descriptor: ours, now: 0)
        send(String(repeating: "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", count: 3) + "GET /he", theirs)
        for turn in 1...3 {
            #expect(connection.attend(routes, mayStream: true, now: 1) == .stays)
            #expect(received(theirs).split(separator: "HTTP/1.1 200 ").count == 1)
            #expect(connection.hasMore, "a rest is there, which nobody has looked at yet: \(turn)")
            #expect(connection.interest == 0)
        }
        #expect(connection.attend(routes, mayStream: true, now: 1) == .stays)
        #expect(received(theirs) == "" && !connection.hasMore && connection.interest == Int16(POLLIN))
        send("althz HTTP/1.1\r\nHost: a\r\n\r\n", theirs)
        #expect(connection.attend(routes, mayStream: true, now: 1) == .stays)
        #expect(received(theirs).hasPrefix("HTTP/1.1 200 ") && !connection.hasMore)
        close(ours)
        close(theirs)
    }

    @Test func aStaleSocketIsReplaced() throws {
        let path = "/tmp/admin-stale-\(getpid()).sock"
        let first = try AdminSocket("unix:" + path)
        so_close(first.descriptor)  // as a crash leaves it
        let second = try AdminSocket("unix:" + path)
        second.close()
        #expect(access(path, F_OK) != 0)
    }
}
