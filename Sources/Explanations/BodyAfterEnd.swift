extension Explanation {
    static let bodyAfterEnd = Explanation(
        kind: .bodyAfterEnd,
        title: "bytes after the end of the answer",
        summary: "Bytes that are no header block came after the answer had ended.",
        wire: [
            """
            More came than was promised: bytes past Content-Length, after the last chunk, behind an answer that has no body \
            (HEAD, 204, 304), or HTTP/2 DATA after END_STREAM or past content-length. `surplus_bytes` is their exact \
            number.
            """,
            """
            When they arrive only after the next request was sent, they stand in front of its answer. They are still the \
            fault of the previous exchange and are attributed to it, with phase `next_exchange`. A surplus of nothing \
            but CR and LF is recorded with severity `info`.
            """,
        ],
        causes: [
            """
            Content-Length computed from a string's length: `text.length` counts UTF-16 units, the wire counts bytes. Every \
            non-ASCII character makes it too short. The most common cause by far.
            """,
            "A body changed after its length was set: a template, a minifier, an appended line break, a wrong range.",
            """
            Two writers on one response: two `pipe`s, or a proxied answer piped into a response that had already sent its \
            own declared length.
            """,
            "`res.finished = false` and `res.end()` again: a second body without a header block.",
            "`req.socket.write('debug')`, or a body written to the socket on a 304 or HEAD.",
            """
            Node checks none of this by default: `strictContentLength` is off. A late write lands on the idle \
            connection, or in front of the next answer.
            """,
        ],
        example: Example(
            outcome: """
                The client reads 11 bytes, and the last two bytes of the text stay behind on the connection. All Node \
                versions.
                """,
            before: #"""
                const http = require('http');

                http.createServer((req, res) => {
                  const text = 'h\u00e9llo w\u00f6rld';
                  res.writeHead(200, { 'Content-Length': text.length });
                  res.end(text);                       // 13 bytes, 11 declared
                }).listen(3000);
                """#,
            after: #"""
                const http = require('http');

                http.createServer((req, res) => {
                  const text = 'h\u00e9llo w\u00f6rld';
                  res.writeHead(200, { 'Content-Length': Buffer.byteLength(text) });
                  res.end(text);
                }).listen(3000);
                """#),
        client: """
            The answer looks complete but lacks its last bytes. On a reused connection the surplus is read as the start of \
            the next answer, and an innocent request fails with a parse error.
            """,
        practices: [
            "Do not set Content-Length by hand. `res.end(text)` alone lets Node count; `res.send` of Express counts bytes.",
            "When you must, use `Buffer.byteLength(text)` or send a Buffer and its `length`.",
            """
            Turn the check on in tests: `res.strictContentLength = true` throws ERR_HTTP_CONTENT_LENGTH_MISMATCH (Node \
            16.18, 18.10 and newer).
            """,
            "One writer for one response: never two `pipe`s, never your own writes beside a proxy's.",
        ],
        policies: Policies(
            observe: "Recorded. The client gets exactly the declared bytes.",
            contain: """
                Recorded; the client gets exactly the declared bytes, the upstream connection is closed and its server \
                quarantined.
                """,
            fail: """
                As `contain`; the client gets 502 when its answer has not been sent yet, and an aborted one when it was \
                under way.
                """),
        benign: [
            "HEAD, 204 and 304 with a Content-Length and no body.",
            "A body that ends with the connection: it has no other end to go past.",
            "Trailers, and bytes in a tunnel after 101.",
        ],
        related: [.secondResponse, .conflictingFraming, .truncatedResponse])
}
