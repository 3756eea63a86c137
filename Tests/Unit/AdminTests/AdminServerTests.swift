import Admin
import Detector
import Glibc
import Report
import Synchronization
import Testing

struct AdminServerTests {
    private final class Switch: Sendable { let isReady = Atomic(true) }

    private let readiness = Switch()
    private let metrics: Metrics
    private let recorder: IncidentRecorder
    private let server: AdminServer

    init() throws {
        metrics = Metrics(
            schema: MetricsSchema(routes: [("shop", 0), ("blog", 0)], upstreams: [("u", ["127.0.0.1:1"])], listeners: ["l"]),
            version: "1")
        recorder = IncidentRecorder(metrics: metrics, log: nil, limit: IncidentLimit(burst: 5000))
        server = try AdminServer(address: "127.0.0.1:0", sources: Self.sources(recorder, readiness))
    }

    private static func sources(_ recorder: IncidentRecorder, _ readiness: Switch) -> AdminSources {
        AdminSources(
            metrics: recorder.metrics, ring: recorder.ring,
            readiness: { .init(problems: readiness.isReady.load(ordering: .relaxed) ? [] : ["draining"]) },
            upstreams: { Array("[\"u\"]".utf8) }, configuration: { Array("{\"c\":1}".utf8) },
            hosts: { ["a"] })
    }

    @discardableResult
    private func record(_ kind: Kind, route: String = "shop") -> String {
        var incident = Incident(
            timeNanoseconds: WallTime.nowNanoseconds(), id: IncidentID.shared.next(milliseconds: 1), severity: .error,
            kind: kind,
            certainty: .proven, origin: .upstream, action: .observe, clientImpact: .none, message: "m", route: route,
            protocolName: "http/1.1", evidence: .init(phase: .idle))
        incident.upstream = .init(name: "u", address: "127.0.0.1:1", connection: 1, exchange: 1)
        recorder.record(incident)
        return incident.id
    }

    @Test func healthAndReadiness() {
        let client = AdminClient(server.address)
        #expect(client.get("/healthz").head.hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(client.get("/readyz").body == "{\"ready\":true}\n")
        readiness.isReady.store(false, ordering: .relaxed)
        let response = client.get("/readyz")
        #expect(response.head.hasPrefix("HTTP/1.1 503 "))
        #expect(response.body == "{\"ready\":false,\"problems\":[\"draining\"]}\n")
    }

    @Test func documentsOfOthers() {
        let client = AdminClient(server.address)
        let upstreams = client.get("/upstreams")
        #expect(upstreams.body == "[\"u\"]")
        #expect(upstreams.head.contains("\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"))
        #expect(upstreams.head.contains("\r\nContent-Type: application/json\r\n"))
        #expect(client.get("/config").body == "{\"c\":1}")
    }

    @Test func metricsInBothFormats() {
        let client = AdminClient(server.address)
        let plain = client.get("/metrics", "Accept: */*\r\n")
        #expect(plain.head.contains("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"))
        #expect(plain.body.hasPrefix("# HELP sendonce_incidents_total "))
        let open = client.get("/metrics", "Accept: application/openmetrics-text;version=1.0.0\r\n")
        #expect(open.head.contains("Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n"))
        #expect(open.body.hasSuffix("\n# EOF\n"))
    }

    @Test(arguments: [
        "/page", "/page/", "/page/page.html", "/page/../config", "/probe", "/nothing", "/metrics/", "/incidents/streams",
    ])
    func unknownPaths(path: String) {
        let client = AdminClient(server.address)
        for method in ["GET", "POST"] {
            client.send("\(method) \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
            let response = client.response()
            #expect(response.head.hasPrefix("HTTP/1.1 404 Not Found\r\n"))
            #expect(response.body == "{\"error\":\"no such resource\"}\n")
        }
    }

    @Test func wrongMethod() {
        let client = AdminClient(server.address)
        client.send("POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
        let response = client.response()
        #expect(response.head.hasPrefix("HTTP/1.1 405 ") && response.head.contains("\r\nAllow: GET, HEAD\r\n"))
        #expect(response.head.contains("Connection: close"))
        #expect(client.isAtEnd())
    }

    @Test func headHasNoBody() {
        let client = AdminClient(server.address)
        client.send("HEAD /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(client.response(isHead: true).head.contains("\r\nContent-Length: 16\r\n"))
        #expect(client.get("/config").body == "{\"c\":1}")
    }

    @Test func pipelinedAndSplitRequests() {
        let client = AdminClient(server.address)
        client.send("\r\nGET /config HTTP/1.1\r\nHost: a\r\n\r\nGET http://a/upstreams HTTP/1.1\nHost: a\n\nGET /con")
        #expect(client.response().body == "{\"c\":1}")
        #expect(client.response().body == "[\"u\"]")
        client.send("fig HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        #expect(client.response().body == "{\"c\":1}")
        #expect(client.isAtEnd())
    }

    @Test(arguments: [
        "GET /config\r\n\r\n", "GET  /config HTTP/1.1\r\nHost: a\r\n\r\n", "GET /config HTTP/2.0\r\nHost: a\r\n\r\n",
        "GET /config HTTP/1.1\r\n\r\n", "GET /config HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "\u{16}\u{3}\u{1}\n\n",
        "GET /config HTTP/1.1\r\nHost : a\r\n\r\n", "GET /config HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
    ])
    func malformedRequests(bytes: String) {
        let client = AdminClient(server.address)
        client.send(bytes)
        #expect(client.response().head.hasPrefix("HTTP/1.1 400 "))
        #expect(client.isAtEnd())
    }

    @Test func aHeadThatIsTooLarge() {
        let client = AdminClient(server.address)
        client.send("GET / HTTP/1.1\r\nX: " + String(repeating: "x", count: AdminLimit.headBytesMax + 5000))
        #expect(client.response().head.hasPrefix("HTTP/1.1 431 "))
        #expect(client.isAtEnd())
    }

    @Test func incidentsFiltered() {
        let first = record(.secondResponse)
        record(.lateInterim, route: "blog")
        record(.bodyAfterEnd, route: "blog")
        let client = AdminClient(server.address)
        let all = client.get("/incidents").body
        #expect(all.hasPrefix("[{\"time\":") && all.hasSuffix("}]\n"))
        #expect(all.split(separator: "\n").count == 3)
        let after = client.get("/incidents?after=\(first)&limit=1").body
        #expect(after.contains("late_interim") && !after.contains("body_after_end") && !after.contains("second_response"))
        #expect(client.get("/incidents?route=bl%6Fg").body.split(separator: "\n").count == 2)
        #expect(client.get("/incidents?kind=second_response&route=").body.split(separator: "\n").count == 1)
        #expect(client.get("/incidents?kind=stalled_response").body == "[]\n")
        #expect(client.get("/incidents?limit=0").body == "[]\n")
        #expect(client.get("/incidents?limit=x").head.hasPrefix("HTTP/1.1 400 "))
        #expect(client.get("/incidents?kind=x").body.contains("second_response, header_block_in_body"))
    }

    @Test func streamShowsNewIncidentsAndMissedOnes() {
        let first = record(.secondResponse)
        let second = record(.lateInterim)
        let client = AdminClient(server.address)
        client.send("GET /incidents/stream HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(client.until("\r\n\r\n").contains("\r\nContent-Type: text/event-stream\r\n"))
        #expect(client.until("\n\n") == ": following\n\n")
        let third = record(.bodyAfterEnd)
        #expect(client.until("\n\n").hasPrefix("id: \(third)\nevent: incident\ndata: {\"time\":"))

        let again = AdminClient(server.address)
        let query = "kind=late_interim&kind=body_after_end"
        again.send("GET /incidents/stream?\(query) HTTP/1.1\r\nHost: a\r\nLast-Event-ID: \(first)\r\n\r\n")
        _ = again.until(": following\n\n")
        #expect(again.until("\n\n").hasPrefix("id: \(second)\n"))
        #expect(again.until("\n\n").hasPrefix("id: \(third)\n"))
        server.stop()
        #expect(client.isAtEnd() && again.isAtEnd())
    }

    @Test func aFollowerThatDoesNotReadHoldsUpNobody() {
        let slow = AdminClient(server.address)
        slow.send("GET /incidents/stream HTTP/1.1\r\nHost: a\r\n\r\n")
        _ = slow.until(": following\n\n")
        let other = AdminClient(server.address)
        // Far more than the socket's buffers and the ring hold.
        for _ in 0..<40 {
            for _ in 0..<1000 { record(.lateInterim, route: "blog") }
            #expect(other.get("/healthz").body == "{\"status\":\"ok\"}\n")
        }
        #expect(other.get("/incidents?limit=5000").body.split(separator: "\n").count == 1024)
    }

    @Test func placesForFollowersAreFew() {
        var followers: [AdminClient] = []
        for _ in 0..<AdminLimit.streamsMax {
            let follower = AdminClient(server.address)
            follower.send("GET /incidents/stream HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(follower.until(": following\n\n").hasPrefix("HTTP/1.1 200 "))
            followers.append(follower)
        }
        let late = AdminClient(server.address)
        #expect(late.get("/incidents/stream").head.hasPrefix("HTTP/1.1 503 "))
        #expect(late.get("/healthz").head.hasPrefix("HTTP/1.1 200 "))
    }

    @Test func connectionsAreFew() {
        var clients = (0..<AdminLimit.connectionsMax).map { _ in AdminClient(server.address) }
        for client in clients { #expect(client.get("/healthz").head.hasPrefix("HTTP/1.1 200 ")) }
        // The one that has been idle for longest makes room.
        let late = AdminClient(server.address)
        #expect(late.get("/healthz").head.hasPrefix("HTTP/1.1 200 "))
        #expect(clients[0].isAtEnd())
        #expect(clients[1].get("/healthz").head.hasPrefix("HTTP/1.1 200 "))
        clients.removeAll()
    }

    @Test func requestsThatDoNotEndKeepNobodyOut() {
        let begun = (0..<2 * AdminLimit.connectionsMax).map { _ in
            let client = AdminClient(server.address)
            client.send("G")
            return client
        }
        for _ in 0..<3 { #expect(AdminClient(server.address).get("/healthz").head.hasPrefix("HTTP/1.1 200 ")) }
        #expect(begun[0].isAtEnd())
    }

    @Test func hostsOfOthersAreForbidden() {
        let client = AdminClient(server.address)
        for path in ["/metrics", "/incidents", "/config", "/healthz", "/nothing"] {
            client.send("GET \(path) HTTP/1.1\r\nHost: evil.example\r\n\r\n")
            let response = client.response()
            #expect(response.head.hasPrefix("HTTP/1.1 403 Forbidden\r\n"))
            #expect(response.body.contains("admin.hosts"))
        }
        #expect(client.get("/config", "Origin: http://evil.example\r\n").head.hasPrefix("HTTP/1.1 403 "))
        #expect(client.get("/config", "Origin: http://localhost:1\r\n").head.hasPrefix("HTTP/1.1 200 "))
        client.send("GET /healthz HTTP/1.0\r\n\r\n")
        #expect(client.response().head.hasPrefix("HTTP/1.1 200 "))
    }

    @Test func onAUnixSocket() throws {
        let path = "/tmp/admin-test-\(getpid()).sock"
        let server = try AdminServer(address: "unix:" + path, sources: Self.sources(recorder, readiness))
        #expect(server.address == "unix:" + path)
        #expect(AdminClient(server.address).get("/config").body == "{\"c\":1}")
        #expect { try AdminServer(address: "unix:" + path, sources: Self.sources(recorder, readiness)) } throws: {
            "\($0)" == "cannot start the admin endpoint on unix:\(path): Address already in use"
        }
        server.stop()
        #expect(access(path, F_OK) != 0)
    }

    @Test func addressesThatCannotBe() {
        for address in ["localhost", "127.0.0.1:99999", "unix:", "127.0.0.1:", server.address] {
            #expect(throws: AdminServer.StartError.self) {
                try AdminServer(address: address, sources: Self.sources(recorder, readiness))
            }
        }
    }
}
