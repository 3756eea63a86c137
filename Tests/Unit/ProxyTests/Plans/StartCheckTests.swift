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

    /// What is in the way of captures, the probe's socket and the logs, whoever looks.
    @Test(arguments: [
        ("incidents: {capture: {path: FOLDER/none/c}}", "FOLDER/none/c: No such file or directory"),
        ("incidents: {capture: {path: FOLDER/file}}", "FOLDER/file: it is not a folder"),
        ("incidents: {capture: {path: FOLDER/link}}", "FOLDER/link: No such file or directory"),
        ("incidents: {capture: {path: /proc/c}}", "no file can be made in /proc"),
        ("probe: {socket: FOLDER/none/p.sock}", "p.sock: No such file or directory"),
        ("probe: {socket: FOLDER/file}", "the file exists and is no socket"),
        ("probe: {socket: FOLDER/file/p.sock}", "p.sock: Not a directory"),
        ("probe: {socket: /tmp/LONG}", "LONG"),
        ("incidents: {path: FOLDER/link}", "FOLDER/link: No such file or directory"),
        ("access_log: {path: FOLDER/loop}", "FOLDER/loop: Too many levels of symbolic links"),
        ("access_log: {path: /proc/none}", "no file can be made in /proc"),
        ("error_pages: {502: FOLDER/fifo}", "FOLDER/fifo: is not a regular file"),
        ("listeners: [{address: ':0', tls: {certificate: FOLDER/fifo, key: FOLDER/fifo}}]", "fifo: is not a regular file"),
    ])
    func obstaclesToFiles(_ text: String, _ expected: String) throws {
        let folder = try Folder()
        func named(_ text: String) -> String {
            text.replacing("FOLDER", with: folder.path).replacing("LONG", with: String(repeating: "x", count: 150))
        }
        let found = try problems(Self.upstream + named(text) + "\n")
        #expect(!found.isEmpty && found.allSatisfy { $0.hasPrefix("a.yaml:2:") && $0.contains(named(expected)) }, "\(found)")
    }

    /// What a start would make is no obstacle, and is not made.
    @Test func whatAStartMakes() throws {
        let folder = try Folder()
        symlink("new.jsonl", folder.path + "/good")
        let text = """
            incidents: {path: \(folder.path)/good, capture: {path: \(folder.path)/captures/}}
            probe: {socket: \(folder.path)/p.sock}

            """
        #expect(try problems(Self.upstream + text) == [])
        for name in ["new.jsonl", "captures", "p.sock"] { #expect(access("\(folder.path)/\(name)", F_OK) != 0) }
    }

    /// A folder with a file, a FIFO, a link that leads nowhere and one that leads to itself.
    private final class Folder {
        let path: String

        init() throws {
            var template = Array("/tmp/start-check-XXXXXX".utf8CString)
            try #require(mkdtemp(&template) != nil)
            path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            close(open(path + "/file", O_WRONLY | O_CREAT, 0o600))
            mkfifo(path + "/fifo", 0o600)
            symlink("nowhere/deep", path + "/link")
            symlink("loop", path + "/loop")
        }

        deinit {
            for name in ["file", "fifo", "link", "loop", "good"] { unlink("\(path)/\(name)") }
            rmdir(path)
        }
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
