import Configuration
import Glibc
import Testing

@testable import Proxy

/// What a start would stumble over, reported before it: each at its place in the file, and nothing is left behind.
@Suite struct StartCheckTests {
    private func problems(_ text: String) throws -> [String] {
        let settings = try Settings.decode(Array(text.utf8), file: "a.yaml")
        return StartCheck(settings).problems.map { "\($0)" }
    }

    private static let upstream = "upstreams: {app: {servers: [127.0.0.1:3000]}}\n"

    @Test func nothingIsWrong() throws {
        #expect(try problems(Self.upstream + "listeners: [{address: '127.0.0.1:0'}]\nadmin: {address: '127.0.0.1:0'}\n") == [])
    }

    /// Whoever listens there now may be the proxy that runs.
    @Test func aPortThatIsTakenIsNoProblem() throws {
        var none: [NamedDescriptor] = []
        let sockets = try ListeningSockets.open([.tcp(host: "127.0.0.1", port: 0)], workers: 1, inherited: &none)
        defer { sockets.close() }
        #expect(try problems(Self.upstream + "listeners: [{address: '\(sockets.addresses[0])'}]\n") == [])
    }

    @Test(arguments: [
        ("listeners: [{address: '127.0.0.1:0'}, {address: 'unix:/no/such/folder/s.sock'}]", "cannot listen on unix:/no/such"),
        ("listeners: [{address: 'unix:/etc/hostname'}]", "the file exists and is no socket"),
        ("admin: {address: '192.0.2.77:9'}", "cannot listen on 192.0.2.77:9"),
        ("incidents: {path: /no/such/folder/incidents.jsonl}", "cannot open incident log /no/such"),
        ("access_log: {path: /no/such/folder/access.log}", "cannot open access log /no/such"),
        ("error_pages: {502: /no/such/page.html}", "/no/such/page.html"),
        ("listeners: [{address: ':0', tls: {certificate: /no/such.pem, key: /no/such.key}}]", "/no/such"),
    ])
    func obstacles(_ text: String, _ expected: String) throws {
        let found = try problems(Self.upstream + text + "\n")
        #expect(!found.isEmpty && found.contains { $0.contains(expected) }, "\(found)")
        #expect(found.allSatisfy { $0.hasPrefix("a.yaml:2:") }, "each has its line")
    }

    /// All are reported at once.
    @Test func everyProblem() throws {
        let text = """
            upstreams: {app: {servers: [no.such.host.invalid:80, 127.0.0.1:1]}}
            listeners: [{address: 'unix:/no/such/folder/s.sock'}]
            incidents: {path: /no/such/i.jsonl}
            access_log: {path: /no/such/a.log}
            error_pages: {404: /no/such/p.html}

            """
        #expect(try problems(text).count == 5)
    }
}
