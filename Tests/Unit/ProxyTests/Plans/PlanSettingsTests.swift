import Configuration
import Testing

@testable import Proxy

/// What a configuration's values become in a plan: every key arrives, in nanoseconds and bytes.
@Suite struct PlanSettingsTests {
    struct Row: CustomTestStringConvertible, Sendable {
        /// What stands in the upstream, and at the top.
        var upstream = ""
        var top = ""
        var expected: String
        var read: @Sendable (Plan) -> String
        var testDescription: String { upstream + top }

        static func of(_ text: String, _ expected: UInt64, _ read: @escaping @Sendable (Plan.Upstream) -> UInt64) -> Row {
            Row(upstream: text, expected: "\(expected)", read: { "\(read($0.upstreams[0]))" })
        }

        static func at(top text: String, _ expected: UInt64, _ read: @escaping @Sendable (Plan) -> UInt64) -> Row {
            Row(top: text, expected: "\(expected)", read: { "\(read($0))" })
        }
    }

    private func plan(upstream: String = "", top: String = "", servers: String = "127.0.0.1:3000") throws -> Plan {
        let text = "upstreams: {app: {servers: [\(servers)]\(upstream.isEmpty ? "" : ", ")\(upstream)}}\n\(top)\n"
        return try Plan.make(Settings.decode(Array(text.utf8), file: "a.yaml"))
    }

    private static let millisecond: UInt64 = 1_000_000

    static let upstreams: [Row] = [
        .of("connections: {max: 7}", 7) { UInt64($0.connectionsMax) },
        .of("connections: {max: 7, max_idle: 3}", 3) { UInt64($0.idleMax) },
        .of("connections: {idle_timeout: 250ms}", 250 * millisecond) { $0.idleTimeout },
        .of("wait_queue: {max: 9}", 9) { UInt64($0.queueMax) },
        .of("wait_queue: {timeout: 3ms}", 3 * millisecond) { $0.queueTimeout },
        .of("timeouts: {connect: 4ms}", 4 * millisecond) { $0.connectTimeout },
        .of("timeouts: {response_header: 2m}", 120_000 * millisecond) { $0.responseHeaderTimeout },
        .of("timeouts: {body_idle: 6s}", 6000 * millisecond) { $0.bodyIdleTimeout },
        .of("timeouts: {tunnel_idle: 1h}", 3_600_000 * millisecond) { $0.tunnelIdleTimeout },
        .of("retry: {attempts: 4}", 4) { UInt64($0.retryAttempts) },
        .of("eject: {consecutive_failures: 8}", 8) { UInt64($0.ejectFailures) },
        .of("eject: {for: 90s}", 90_000 * millisecond) { $0.ejectTime },
        .of("health: {path: /up, interval: 3s}", 3000 * millisecond) { $0.health?.interval ?? 0 },
        .of("health: {path: /up, timeout: 70ms}", 70 * millisecond) { $0.health?.timeout ?? 0 },
        .of("health: {path: /up, unhealthy_after: 6}", 6) { UInt64($0.health?.unhealthyAfter ?? 0) },
        .of("health: {path: /up, healthy_after: 5}", 5) { UInt64($0.health?.healthyAfter ?? 0) },
        Row(upstream: "health: {path: /up}", expected: "/up", read: { $0.upstreams[0].health?.path ?? "none" }),
        Row(upstream: "", expected: "none", read: { $0.upstreams[0].health?.path ?? "none" }),
        Row(upstream: "protocol: http2", expected: "http2", read: { "\($0.upstreams[0].protocol)" }),
        Row(upstream: "", expected: "http1", read: { "\($0.upstreams[0].protocol)" }),
        Row(upstream: "connections: {reuse: always}", expected: "always", read: { "\($0.upstreams[0].reuse)" }),
        Row(upstream: "connections: {reuse: never}", expected: "never", read: { "\($0.upstreams[0].reuse)" }),
        Row(upstream: "", expected: "guarded", read: { "\($0.upstreams[0].reuse)" }),
        Row(upstream: "connections: {hold: 5ms}", expected: "fixed(5000000)", read: { "\($0.upstreams[0].hold)" }),
        Row(upstream: "connections: {hold: 0}", expected: "fixed(0)", read: { "\($0.upstreams[0].hold)" }),
        Row(upstream: "connections: {hold: auto}", expected: "automatic", read: { "\($0.upstreams[0].hold)" }),
        Row(upstream: "balance: round_robin", expected: "roundRobin false", read: balance),
        Row(upstream: "balance: random_two", expected: "randomTwo false", read: balance),
        Row(upstream: "balance: least_connections", expected: "leastConnections false", read: balance),
        Row(upstream: "balance: sticky_cookie", expected: "leastConnections true", read: balance),
    ]

    private static let balance: @Sendable (Plan) -> String = {
        "\($0.upstreams[0].balance) \($0.upstreams[0].sticky != nil)"
    }

    @Test(arguments: upstreams)
    func anUpstreamsKeys(_ row: Row) throws { #expect(row.read(try plan(upstream: row.upstream)) == row.expected) }

    static let tops: [Row] = [
        .at(top: "limits: {header_bytes: 2KiB}", 2048) { UInt64($0.limits.headerBytes) },
        .at(top: "limits: {header_bytes: 2KiB}", 2048) { UInt64($0.frameLimits.headerBytesMax) },
        .at(top: "limits: {header_count: 9}", 9) { UInt64($0.limits.headerCount) },
        .at(top: "limits: {header_count: 9}", 9) { UInt64($0.frameLimits.headerCountMax) },
        .at(top: "limits: {answer_header_bytes: 3KiB}", 3072) { UInt64($0.limits.answerHeaderBytes) },
        .at(top: "limits: {answer_header_bytes: 3KiB}", 3072) { UInt64($0.upstreamFrameLimits.headerBytesMax) },
        .at(top: "limits: {answer_header_count: 8}", 8) { UInt64($0.limits.answerHeaderCount) },
        .at(top: "limits: {answer_header_count: 8}", 8) { UInt64($0.upstreamFrameLimits.headerCountMax) },
        .at(top: "limits: {body_bytes: 5KiB}", 5120) { $0.limits.bodyBytes },
        .at(top: "", .max) { $0.limits.bodyBytes },
        .at(top: "limits: {client_connections: 77}", 77) { UInt64($0.limits.clientConnections) },
        .at(top: "limits: {streams: 5}", 5) { UInt64($0.limits.streams) },
        .at(top: "limits: {streams: 5}", 5) { UInt64($0.frameLimits.streamsMax) },
        .at(top: "limits: {interims: 3}", 3) { UInt64($0.limits.interims) },
        .at(top: "timeouts: {client_header: 2s}", 2000 * millisecond) { $0.timeouts.clientHeader },
        .at(top: "timeouts: {client_body: 3s}", 3000 * millisecond) { $0.timeouts.clientBody },
        .at(top: "timeouts: {client_idle: 4s}", 4000 * millisecond) { $0.timeouts.clientIdle },
        .at(top: "timeouts: {drain: 5s}", 5000 * millisecond) { $0.timeouts.drain },
        .at(top: "incidents: {quarantine: {for: 7s}}", 7000 * millisecond) { $0.quarantine },
        .at(top: "incidents: {evidence: {sample: escaped, max_bytes: 64}}", 64) { UInt64($0.sampleBytes) },
        .at(top: "incidents: {evidence: {sample: off, max_bytes: 64}}", 0) { UInt64($0.sampleBytes) },
        Row(top: "access_log: {format: combined}", expected: "true", read: { "\($0.accessIsCombined)" }),
        Row(top: "", expected: "false", read: { "\($0.accessIsCombined)" }),
        Row(top: "access_log: {query: redact}", expected: "true", read: { "\($0.accessRedactsQuery)" }),
        Row(top: "access_log: {query: keep}", expected: "false", read: { "\($0.accessRedactsQuery)" }),
        Row(
            top: "trusted_proxies: [10.0.0.0/8, unix]", expected: "10.0.0.0/8 unix",
            read: {
                $0.trusted.map(\.description).joined(separator: " ")
            }),
        Row(top: "probe: {echo: require}", expected: "require", read: { "\($0.echo)" }),
        Row(top: "probe: {echo: off}", expected: "off", read: { "\($0.echo)" }),
        Row(
            top: "listeners: [{address: ':0', proxy_protocol: v1v2}, {address: ':1'}]", expected: "true false false",
            read: {
                (0...2).map(String.init).map { Int($0)! }.map(expects($0)).joined(separator: " ")
            }),
    ]

    private static func expects(_ plan: Plan) -> (Int) -> String { { "\(plan.expectsProxyHeader($0))" } }

    @Test(arguments: tops)
    func keysAtTheTop(_ row: Row) throws { #expect(row.read(try plan(top: row.top)) == row.expected) }

    /// A server built on nghttp2 cannot end a stream when the connection's window has run out before the streams'.
    @Test(arguments: [1, 128, 1000])
    func theUpstreamConnectionsWindowHoldsAllItsStreams(_ streams: Int) throws {
        let plan = try plan(top: "limits: {streams: \(streams)}")
        let limits = plan.upstreamFrameLimits
        #expect(limits.connectionWindowBytes == limits.streamWindowBytes * streams && limits.streamsMax == streams)
    }

    @Test func languages() throws {
        let listeners = ["[http1]", "[http2]", "[http1, http2]"].map { "{address: ':0', protocols: \($0)}" }.joined(
            separator: ", ")
        let plan = try plan(top: "listeners: [\(listeners)]")
        #expect(plan.languages == [.http1, .http2, [.http1, .http2]])
    }

    // MARK: Servers

    @Test func serversInTheirOrderWithTheirWeights() throws {
        let plan = try plan(servers: "127.0.0.1:1, {address: '[::1]:2', weight: 3}, 'unix:/tmp/x.sock'")
        let servers = plan.upstreams[0].servers
        #expect(servers.map(\.name) == ["127.0.0.1:1", "[::1]:2", "unix:/tmp/x.sock"])
        #expect(servers.map(\.weight) == [1, 3, 1])
        #expect(servers.map(\.address.description) == ["127.0.0.1:1", "[::1]:2", "unix:/tmp/x.sock"])
        #expect(servers.allSatisfy { $0.named == nil && $0.tls == nil })
    }

    @Test func aServersIdIsThatOfItsName() throws {
        let plan = try plan(upstream: "balance: sticky_cookie", servers: "127.0.0.1:1, 127.0.0.1:2")
        let cookie = StickyCookie(upstream: "app", servers: ["127.0.0.1:1", "127.0.0.1:2"])
        let sticky = try #require(plan.upstreams[0].sticky)
        for server in 0...1 {
            #expect(sticky.line(server, isSecure: true).elementsEqual(cookie.line(server, isSecure: true)))
        }
    }

    @Test func aPathThatIsNoSocketsIsReported() throws {
        let path = "/" + String(repeating: "x", count: 200)
        #expect(throws: Plan.ResolveError.self) { try Plan.resolve(.unix(path: path)) }
        #expect(throws: Plan.ResolveError.self) { try Plan.resolve(.tcp(host: "no.such.host.invalid", port: 1)) }
        #expect(try Plan.resolve(.tcp(host: "127.0.0.1", port: 65_535)).description == "127.0.0.1:65535")
    }

    /// What marks and the probe's reports call routes and servers: by their place in the plan.
    @Test func namesOfMarks() throws {
        let text = """
            upstreams: {a: {servers: [127.0.0.1:1, 127.0.0.1:2]}, b: {servers: [127.0.0.1:3]}}
            routes: [{name: one, path_prefix: /x, upstream: b}, {name: two, upstream: a}]
            """
        let plan = try Plan.make(Settings.decode(Array(text.utf8), file: "a.yaml"))
        let names = plan.markNames
        #expect(names.routes == ["one", "two"])
        #expect(names.servers.map(\.address) == ["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"])
        #expect(names.servers.map(\.upstream) == ["a", "a", "b"])
        let salts = (0..<16).map { _ in PlanSalt.next() }
        #expect(Set(salts).count == 16 && Set(salts.map { $0 >> 4 }).count == 1)
    }
}
