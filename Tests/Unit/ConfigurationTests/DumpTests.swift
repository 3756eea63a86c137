import Testing

@testable import Configuration

@Suite struct DumpTests {
    let everything = """
        listeners: [':1', {address: 'unix:/a', protocols: [http1], tls: {certificates: [{certificate: a, key: b}]}, proxy_protocol: v1v2}]
        admin: off
        workers: 3
        upstreams:
          "a \\"quoted\\" name": {servers: ['a:1', {address: '[::1]:2', weight: 7}], protocol: http2, tls: {ca: x}, balance: sticky_cookie}
          b: {servers: ['b:1'], health: {path: /h}, wait_queue: {max: 0}, connections: {max: 3, hold: 0}}
        routes:
          - {name: r, host: '*.x.example', path: /p, methods: [GET], upstream: b, rewrite: /q, timeouts: {body_idle: 90s}}
          - {name: s, redirect: {to: 'https://é.example/\\'}, response_headers: {set: {A: b}, remove: [C]}}
          - {name: t, path_regex: '^/a\\.b', upstream: b, on_violation: observe}
        incidents: {path: "-", evidence: {sample: escaped}}
        access_log: {path: a.log, format: combined}
        limits: {body_bytes: 1GiB}
        trusted_proxies: [10.0.0.0/8, '::1']
        error_pages: {502: bad.html}
        """

    @Test func readsBack() throws {
        let settings = try decoded(everything)
        #expect(try decoded(settings.redactedJSON) == settings)
        let plain = try decoded(upstream)
        #expect(try decoded(plain.redactedJSON) == plain)
    }

    @Test func startsLikeThis() throws {
        let expected =
            #"{"listeners":[{"address":"127.0.0.1:8080","protocols":["http1","http2"],"tls":null,"proxy_protocol":"off"}],"admin":{"address":"127.0.0.1:9180","hosts":[]},"workers":"auto","upstreams":{"app":{"servers":[{"address":"127.0.0.1:3000","weight":1}],"#
        #expect(try decoded(upstream).redactedJSON.hasPrefix(expected))
    }

    @Test func secretsAreRedactedWhereTheyStand() throws {
        let yaml = """
            upstreams: {app: {servers: ['${SECRET_HOST}:80', 'hunter2:81']}}
            routes: [{request_headers: {set: {Authorization: "Bearer ${API_TOKEN}", X-Plain: "${PLAIN}"}}}]
            incidents: {path: "${LOG_KEY}"}
            """
        let environment = ["SECRET_HOST": "hunter2", "API_TOKEN": "hunter3", "PLAIN": "shown", "LOG_KEY": "hunter4"]
        let dump = try decoded(yaml, environment: environment).redactedJSON
        #expect(dump.contains(#""servers":[{"address":"[REDACTED]","weight":1},{"address":"hunter2:81","weight":1}]"#))
        #expect(dump.contains(#""set":{"Authorization":"[REDACTED]","X-Plain":"shown"}"#))
        #expect(dump.contains(#""incidents":{"path":"[REDACTED]""#))
        let flags = Overrides(incidents: "-")
        #expect(try decoded(yaml, environment: environment, overrides: flags).redactedJSON.contains(#""path":"-""#))
    }
}
