import Testing
import Wire

@testable import Routing

@Suite struct TargetTests {
    static func text(_ bytes: UnsafeBufferPointer<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

    static func strip(_ prefix: String, _ target: String) -> String {
        let router = Router([.prefix("/")])
        return Array(target.utf8).withUnsafeBufferPointer { text(router.strip(PathReading.literal(prefix), from: $0)) }
    }

    @Test(arguments: [
        ("/api", "/api/users?x=1", "/users?x=1"), ("/api", "/api", "/"), ("/api", "/api?x=1", "/?x=1"), ("/api", "/api/", "/"),
        ("/api", "/apiary", "/apiary"), ("/api", "/other", "/other"), ("/api/", "/api/a", "/a"), ("/api/", "/api", "/"),
        ("/api", "/%61pi/a%2Fb", "/a%2Fb"), ("/api", "//api//evil.example/x", "/evil.example/x"), ("/", "/a", "/a"),
        ("/", "/", "/"),
        ("/a/b", "/a//b/c", "/c"), ("/a/b", "/a/bc", "/a/bc"), ("/a%2Fb", "/a%2fb/c", "/c"), ("/a/b", "/a%2fb/c", "/a%2fb/c"),
        ("/api", "*", "*"),
    ])
    func prefixesAreTakenOff(prefix: String, target: String, expected: String) {
        #expect(Self.strip(prefix, target) == expected)
    }

    /// What a template makes of a request that a pattern has routed.
    static func fill(_ template: String, pattern: String, target: String, host: String? = nil, bytesMax: Int = 4096) throws
        -> String?
    {
        let compiled = try PathPattern(pattern)
        let template = try PathTemplate(template, groupCount: compiled.groupCount, isURL: host != nil)
        var router = Router([RouteRule(path: .pattern(compiled))], bytesMax: bytesMax)
        guard router.ask(target) == .route(0) else { return "no route" }
        return Array(target.utf8).withUnsafeBufferPointer { target in
            guard let host else { return router.rewrite(template, target: target).map(text) }
            return Array(host.utf8).withUnsafeBufferPointer { router.location(template, host: $0, target: target).map(text) }
        }
    }

    @Test func targetsAreRewritten() throws {
        #expect(try Self.fill("/v2/$2/$1", pattern: "/v1/([^/]+)/(.*)", target: "/v1/a/b/c?q=1") == "/v2/b/c/a?q=1")
        #expect(try Self.fill("/fixed", pattern: "/.*", target: "/a?q") == "/fixed?q")
        #expect(try Self.fill("/$$1$", pattern: "/(.*)", target: "/a") == "/$1$")
        #expect(try Self.fill("/x/$1", pattern: "/(a)?.*", target: "/b") == "/x/", "a group that took no part")
        // What was decoded to be matched is encoded again.
        #expect(
            try Self.fill("/x/$1", pattern: "/(.*)", target: "/a%20b%3Fc%23%2Fd%25%0D%0A%zz")
                == "/x/a%20b%3Fc%23%2Fd%25%0D%0A%25zz")
        #expect(
            try Self.fill("/x/$1$1", pattern: "/(.*)", target: "/" + String(repeating: "a", count: 60), bytesMax: 100) == nil)
    }

    @Test func locationsAreMade() throws {
        let target = "/a%20b/c?q=1"
        #expect(
            try Self.fill("https://{host}{uri}", pattern: "/.*", target: target, host: "a.example:8080")
                == "https://a.example/a%20b/c?q=1")
        #expect(try Self.fill("https://x{path}", pattern: "/.*", target: target, host: "a") == "https://x/a%20b/c")
        #expect(try Self.fill("/new/$1{query}", pattern: "/[^/]*/(.)", target: target, host: "a") == "/new/c?q=1")
        #expect(try Self.fill("https://{host}/", pattern: "/.*", target: "/", host: "[::1]:8080") == "https://[::1]/")
    }

    @Test(arguments: ["{hos}", "{", "a{host", "$1"]) func templatesThatAreNone(text: String) {
        #expect(throws: PathTemplate.Invalid.self) { try PathTemplate(text, groupCount: 0, isURL: true) }
    }

    @Test func bracesMeanNothingInTargets() throws {
        #expect(try PathTemplate("/{host}", groupCount: 0, isURL: false).pieces.count == 1)
    }
}
