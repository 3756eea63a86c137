import Testing
import Wire

@testable import Routing

@Suite struct RouterTests {
    @Test func hostsGoFromExactToWildcardToAny() {
        var router = Router([
            .prefix("/"), .prefix("/", host: "*.example"), .prefix("/", host: "*.b.example"), .prefix("/", host: "a.b.example"),
        ])
        for (host, expected) in [
            ("a.b.example", 3), ("A.B.Example:8080", 3), ("a.b.example.", 3), ("c.b.example", 2), ("x.c.b.example", 2),
            ("b.example", 1),
            ("example", 0), ("ample", 0), ("xexample", 0), ("", 0), ("[::1]:80", 0), (".example", 1), ("example.org", 0),
        ] {
            #expect(router.ask("/", host: host) == .route(expected), "\(host)")
        }
        #expect(router.ask("/", host: String(repeating: "a.", count: 200) + "b.example") == .route(0), "longer than any name")
    }

    @Test func aHostWithoutAMatchingPathLeavesTheRequestToTheNext() {
        var router = Router([.prefix("/api", host: "a.example"), .prefix("/", host: "*.example"), .prefix("/x")])
        #expect(router.ask("/api/1") == .route(0))
        #expect(router.ask("/other") == .route(1))
        #expect(router.ask("/other", host: "b.org") == .noRoute)
        #expect(router.ask("/x", host: "b.org") == .route(2))
    }

    @Test func theLongestPrefixWinsAtSegmentBorders() {
        var router = Router([.prefix("/"), .prefix("/api"), .prefix("/api/v1/"), .prefix("/api/v1/users")])
        for (path, expected) in [
            ("/", 0), ("/api", 1), ("/api?x=/api/v1/users", 1), ("/api/", 1), ("/apiary", 0), ("/api/v1", 1), ("/api/v1/", 2),
            ("/api/v1/x", 2),
            ("/api/v1/users", 3), ("/api/v1/users/", 3), ("/api/v1/users/7/x", 3), ("/api/v1/usersx", 2), ("/API", 0), ("*", 0),
        ] {
            #expect(router.ask(path) == .route(expected), "\(path)")
        }
    }

    @Test func exactPathsComeFirstThenPatternsInOrderThenPrefixes() throws {
        var router = Router([
            .prefix("/img/thumbs"), try .pattern(#"/img/.*\.png"#), try .pattern("/img/thumbs/.*"), .exact("/img/a.png"),
            .exact("/img/"),
        ])
        #expect(router.ask("/img/a.png") == .route(3))
        #expect(router.ask("/img/") == .route(4))
        #expect(router.ask("/img/thumbs/b.png") == .route(1))
        #expect(router.ask("/img/thumbs/b.gif") == .route(2))
        #expect(router.ask("/img/thumbs") == .route(0))
        #expect(router.ask("/img") == .noRoute)
        #expect(router.ask("/img/x.png?v=1") == .route(1), "the query is no part of the path")
        #expect(router.ask("/x/img/x.png") == .noRoute, "a pattern is for the whole path")
        #expect(router.ask("/img/x.png/y") == .noRoute)
        #expect(router.ask("/img/%0Ax.png") == .route(1), "a line end hides nothing")
    }

    @Test func methodsChooseBetweenRoutesOfOnePath() {
        var router = Router([
            .prefix("/"), .prefix("/w", methods: ["GET", "POST"]), .exact("/only", methods: ["PUT", "PURGE"]),
            .prefix("/", methods: ["DELETE"]),
        ])
        #expect(router.ask("/w", method: "POST") == .route(1))
        #expect(router.ask("/w", method: "HEAD") == .route(1), "HEAD goes where GET goes")
        #expect(router.ask("/w", method: "PUT") == .route(0))
        #expect(router.ask("/only", method: "PURGE") == .route(2))
        #expect(router.ask("/only", method: "BREW") == .route(0))
        #expect(router.ask("/x", method: "DELETE") == .route(3), "a route for certain methods comes before one for any")
        var strict = Router([.prefix("/a", methods: ["GET"]), .exact("/a", methods: ["PURGE"])])
        #expect(strict.ask("/a", method: "POST") == .methodNotAllowed)
        #expect(strict.allowed.list == "GET, HEAD")
        #expect(strict.ask("/a", method: "BREW") == .methodNotAllowed)
        #expect(strict.ask("/b", method: "POST") == .noRoute)
    }

    @Test func aThousandRoutesAreDistinguished() {
        var rules: [RouteRule] = []
        for i in 0..<1000 { rules.append(.prefix("/service/\(i)", host: "h\(i % 7).example")) }
        var router = Router(rules)
        for i in 0..<1000 {
            #expect(router.ask("/service/\(i)/x", host: "h\(i % 7).example") == .route(i))
            #expect(router.ask("/service/\(i)/x", host: "h\((i + 1) % 7).example") == .noRoute)
        }
    }

    @Test func aCostlyPatternIsGivenUp() throws {
        var router = Router([try .pattern("/(a|aa)+[bc]"), .prefix("/")])
        #expect(router.ask("/" + String(repeating: "a", count: 3000)) == .tooCostly)
        #expect(router.ask("/aab") == .route(0))
        #expect(router.ask("/x") == .route(1))
    }

    @Test func patternsThatAreNoneSayWhere() {
        #expect(throws: PathPattern.Invalid.self) { try PathPattern("/a(b") }
        do { _ = try PathPattern("/a[z-a]") } catch { #expect(error.offset > 3 && error.reason.contains("range")) }
        #expect(throws: PathPattern.Invalid.self) { try PathPattern(#"\C"#) }
        #expect(throws: PathPattern.Invalid.self) { try PathPattern("(*UTF)/a") }
    }
}
