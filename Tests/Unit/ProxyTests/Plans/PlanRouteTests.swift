import Configuration
import Detector
import Testing

@testable import Proxy

/// A route with everything about it made ready, and what a worker does to its requests.
@Suite struct PlanRouteTests {
    private func plan(_ route: String, upstream: String = "") throws -> Plan {
        let text = """
            upstreams: {first: {servers: [127.0.0.1:1]}, app: {servers: [127.0.0.1:2]\(upstream.isEmpty ? "" : ", ")\(upstream)}}
            routes: [{name: r, \(route)}]
            """
        return try Plan.make(Settings.decode(Array(text.utf8), file: "a.yaml"))
    }

    private func route(_ text: String) throws -> Plan.Route { try plan(text).routes[0] }

    @Test(arguments: [
        ("upstream: app", "prefix(\"/\")"), ("path: /a, upstream: app", "exact(\"/a\")"),
        ("path_prefix: /a/, upstream: app", "prefix(\"/a/\")"),
    ])
    func paths(_ text: String, _ expected: String) throws {
        let route = try route(text)
        #expect("\(route.rule.path)" == expected && route.upstream == 1 && route.name == "r")
    }

    @Test func whichRequests() throws {
        let route = try route("host: '*.Example.COM', methods: [GET, PURGE], upstream: first")
        #expect(route.rule.host == "*.example.com" && route.rule.methods == ["GET", "PURGE"] && route.upstream == 0)
        #expect(try self.route("upstream: app").rule.host == "")
        guard case .pattern(let pattern) = try self.route("path_regex: '^/(a)/(b)', rewrite: '/$2/$1', upstream: app").rule.path
        else { return #expect(Bool(false), "no pattern") }
        #expect(pattern.groupCount == 2)
    }

    @Test(arguments: [
        ("path_regex: '^/(', upstream: app"), ("path_regex: '^/(a)', rewrite: '/$2', upstream: app"),
        ("path: /a, rewrite: '/$1', upstream: app"), ("path: /a, redirect: {to: 'http://b/$1'}"),
    ])
    func whatCannotBeMade(_ text: String) {
        #expect(throws: (any Error).self) { try plan(text) }
    }

    @Test(
        arguments: [
            ("timeouts: {response_header: 3s}", 3_000_000_000, 0, 0), ("timeouts: {body_idle: 4ms}", 0, 4_000_000, 0),
            ("timeouts: {tunnel_idle: 5s}", 0, 0, 5_000_000_000), ("methods: [GET]", 0, 0, 0),
        ] as [(String, UInt64, UInt64, UInt64)])
    func timeouts(_ text: String, _ head: UInt64, _ body: UInt64, _ tunnel: UInt64) throws {
        let route = try route("upstream: app, \(text)")
        #expect(route.responseHeaderTimeout == head && route.bodyIdleTimeout == body && route.tunnelIdleTimeout == tunnel)
    }

    // MARK: What a worker does

    struct Case: CustomTestStringConvertible, Sendable {
        var route: String
        var upstream = ""
        var redirects = false
        var changesTarget = false
        var fails = false
        var isSticky = false
        var changesFields = false
        var testDescription: String { "\(route) \(upstream)" }
    }

    static let cases: [Case] = [
        Case(route: "upstream: app"), Case(route: "path_prefix: /a, strip_prefix: /a, upstream: app", changesTarget: true),
        Case(route: "rewrite: /b, upstream: app", changesTarget: true),
        Case(route: "redirect: {to: 'https://{host}{uri}', status: 308}", redirects: true),
        Case(route: "upstream: app, on_violation: fail", fails: true), Case(route: "upstream: app, on_violation: contain"),
        Case(route: "upstream: app, on_violation: observe"),
        Case(route: "upstream: app", upstream: "balance: sticky_cookie", isSticky: true),
        Case(route: "upstream: app, request_headers: {set: {X-A: b}}", changesFields: true),
    ]

    @Test(arguments: cases)
    func routeActions(_ one: Case) throws {
        let plan = try plan(one.route, upstream: one.upstream)
        let route = plan.routes[0]
        let actions = RouteActions(route, route.upstream < 0 ? nil : plan.upstreams[route.upstream])
        #expect(actions.redirects == one.redirects && actions.changesTarget == one.changesTarget)
        #expect(actions.failsForSurplus == one.fails && actions.isSticky == one.isSticky)
        #expect((actions.requestFields != nil) == one.changesFields && actions.responseFields == nil)
        #expect(one.redirects == (route.redirect != nil) && one.redirects == (route.upstream < 0))
    }

    /// The route's own times come before its upstream's.
    @Test(
        arguments: [
            ("", 7_000_000_000, 8_000_000_000), ("timeouts: {response_header: 1s}", 1_000_000_000, 8_000_000_000),
            ("timeouts: {body_idle: 2s}", 7_000_000_000, 2_000_000_000),
            ("timeouts: {response_header: 1h, body_idle: 2h}", 3_600_000_000_000, 7_200_000_000_000),
        ] as [(String, UInt64, UInt64)])
    func timesOfRouteActions(_ text: String, _ head: UInt64, _ body: UInt64) throws {
        let plan = try plan(
            "upstream: app\(text.isEmpty ? "" : ", ")\(text)", upstream: "timeouts: {response_header: 7s, body_idle: 8s}")
        let actions = RouteActions(plan.routes[0], plan.upstreams[1])
        #expect(actions.responseHeaderTimeout == head && actions.bodyIdleTimeout == body)
    }
}
