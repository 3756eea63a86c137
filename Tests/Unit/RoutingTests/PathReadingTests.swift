import Testing

@testable import Routing

/// A path that servers read differently must not get round a route.
@Suite struct PathReadingTests {
    static func read(_ path: String, _ kind: PathReading) -> String {
        let bytes = Array(path.utf8)
        var doubts = PathReading.Doubts()
        let read = [UInt8](unsafeUninitializedCapacity: bytes.count + 1) { out, count in
            count = bytes.withUnsafeBufferPointer { kind.write($0, to: out.baseAddress!, doubts: &doubts) }
        }
        return String(decoding: read, as: UTF8.self)
    }

    @Test(arguments: [
        ("/a/b", "/a/b", "/a/b", "/a/b"),
        ("/%61%2fb", "/a%2Fb", "/a%2Fb", "/a/b"),
        ("//a///b//", "/a/b/", "/a/b/", "/a/b/"),
        ("/a/../b", "/a/../b", "/b", "/b"),
        ("/a/./b/.", "/a/./b/.", "/a/b/", "/a/b/"),
        ("/a/b/..", "/a/b/..", "/a/", "/a/"),
        ("/../../a", "/../../a", "/a", "/a"),
        ("/a/%2e%2E/b", "/a/../b", "/b", "/b"),
        ("/a/.%2e/b", "/a/../b", "/b", "/b"),
        ("/a%2f..%2fb", "/a%2F..%2Fb", "/a%2F..%2Fb", "/b"),
        (#"/a\..\b"#, #"/a\..\b"#, #"/a\..\b"#, "/b"),
        ("/a%5c..%5cb", "/a%5C..%5Cb", "/a%5C..%5Cb", "/b"),
        ("/a/...", "/a/...", "/a/...", "/a/..."),
        ("/a/..b/.c", "/a/..b/.c", "/a/..b/.c", "/a/..b/.c"),
        ("/a%252fb", "/a%252fb", "/a%252fb", "/a%252fb"),
        ("/a%zz%2", "/a%zz%2", "/a%zz%2", "/a%zz%2"),
        ("/caf%C3%A9", "/café", "/café", "/café"),
        ("/", "/", "/", "/"),
        ("/..", "/..", "/", "/"),
        ("/a;x/b", "/a;x/b", "/a;x/b", "/a;x/b"),
        (#"\a"#, "/a", "/a", "/a"),
    ])
    func readings(path: String, literal: String, resolved: String, folded: String) {
        #expect(Self.read(path, .literal) == literal)
        #expect(Self.read(path, .resolved) == resolved)
        #expect(Self.read(path, .folded) == folded)
    }

    @Test(arguments: [
        ("/a;x=1/b", "/a/b"), ("/a;x", "/a"), ("/;x/a", "/a"), ("/a/..;x/b", "/b"), ("/a;/../b", "/b"), ("/a%3bx", "/a;x"),
        ("/a;x;y/;/b", "/a/b"), ("/a/b;x%2fc", "/a/b"),
    ])
    func withoutParameters(path: String, read: String) {
        #expect(Self.read(path, [.resolves, .strips]) == read)
    }

    /// As URL parsers remove dot segments: an empty one is one of those that `..` removes.
    @Test(arguments: [
        ("/admin//../y", "/admin/y"), ("/a//b/../c", "/a/c"), ("/a///../..//b", "/a/b"), ("/x/a/../../b", "/b"),
        ("//../a", "/a"), ("/a/.//../b", "/a/b"), ("/a/b/..", "/a/"), ("//", "/"),
    ])
    func withEmptySegments(path: String, read: String) {
        #expect(Self.read(path, [.resolves, .countsEmpty]) == read)
    }

    /// Some read a host between two slashes at the front and the next: what they come to must not be another's route.
    @Test func slashesAtTheFront() {
        var router = Router([.prefix("/"), .prefix("/admin"), .prefix("/api")])
        for path in [
            "//x/admin", "///x/admin", "//x//admin", "//x/y/../admin", "//x/%2e%2e/admin", #"/\x/admin"#, #"//x\admin"#,
            "//x:80/admin?a", "//x/admin;y", "//api/admin", #"/\admin"#, "//x/..%2fadmin",
        ] {
            #expect(router.ask(path) == .ambiguous, "\(path)")
        }
        // A slash too many before a route's own path: it goes on with one.
        for (path, route, excess) in [
            ("//api/x", 2, 1), ("///api/x", 2, 2), ("//admin", 1, 1), ("//x/y", 0, 0), ("//", 0, 0), ("/x//y", 0, 0),
            ("//api/api/x", 2, 0), ("/api//x", 2, 0),
        ] {
            #expect(router.ask(path) == .route(route) && router.excess == excess, "\(path)")
        }
        var plain = Router([.prefix("/api")])
        #expect(plain.ask("//api/x") == .route(0) && plain.excess == 1)
        #expect(plain.ask("//x/api") == .ambiguous)
    }

    @Test func noSpellingGetsRoundARoute() {
        var router = Router([.prefix("/"), .prefix("/admin"), .prefix("/public")])
        for path in ["/admin", "/%61dmin", "//admin", "/admin//x", "/admin/%2e", "///%61dmin/x", "/admin/x/../y", "/admin%3Fx"]
        {
            #expect(router.ask(path) == .route(path == "/admin%3Fx" ? 0 : 1), "\(path)")
        }
        for path in [
            "/public/../admin", "/public/%2e%2e/admin", "/public/.%2E/admin/x", "/public%2f..%2fadmin", "/admin/../public",
            "/admin%2fx",
            "/./admin", #"/public\..\admin"#, #"/\admin"#, "/admin/..", "/public/..%2fadmin", "/x/..//admin", "/%2e/admin",
            "/admin%5cx", "/admin;x", "/;/admin", "/public;x/../admin", "/public/..;/admin", "/admin;x/y", "/./admin//../y",
            // Some undo encoded slashes, or leave out parameters, and let dots be.
            "/admin%2f..%2fx", "/admin%2f../x", "/admin%2F.%2F..%2Fx", "/admin%2fa%2f..%2f..%2fx", "/admin;x/../y",
        ] {
            #expect(router.ask(path) == .ambiguous, "\(path)")
        }
        // Nothing is in doubt where every reading leads to the same place.
        for path in [
            "/public/a;b/c", "/public/;", "/x;admin", "/public/a/../b", "/public/group%2Fproject", "/public/.well-known",
            "/public/a%20b", "/x/%2e%2e/y",
        ] {
            #expect(router.ask(path) == .route(path.hasPrefix("/public") ? 2 : 0), "\(path)")
        }
    }

    @Test func routesMayBeWrittenEitherWay() {
        var router = Router([.exact("/caf%C3%A9"), .prefix("/a b"), .prefix("/")])
        #expect(router.ask("/café") == .route(0))
        #expect(router.ask("/caf%c3%a9") == .route(0))
        #expect(router.ask("/a%20b/c") == .route(1))
    }

    /// Whatever the bytes, a reading is no longer than its path, and nothing traps.
    @Test func randomPaths() {
        var router = Router([.prefix("/"), .prefix("/a"), .exact("/a/b"), .prefix("/%2e", host: "*.example")])
        var seed: UInt64 = 0x5eed
        func next() -> UInt64 {
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return seed >> 33
        }
        let alphabet = Array("/./%2ef5cab\\?*%00;".utf8) + [0, 0x80, 0xff]
        for _ in 0..<20_000 {
            var path: [UInt8] = [0x2f]
            for _ in 0..<(next() % 24) { path.append(alphabet[Int(next() % UInt64(alphabet.count))]) }
            var doubts = PathReading.Doubts()
            for kind in (UInt8(0)..<16).map(PathReading.init(rawValue:)) {
                let count = path.withUnsafeBufferPointer { bytes in
                    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: bytes.count) { out in
                        kind.write(bytes, to: out.baseAddress!, doubts: &doubts)
                    }
                }
                #expect((1...path.count).contains(count))
            }
            _ = router.ask(String(decoding: path.map { $0 & 0x7f }, as: UTF8.self))
        }
    }
}
