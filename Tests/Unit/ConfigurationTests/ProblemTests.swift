import Testing

@testable import Configuration

/// A text and everything that is wrong with it.
@Suite struct ProblemTests {
    @Test(arguments: [
        ("lisen: []", "2:1: unknown key 'lisen' (did you mean 'listeners'?)"),
        (
            "timeouts: {database: 1s}",
            "2:12: unknown key 'database' (valid here: client_header, client_body, client_idle, drain)"
        ),
        ("timeouts: {drain: 5 sec}", "2:19: expected a duration such as 250ms, 5s or 2m, found '5 sec'"),
        (
            "timeouts: {client_body: 0}",
            "2:25: expected a duration such as 250ms, 5s or 2m (not 0, at most a year), found '0'"
        ),
        ("timeouts: {drain: }", "2:19: expected a duration such as 250ms, 5s or 2m, found nothing"),
        ("timeouts: [1s]", "2:11: expected a mapping with keys such as 'client_header', found a list"),
        (
            "limits: {header_bytes: 64KB}",
            "2:24: expected a size such as 512, 16KiB or 10MiB, from 1KiB to 1MiB, found '64KB'"
        ),
        ("limits: {streams: many}", "2:19: expected a whole number from 1 to 10000, found 'many'"),
        ("limits: {streams: {a: 1}}", "2:19: expected a whole number from 1 to 10000, found a mapping"),
        ("workers: 0", "2:10: expected 'auto' or a whole number from 1 to 256, found '0'"),
        ("access_log: {format: jsn}", "2:22: expected json or combined, found 'jsn' (did you mean 'json'?)"),
        (
            "listeners: [localhost]",
            "2:13: expected an address such as 127.0.0.1:8080, [::1]:8080, :8080 or unix:/path, found 'localhost': the port is missing"
        ),
        ("listeners: [{protocols: [http1]}]", "2:13: the key 'address' is missing"),
        ("listeners: [{address: ':80', protocols: []}]", "2:41: a listener needs at least one protocol"),
        ("listeners: [{address: ':80', protocols: [http1, http1]}]", "2:41: a protocol is listed twice"),
        ("listeners: [':80', ':0', ':0', ':80']", "2:32: :80 is listened on twice"),
        (
            "listeners: ['127.0.0.1:9180']\nadmin: 127.0.0.1:9180",
            "3:8: 127.0.0.1:9180 is a listener's address too; the admin endpoint needs its own"
        ),
        ("listeners: [{address: ':443', tls: {}}]", "2:36: tls needs 'certificate' and 'key', or 'certificates'"),
        ("listeners: [{address: ':443', tls: {key: a}}]", "2:42: 'key' needs its 'certificate'"),
        (
            "listeners: [{address: ':443', tls: {key: a, certificate: b, certificates: [{certificate: a, key: b}]}}]",
            "2:75: 'certificates' stands instead of 'certificate' and 'key'"
        ),
        (
            "trusted_proxies: [10.0.0.0/40]",
            "2:19: expected an IP address, a network such as 10.0.0.0/8, or unix, found '10.0.0.0/40'"
        ),
        (
            "admin: {hosts: ['ops.example:9180']}",
            "2:17: expected a host such as shop.example or *.example.com, without a port, found 'ops.example:9180'"
        ),
        ("error_pages: {200: a.html}", "2:15: expected a status from 400 to 599, found '200'"),
        ("routes: {}", "2:9: expected a list, found a mapping"),
        ("routes: [{upstream: shop}]", "2:21: no upstream is named 'shop'"),
        ("routes: [{upstream: apq}]", "2:21: no upstream is named 'apq' (did you mean 'app'?)"),
        ("routes: [{name: a}, {name: b}, {name: a}]", "2:39: two routes are named 'a'"),
        (
            "routes: [{host: a}, {host: b}]",
            "2:21: two routes are named 'app' (after their upstream): give this one a 'name'"
        ),
        (
            "routes: [{name: _none}]",
            "2:17: expected a name of 1 to 128 bytes without control characters that does not begin with '_', found '_none'"
        ),
        ("routes: [{path: /a, path_regex: b}]", "2:33: 'path_regex' and 'path' exclude each other"),
        ("routes: [{path: a}]", "2:17: expected a path that begins with '/', found 'a'"),
        (
            "routes: [{host: 'a:80'}]",
            "2:17: expected a host such as shop.example or *.example.com, without a port, found 'a:80'"
        ),
        ("routes: [{methods: ['A B']}]", "2:21: expected a name of letters, digits and dashes, found 'A B'"),
        ("routes: [{name: a, upstream: app, redirect: {to: /}}]", "2:30: 'upstream' has no meaning beside 'redirect'"),
        (
            "routes: [{path_regex: '/a(b'}]",
            "2:23: '/a(b' is no regular expression: missing closing parenthesis, after '/a(b'"
        ),
        (
            "routes: [{path_regex: '/(a)', rewrite: /$1/$2}]",
            "2:40: '$2' stands for a group that is not there: 'path_regex' has 1"
        ),
        (
            "routes: [{name: a, redirect: {to: '{hots}'}}]",
            "2:35: expected {host}, {path}, {query} or {uri}, found '{hots}'"
        ),
        (
            "routes: [{request_headers: {set: {traceparent: a}}}]",
            "2:48: the field 'traceparent' belongs to the proxy and cannot be set"
        ),
        (
            "routes: [{request_headers: {remove: [Host]}}]",
            "2:38: the field 'Host' cannot be removed from a request"
        ),
        ("routes: [{redirect: {to: /}}]", "2:10: a route with 'redirect' needs a 'name'"),
        (
            "routes: [{name: a, redirect: {status: 200, to: /}}]",
            "2:39: expected 301, 302, 303, 307 or 308, found '200'"
        ),
        (
            "routes: [{request_headers: {set: {Content-Length: 5}}}]",
            "2:35: the field 'Content-Length' belongs to the proxy and cannot be set"
        ),
        ("routes: [{request_headers: {set: {A: x, a: y}}}]", "2:41: the field 'a' is set twice"),
        (
            "routes: [{response_headers: {set: {A: \"x\\r\\ny\"}}}]",
            "2:39: expected a text of 1 to 4096 bytes without control characters, found 'x\\u{d}\\u{a}y'"
        ),
        ("workers: ${NONE}", "2:10: environment variable NONE is not set, and there is no default"),
        ("incidents: {path: 'logs/${NONE}'}", "2:25: environment variable NONE is not set, and there is no default"),
    ])
    func besideAnUpstream(yaml: String, problem: String) { #expect(problems(upstream + yaml) == ["a.yaml:\(problem)"]) }

    @Test(arguments: [
        ("", "1:1: at least one upstream is needed: where do the requests go?"),
        ("workers: 2", "1:1: at least one upstream is needed: where do the requests go?"),
        ("workers: 2\nupstreams: {}", "2:12: at least one upstream is needed: where do the requests go?"),
        ("upstreams: {a: }", "1:16: the key 'servers' is missing"),
        ("upstreams: {a: {servers: []}}", "1:26: an upstream needs at least one server"),
        ("upstreams: {a: {servers: ['a:1', 'b:1', {address: 'a:1'}]}}", "1:51: the server a:1 is listed twice"),
        (
            "upstreams: {a: {servers: [{address: 'a:1', weight: 257}]}}",
            "1:52: expected a whole number from 1 to 256, found '257'"
        ),
        (
            "upstreams: {a: {servers: ['a:1'], connections: {max: 5, max_idle: 6}}}",
            "1:67: max_idle (6) is more than max (5)"
        ),
        (
            "upstreams: {_a: {servers: ['a:1']}}",
            "1:13: expected a name of 1 to 128 bytes without control characters that does not begin with '_', found '_a'"
        ),
        (
            "upstreams: {a: {servers: ['a:1']}, b: {servers: ['b:1']}}",
            "1:12: with 2 upstreams, 'routes' must say which requests go where"
        ),
        (
            "upstreams: {a: {servers: ['a:1']}, b: {servers: ['b:1']}}\nroutes: [{name: x}]",
            "2:10: the key 'upstream' is missing, and there are 2 upstreams"
        ),
        ("- upstreams", "1:1: expected a mapping with keys such as 'listeners', found a list"),
    ])
    func alone(yaml: String, problem: String) {
        #expect(problems(yaml).contains("a.yaml:\(problem)"), "\(problems(yaml))")
    }

    /// What other programs understand.
    @Test(arguments: [
        ("access_log: {path: off}", "2:20: expected file, found 'off' (did you mean 'null'?)"),
        ("access_log: {path: 'None'}", "2:20: expected file, found 'None' (did you mean 'null'?)"),
        ("access_log: {path: false}", "2:20: expected file, found 'false' (did you mean 'null'?)"),
        ("access_log: {path: stdout}", "2:20: expected a file, found 'stdout' (did you mean '-'?)"),
        ("incidents: {path: off}", "2:19: expected a file, found 'off' (did you mean '/dev/null'?)"),
        ("incidents: {quarantine: {for: off}}", "2:31: expected a duration or 0, found 'off' (did you mean '0'?)"),
        ("limits: {body_bytes: unlimited}", "2:22: expected size 0…1024GiB, found 'unlimited' (did you mean 'null'?)"),
        ("listeners: [{address: ':1', tls: off}]", "2:34: expected a mapping, found 'off' (did you mean 'null'?)"),
        (
            "routes: [{path_prefix: '/api/*'}]",
            "2:24: expected a path that begins with '/', without a wildcard at its end, found '/api/*' (did you mean '/api'?)"
        ),
        (
            "routes: [{path_prefix: '/*'}]",
            "2:24: expected a path that begins with '/', without a wildcard at its end, found '/*' (did you mean '/'?)"
        ),
        (
            "routes: [{path_prefix: '/a/**'}]",
            "2:24: expected a path that begins with '/', without a wildcard at its end, found '/a/**' (did you mean '/a'?)"
        ),
        (
            "routes: [{strip_prefix: '/v1*'}]",
            "2:25: expected a path that begins with '/', without a wildcard at its end, found '/v1*' (did you mean '/v1'?)"
        ),
        (
            "routes: [{path: '/api/*'}]",
            "2:17: expected a path that begins with '/', without a wildcard at its end, found '/api/*' (did you mean 'path_prefix: /api'?)"
        ),
        ("routes: [{path_prefix: '*'}]", "2:24: expected a path that begins with '/', found '*'"),
    ])
    func whatWasMeant(yaml: String, problem: String) { #expect(problems(upstream + yaml) == ["a.yaml:\(problem)"]) }

    @Test(arguments: [
        ("http://127.0.0.1:3000", "127.0.0.1:3000"), ("http://127.0.0.1:3000/", "127.0.0.1:3000"),
        ("http://shop.internal", "shop.internal:80"),
        ("https://shop.internal/path?q", "shop.internal:443"), ("HTTP://[::1]:3000", "[::1]:3000"),
        ("http://[::1]", "[::1]:80"),
        ("h2c://a:1", "a:1"), ("tcp://a:1", "a:1"), ("http://user@a:1", "a:1"), ("3000", ":3000"),
        ("127.0.0.1:3000/", "127.0.0.1:3000"),
        ("/run/app.sock", "unix:/run/app.sock"), ("*:3000", ":3000"),
    ])
    func addressesThatWereMeant(written: String, meant: String) {
        for yaml in ["upstreams: {a: {servers: ['\(written)']}}", upstream + "listeners: ['\(written)']"] {
            let found = problems(yaml)
            #expect(found.count == 1 && found[0].hasSuffix("(did you mean '\(meant)'?)"), "\(found)")
        }
    }

    @Test(arguments: ["http://", "nowhere", "http:// a", "1:2:3", "://a:1", "http://a:b"])
    func addressesThatNobodyUnderstands(written: String) {
        let found = problems("upstreams: {a: {servers: ['\(written)']}}")
        #expect(found.count == 1 && !found[0].contains("did you mean"), "\(found)")
    }

    @Test func wordsThatMeanSomethingElsewhere() throws {
        let yaml = upstream + "routes: [{host: off, path_regex: none, name: no}]\naccess_log: {path: ./off}"
        #expect(problems(yaml) == [])
    }

    @Test func portZeroIsNoServer() {
        let text = problems("upstreams: {a: {servers: ['a:0']}}")
        #expect(text.count == 1 && text[0].hasSuffix("found 'a:0': port 0 can only be listened on"))
    }

    @Test func allAtOnceInOrder() {
        let yaml = """
            upstreams:
              app: {servers: [nowhere], blance: random_two}
            routes:
              - {name: shop, upstream: ap, on_violation: contian}
            limits: {streams: 0}
            """
        #expect(
            problems(yaml).map { $0.split(separator: " ")[0] } == [
                "a.yaml:2:19:", "a.yaml:2:29:", "a.yaml:4:28:", "a.yaml:4:46:", "a.yaml:5:19:",
            ])
    }

    @Test func secretsStayOutOfMessages() {
        let text = problems(upstream + "workers: ${MY_TOKEN}", environment: ["MY_TOKEN": "hunter2"])
        #expect(text == ["a.yaml:2:10: expected 'auto' or a whole number from 1 to 256, found a secret value"])
    }
}
