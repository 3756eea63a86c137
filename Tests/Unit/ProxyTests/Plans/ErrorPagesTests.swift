import Configuration
import Glibc
import Testing

@testable import Proxy

/// Pages for the proxy's own answers: how a file's gaps are found, and what cannot be used.
@Suite struct ErrorPagesTests {
    /// A file that goes with its owner.
    private final class File {
        let path: String

        init(_ bytes: [UInt8], _ suffix: String) throws {
            var template = Array("/tmp/error-pages-XXXXXX\(suffix)".utf8CString)
            let fd = mkstemps(&template, Int32(suffix.utf8.count))
            try #require(fd >= 0)
            path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            _ = write(fd, bytes, bytes.count)
            close(fd)
        }

        deinit { unlink(path) }
    }

    private func pages(_ status: Int, _ file: String) throws -> ErrorPages {
        let text = "upstreams: {app: {servers: [127.0.0.1:1]}}\nerror_pages: {\(status): \(file)}\n"
        return try ErrorPages(Settings.decode(Array(text.utf8), file: "a.yaml"))
    }

    /// Texts and gaps, a gap as `{name}`.
    private func pieces(_ page: ErrorPages.Page) -> String {
        page.pieces.map { "[" + String(decoding: $0.text, as: UTF8.self) + "]" + ($0.gap.map { "{\($0.rawValue)}" } ?? "") }
            .joined()
    }

    @Test(arguments: [
        ("", "[]"), ("plain", "[plain]"), ("{status}", "[]{status}[]"), ("a{reason}b", "[a]{reason}[b]"),
        ("{detail}{request_id}", "[]{detail}[]{request_id}[]"), ("{{status}}", "[{]{status}[}]"),
        ("{Status} {status } {stat", "[{Status} {status } {stat]"), ("{", "[{]"), ("{}", "[{}]"),
        ("é{status}€", "[é]{status}[€]"),
        ("{request}", "[{request}]"),
    ])
    func gaps(_ text: String, _ expected: String) throws {
        let file = try File(Array(text.utf8), ".html")
        let found = try pages(502, file.path)
        let page = try #require(found[502])
        #expect(pieces(page) == expected && found[503] == nil)
    }

    @Test(
        arguments: [
            (".html", "text/html; charset=utf-8", .html), (".htm", "text/html; charset=utf-8", .html),
            (".json", "application/json", .json), (".JSON", "application/json", .json),
            (".txt", "text/plain; charset=utf-8", .text),
            ("", "text/html; charset=utf-8", .html),
        ] as [(String, String, ErrorResponse.Form)])
    func types(_ suffix: String, _ type: String, _ escaping: ErrorResponse.Form) throws {
        let file = try File([0x61], suffix)
        let page = try #require(try pages(404, file.path)[404])
        #expect(page.type == type && page.escaping == escaping && page.status == 404)
    }

    @Test func theSizeIsBounded() throws {
        let most = try File([UInt8](repeating: 0x61, count: ErrorPages.fileBytesMax), ".txt")
        #expect(try pages(502, most.path)[502]?.pieces.first?.text.count == ErrorPages.fileBytesMax)
        let more = try File([UInt8](repeating: 0x61, count: ErrorPages.fileBytesMax + 1), ".txt")
        #expect(throws: Problems.self) { try pages(502, more.path) }
    }

    /// Every file that cannot be used is reported, each at its key.
    @Test func everyProblemIsReported() throws {
        let text = "upstreams: {app: {servers: [127.0.0.1:1]}}\nerror_pages:\n  502: /no/such\n  404: /no/other\n"
        let settings = try Settings.decode(Array(text.utf8), file: "a.yaml")
        do throws(Problems) {
            _ = try ErrorPages(settings)
            Issue.record("nothing was wrong")
        } catch {
            #expect(error.all.count == 2)
            #expect(error.all.allSatisfy { "\($0)".contains("/no/") && "\($0)".hasPrefix("a.yaml:") })
        }
    }

    @Test func withoutAnyThereIsNone() { #expect(ErrorPages()[502] == nil) }
}
