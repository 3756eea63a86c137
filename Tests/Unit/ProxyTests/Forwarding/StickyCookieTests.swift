import Testing
import Wire

@testable import Proxy

/// Which server a request's cookies name, and the line that names one.
@Suite struct StickyCookieTests {
    private static let servers = ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"]

    /// `sendonce-…=id` of a server.
    private static func pair(_ server: Int, upstream: String = "app", servers: [String] = servers) -> String {
        let cookie = StickyCookie(upstream: upstream, servers: servers)
        let line = String(decoding: cookie.line(server, isSecure: false), as: UTF8.self)
        return String(line.dropFirst("Set-Cookie: ".count).prefix { $0 != ";" })
    }

    private func server(_ lines: [String]) throws -> Int {
        let cookie = StickyCookie(upstream: "app", servers: Self.servers)
        return try ReadBlock.of(.request, ["GET / HTTP/1.1", "Host: a"] + lines) { cookie.server(namedIn: $0) }
    }

    @Test func theLineOfAServer() {
        let cookie = StickyCookie(upstream: "app", servers: Self.servers)
        for server in 0..<3 {
            let line = String(decoding: cookie.line(server, isSecure: false), as: UTF8.self)
            #expect(line == "Set-Cookie: \(Self.pair(server)); Path=/; HttpOnly; SameSite=Lax\r\n")
            let secure = String(decoding: cookie.line(server, isSecure: true), as: UTF8.self)
            #expect(secure == "Set-Cookie: \(Self.pair(server)); Path=/; HttpOnly; SameSite=Lax; Secure\r\n")
        }
        // `sendonce-` and eight digits, the equals sign and sixteen.
        #expect(Self.pair(0).utf8.count == 9 + 8 + 1 + StickyCookie.idCount)
        #expect(Set((0..<3).map { Self.pair($0) }).count == 3)
    }

    @Test(arguments: 0..<3)
    func theServerIsFoundAgain(_ server: Int) throws {
        let pair = Self.pair(server)
        for line in [
            "Cookie: \(pair)", "cookie: a=1; \(pair)", "Cookie: \(pair); a=1", "COOKIE:a=1;\(pair);b=2",
            "Cookie: a=1;\t \(pair)",
            "Cookie: ;; \(pair)",
        ] {
            #expect(try self.server([line]) == server, "\(line)")
        }
        #expect(try self.server(["Cookie: a=1", "X: y", "Cookie: \(pair)"]) == server)
    }

    static let strangers: [(String, [String])] = [
        ("no cookie", []), ("another's cookie", ["Cookie: a=1; sendonce=2"]),
        ("another field", ["Cookies: \(pair(0))", "X-Cookie: \(pair(0))"]),
        ("an id cut short", ["Cookie: \(pair(0).dropLast())"]),
        ("an id of nobody", ["Cookie: \(pair(0).dropLast(16))0000000000000000"]),
        ("a name that ends so", ["Cookie: x\(pair(0))"]), ("a value that holds it", ["Cookie: a=\(pair(0))"]),
        ("another upstream's", ["Cookie: \(pair(0, upstream: "shop"))"]), ("in capitals", ["Cookie: \(pair(0).uppercased())"]),
    ]

    @Test(arguments: strangers)
    func nobodyIsFound(_ name: String, _ lines: [String]) throws { #expect(try server(lines) == -1, "\(name)") }

    /// The first that names a server of this upstream counts.
    @Test func oneOfSeveral() throws {
        #expect(try server(["Cookie: \(Self.pair(2)); \(Self.pair(1))"]) == 2)
        let unknown = "\(Self.pair(0).dropLast(16))0000000000000000"
        #expect(try server(["Cookie: \(unknown); \(Self.pair(1))"]) == 1)
    }

    /// A restart, another proxy, and another order of the servers leave clients where they are.
    @Test func anIdIsTheServersOwn() {
        let turned = ["10.0.0.3:80", "10.0.0.4:80", "10.0.0.1:80"]
        #expect(Self.pair(0) == Self.pair(2, servers: turned))
        #expect(Self.pair(2) == Self.pair(0, servers: turned))
        #expect(Self.pair(0) != Self.pair(0, upstream: "shop"))
        #expect(!Self.pair(0).contains("10.0"), "it reveals no address")
    }
}
