import Detector
import Testing

@testable import Configuration

@Suite struct SettingsTests {
    @Test func oneUpstreamIsEnough() throws {
        let settings = try decoded(upstream)
        #expect(settings.listeners.map(\.address) == [.tcp(host: "127.0.0.1", port: 8080)])
        #expect(settings.listeners[0].protocols == [.http1, .http2])
        #expect(settings.admin.address == .tcp(host: "127.0.0.1", port: 9180))
        #expect(settings.workers == .auto)
        #expect(settings.routes == [.init(name: "default", upstream: "app", prefix: "/")])
        #expect(settings.routes[0].onViolation == .contain)
        #expect(settings.incidents.path == "incidents.jsonl")
        #expect(settings.upstreams[0].connections.reuse == .guarded)
        #expect(settings.upstreams[0].connections.hold == .auto)
    }

    @Test func theContractsExample() throws {
        let yaml = """
            listeners:
              - address: 127.0.0.1:8080
                protocols: [http1, http2]
                tls: {certificate: a.pem, key: a.key, client_ca: null}
                proxy_protocol: off
            admin: {address: 127.0.0.1:9180, hosts: [ops.example, '*.Mesh.example']}
            workers: auto
            upstreams:
              legacy-shop:
                servers: [127.0.0.1:3000, {address: 127.0.0.1:3001, weight: 2}]
                protocol: http1
                balance: least_connections
                connections: {max: 1024, max_idle: 256, idle_timeout: 4s, reuse: guarded, hold: auto}
                timeouts: {connect: 2s, response_header: 60s, body_idle: 60s}
                retry: {attempts: 1}
                health: {path: /healthz, interval: 5s, timeout: 1s, unhealthy_after: 3, healthy_after: 2}
                eject: {consecutive_failures: 5, for: 10s}
            routes:
              - {name: shop, host: shop.example, path_prefix: /, upstream: legacy-shop, on_violation: contain}
            incidents:
              path: incidents.jsonl
              rotate: {size: 100MiB, keep: 5}
              limit: {burst: 20, per_second: 5}
              evidence: {sample: off, max_bytes: 256}
              quarantine: {for: 60s}
            access_log: {path: null, format: json}
            limits: {header_bytes: 64KiB, header_count: 128, answer_header_bytes: 256KiB, answer_header_count: 512, body_bytes: null, client_connections: 65536, streams: 128}
            timeouts: {client_header: 15s, client_body: 60s, client_idle: 75s, drain: 30s}
            trusted_proxies: []
            """
        let settings = try decoded(yaml)
        // It spells out the defaults: what it does not change equals what an almost empty file means.
        let plain = try decoded(upstream)
        #expect(settings.incidents == plain.incidents)
        #expect(settings.limits == plain.limits)
        #expect(settings.timeouts == plain.timeouts)
        #expect(settings.accessLog == plain.accessLog)
        #expect(settings.upstreams[0].connections == plain.upstreams[0].connections)
        #expect(settings.upstreams[0].timeouts == plain.upstreams[0].timeouts)
        #expect(settings.upstreams[0].retry == plain.upstreams[0].retry)
        #expect(settings.upstreams[0].eject == plain.upstreams[0].eject)
        #expect(settings.upstreams[0].health.path == "/healthz")
        #expect(settings.upstreams[0].servers.map(\.weight) == [1, 2])
        #expect(settings.listeners[0].tls?.choices == [.init(certificate: "a.pem", key: "a.key")])
        #expect(settings.routes[0].host == .exact("shop.example"))
    }

    @Test func routing() throws {
        let yaml = """
            upstreams:
              a: {servers: [a:1], wait_queue: {max: 5, timeout: 2s}}
              b: {servers: ["unix:/run/b"], tls: {server_name: b.example}}
            routes:
              - {name: exact, host: "*.Shop.Example", path: /x, methods: [GET, HEAD], upstream: a, rewrite: /y}
              - {name: regex, path_regex: "^/v[0-9]+$", upstream: b, strip_prefix: /v1, timeouts: {response_header: 5s}}
              - {name: away, path_prefix: /old, redirect: {status: 308, to: "https://new.example/"}}
              - upstream: b
                on_violation: fail
                request_headers: {set: {X-From: proxy, x-b: "1"}, remove: [Cookie]}
                response_headers: {remove: [Server]}
            error_pages: {503: busy.html, 502: bad.html}
            incidents: {evidence: {query: keep}}
            """
        let settings = try decoded(yaml)
        let routes = settings.routes
        #expect(routes.map(\.name) == ["exact", "regex", "away", "b"])
        #expect(routes.map(\.match) == [.exact("/x"), .regex("^/v[0-9]+$"), .prefix("/old"), .prefix("/")])
        #expect(routes[0].host == .subdomains(suffix: ".shop.example"))
        #expect(routes[0].methods == ["GET", "HEAD"])
        #expect(routes[1].timeouts.responseHeaderMilliseconds == 5000)
        #expect(routes[2].redirect?.status == 308)
        #expect(routes[2].upstream == nil)
        #expect(routes[3].requestHeaders.set.map(\.name) == ["X-From", "x-b"])
        #expect(routes[3].responseHeaders.remove == ["Server"])
        #expect(routes[3].onViolation == .fail)
        #expect(settings.errorPages.map(\.status) == [502, 503])
        #expect(settings.incidents.evidence.query == .keep)
        #expect(settings.upstreams[0].waitQueue.timeoutMilliseconds == 2000)
        #expect(settings.upstreams[1].tls?.serverName == "b.example")
    }

    @Test(arguments: ["admin: null", "admin: off", "admin: {address: off}", "admin: {address: null}", "admin:"])
    func adminOff(yaml: String) throws { #expect(try decoded(upstream + yaml).admin.address == nil) }

    @Test func emptySectionsAreDefaults() throws {
        let empty = "listeners:\nroutes:\nincidents:\naccess_log:\nlimits:\ntimeouts:\ntrusted_proxies:\nerror_pages:\n"
        #expect(try decoded(upstream + empty) == decoded(upstream))
    }

    @Test func environment() throws {
        let yaml = "upstreams: {app: {servers: ['${APP_HOST}:${APP_PORT:-3000}']}}\nworkers: ${WORKERS}\n"
        let settings = try decoded(yaml, environment: ["APP_HOST": "app.local", "WORKERS": "3"])
        #expect(settings.upstreams[0].servers.map(\.address) == [.tcp(host: "app.local", port: 3000)])
        #expect(settings.workers == .count(3))
    }

    @Test func maxIdleFollowsMax() throws {
        let settings = try decoded("upstreams: {app: {servers: [':3000'], connections: {max: 10}}}")
        #expect(settings.upstreams[0].connections.maxIdle == 10)
        #expect(settings.upstreams[0].servers[0].address == .tcp(host: "127.0.0.1", port: 3000))
    }

    @Test(arguments: ["minimal.yaml", "sendonce.yaml"])
    func examplesAreValid(file: String) throws {
        let settings = try Settings.load(fileAt: "\(packageRoot)/config/\(file)", environment: [:])
        #expect(!settings.upstreams.isEmpty)
    }

    @Test func unreadableFiles() {
        func problem(_ path: String) -> String? {
            do throws(Problems) {
                _ = try Settings.load(fileAt: path, environment: [:])
                return nil
            } catch { return error.description }
        }
        #expect(problem("/nonexistent/a.yaml") == "/nonexistent/a.yaml: cannot be read: No such file or directory")
        #expect(problem("/") == "/: cannot be read: Is a directory")
        #expect(problem("/dev/zero") == "/dev/zero: the file is larger than 1MiB")
    }
}

extension Settings.Route {
    init(name: String, upstream: String, prefix: String) {
        self.init(name: name, upstream: upstream)
        pathPrefix = prefix
    }
}
