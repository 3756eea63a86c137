import Testing

@testable import Configuration
@testable import Proxy

/// The proxy's own answers: for whom, in which form, and that nothing in them breaks the form.
@Suite struct ErrorResponseTests {
    private func response(
        _ status: Int = 502, _ detail: String = "no answer", id: String = "abc", form: ErrorResponse.Form = .text,
        _ change: (inout ErrorResponse) -> Void = { _ in }
    ) -> ErrorResponse {
        var response = ErrorResponse(
            status: status, detail: detail, requestID: id, form: form, closes: false, isHTTP10: false, omitsBody: false,
            date: "Fri, 27 Nov 2026 23:00:00 GMT")
        change(&response)
        return response
    }

    private func text(_ response: ErrorResponse) -> String { String(decoding: response.bytes, as: UTF8.self) }

    private func body(_ response: ErrorResponse) -> String {
        String(decoding: response.bytes.dropFirst(ErrorResponse.headCount(response.bytes)), as: UTF8.self)
    }

    @Test func wholeAnswers() {
        #expect(
            text(response()) == """
                HTTP/1.1 502 Bad Gateway\r
                Date: Fri, 27 Nov 2026 23:00:00 GMT\r
                Content-Type: text/plain; charset=utf-8\r
                Content-Length: 42\r
                Cache-Control: no-store\r
                X-Request-Id: abc\r
                \r
                502 Bad Gateway\nno answer\nrequest id: abc\n
                """)
        #expect(
            body(response(form: .json))
                == "{\"status\":502,\"error\":\"Bad Gateway\",\"detail\":\"no answer\",\"request_id\":\"abc\"}\n")
        #expect(
            body(response(404, form: .html))
                == "<!doctype html><title>404 Not Found</title><h1>404 Not Found</h1><p>no answer</p>"
                + "<p>request id: <code>abc</code></p>\n")
    }

    /// What the client is told of its connection.
    @Test(arguments: [
        (false, false, ""), (true, false, "Connection: close\r\n"), (false, true, "Connection: keep-alive\r\n"),
        (true, true, "Connection: close\r\n"),
    ])
    func connections(_ closes: Bool, _ isHTTP10: Bool, _ line: String) {
        let head = text(response { ($0.closes, $0.isHTTP10, $0.fields) = (closes, isHTTP10, "Allow: GET\r\n") })
        #expect(head.contains("X-Request-Id: abc\r\nAllow: GET\r\n\(line)\r\n"))
    }

    /// What a route takes out or sets stands in the place of our own; the length and the id stay.
    @Test func aRoutesFieldsWin() {
        var changes = Settings.Route.HeaderChanges()
        changes.set = [.init(name: "Cache-Control", value: "max-age=60"), .init(name: "A", value: "1")]
        changes.remove = ["DATE", "Via"]
        let head = text(response(302) { ($0.changes, $0.fields) = (FieldChanges(changes), "Location: /\r\n") })
        #expect(
            head.hasPrefix(
                "HTTP/1.1 302 Found\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 36\r\nX-Request-Id: abc\r\n"
                    + "Location: /\r\nCache-Control: max-age=60\r\nA: 1\r\n\r\n"))
    }

    @Test func anAnswerToHEADHasTheLengthAlone() {
        let (whole, head) = (response().bytes, response { $0.omitsBody = true }.bytes)
        #expect(whole.starts(with: head) && head.count == ErrorResponse.headCount(whole))
        #expect(ErrorResponse.headCount(head) == head.count)
    }

    @Test(arguments: [
        (301, "Moved Permanently"), (302, "Found"), (303, "See Other"), (307, "Temporary Redirect"),
        (308, "Permanent Redirect"), (400, "Bad Request"), (404, "Not Found"), (405, "Method Not Allowed"),
        (408, "Request Timeout"), (413, "Content Too Large"), (414, "URI Too Long"),
        (431, "Request Header Fields Too Large"), (501, "Not Implemented"), (502, "Bad Gateway"),
        (503, "Service Unavailable"), (504, "Gateway Timeout"), (505, "HTTP Version Not Supported"), (418, "Error"),
    ])
    func reasons(_ status: Int, _ reason: String) {
        #expect(text(response(status)).hasPrefix("HTTP/1.1 \(status) \(reason)\r\n"))
    }

    // MARK: What is put into a form stays text

    /// Ids and targets are a client's or a proxy's: quotes, control characters, and marks that join the character before.
    @Test(arguments: [
        ("a\"b", "a\\\"b", "a&quot;b"), ("a\\b", "a\\\\b", "a\\b"), ("<b>&", "<b>&", "&lt;b>&amp;"),
        ("a\tb", "a\\u0009b", "a\tb"), ("a\u{1f}b", "a\\u001fb", "a\u{1f}b"), ("é€", "é€", "é€"),
        ("\"\u{301}", "\\\"\u{301}", "&quot;\u{301}"), ("\\\u{338}", "\\\\\u{338}", "\\\u{338}"),
        ("<\u{200d}b", "<\u{200d}b", "&lt;\u{200d}b"), ("\u{7f}", "\u{7f}", "\u{7f}"),
    ])
    func escaping(_ text: String, _ json: String, _ html: String) {
        #expect(
            body(response(302, text, id: text, form: .json))
                == "{\"status\":302,\"error\":\"Found\",\"detail\":\"\(json)\",\"request_id\":\"\(json)\"}\n")
        let page = body(response(302, text, id: text, form: .html))
        #expect(page.hasSuffix("<p>\(html)</p><p>request id: <code>\(html)</code></p>\n"))
        #expect(body(response(302, text, id: text)) == "302 Found\n\(text)\nrequest id: \(text)\n")
    }

    @Test func aPageOfTheConfigurationIsFilled() {
        let pieces: [(text: [UInt8], gap: ErrorPages.Gap?)] = [
            (Array("<b>".utf8), .status), (Array(" ".utf8), .reason), ([], .detail), (Array("/".utf8), .requestID),
            (Array("</b>".utf8), nil),
        ]
        func page(_ escaping: ErrorResponse.Form) -> ErrorPages.Page {
            ErrorPages.Page(status: 502, type: "text/x", pieces: pieces, escaping: escaping)
        }
        let filled = response(502, "<d\">", id: "i\"<") { $0.page = page(.html) }
        #expect(body(filled) == "<b>502 Bad Gateway&lt;d&quot;>/i&quot;&lt;</b>")
        #expect(text(filled).contains("\r\nContent-Type: text/x\r\nContent-Length: 46\r\n"))
        #expect(body(response(502, "<d\">", id: "i\"<") { $0.page = page(.json) }) == "<b>502 Bad Gateway<d\\\">/i\\\"<</b>")
        #expect(body(response(502, "<d\">", id: "i\"<") { $0.page = page(.text) }) == "<b>502 Bad Gateway<d\">/i\"<</b>")
    }

    // MARK: The form that the client likes best

    @Test(
        arguments: [
            ([], .text), (["Accept: text/html"], .html), (["ACCEPT: Application/XHTML+xml"], .html),
            (["Accept: application/json"], .json), (["Accept: application/problem+json"], .json),
            (["Accept: text/plain, application/json"], .text), (["Accept: application/json, text/plain"], .json),
            (["Accept: */*"], .text), (["Accept: text/*, application/json"], .text), (["Accept: image/png"], .text),
            // As browsers have it.
            (["Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"], .html),
            (["Accept: text/html;q=0.5, application/json;q=0.6"], .json),
            (["Accept: text/html;q=0.5, application/json;q=0.5"], .html),
            (["Accept: text/html;level=1 ; q=0.4,application/json;q=0.5"], .json),
            (["Accept: application/json;q=0, */*;q=0.1"], .text), (["Accept: application/json;q=0"], .text),
            (["Accept: text/html;q=2, application/json;q=0.1"], .json),
            (["Accept: text/html;q=nan, application/json;q=0.1"], .json),
            (["Accept: text/html;q=, application/json;q=0.001"], .json), (["Accept: text/html;q=0.0001"], .text),
            (["Accept: text/html;q=0.2", "Accept: application/json;q=0.7"], .json),
            (["X-Accept: application/json", "Acceptable: application/json"], .text), (["Accept:"], .text),
            (["Accept: ,;,"], .text),
        ] as [([String], ErrorResponse.Form)])
    func form(_ lines: [String], _ expected: ErrorResponse.Form) {
        let head = Array((["GET / HTTP/1.1"] + lines + ["", ""]).joined(separator: "\r\n").utf8)
        #expect(head.withUnsafeBufferPointer { ErrorResponse.form($0) } == expected, "\(lines)")
    }

    @Test func aFieldOfAnyLengthIsRead() {
        let head = Array("GET / HTTP/1.1\r\nAccept: \(String(repeating: "a/b,", count: 5000))text/html\r\n\r\n".utf8)
        #expect(head.withUnsafeBufferPointer { ErrorResponse.form($0) } == .text, "no more than its beginning")
        #expect(ErrorResponse.form(UnsafeBufferPointer(start: nil, count: 0)) == .text)
    }
}
