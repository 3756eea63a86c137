extension Explanation {
    static let malformedMessage = Explanation(
        kind: .malformedMessage,
        title: "not HTTP where HTTP is due",
        summary: "Bytes came that are not HTTP where HTTP was due.",
        wire: [
            """
            A chunk size that is no number, a status line that is none, a field line that cannot be read, or a 101 Switching \
            Protocols that nobody asked for. From there on the rest of the connection cannot be read.
            """,
            """
            `evidence.reason` names the rule, the field and its line, and shows the first bytes of what is not HTTP at all. \
            `folded field line`, `white space before the colon`: a header block written by hand, or copied from an e-mail. \
            `control character`: a value from outside that nobody has checked. `a line that does not end in CRLF`: lines joined \
            with `\\n`. `no status line`: an HTML page, JSON or debug output on the raw socket. `a TLS alert`, `an HTTP/2 SETTINGS \
            frame`: `tls` or `protocol` of the upstream is not what its port speaks. `bad chunk size`: something was written past \
            `res` into its body. Over HTTP/2, `a field of HTTP/1's connections`: Connection or Transfer-Encoding was forwarded.
            """,
        ],
        causes: [
            "Debug output or a heartbeat written to `req.socket` while a chunked answer is under way.",
            "`res.writeHead(101)` in an ordinary handler: the client never asked for an upgrade.",
            "A server of another protocol on the configured port: TLS, HTTP/2, a database.",
            "Hand-written chunked encoding with a decimal size or a missing CRLF.",
            "`[...].join('\\n')` written to a socket: lines that end in LF alone. Such an answer is delivered, and recorded with severity `info`.",
        ],
        example: Example(
            outcome: "The client reads `debug: user 7` where a chunk size is due. All Node versions.",
            before: #"""
                const http = require('http');

                http.createServer((req, res) => {
                  res.write('hello ');
                  req.socket.write('debug: user 7\n');   // into the chunks
                  res.end('world');
                }).listen(3000);
                """#,
            after: #"""
                const http = require('http');

                http.createServer((req, res) => {
                  res.write('hello ');
                  console.error('debug: user 7');
                  res.end('world');
                }).listen(3000);
                """#),
        client: "A malformed header block gives the client 502; a malformed body aborts its answer.",
        practices: [
            "Write to `res`, log to stderr.",
            "Leave framing to Node: no chunk sizes, no status lines of your own.",
            "Answer an upgrade in the `upgrade` event only, and only when the request asked for it.",
            "Check the upstream's address, port, `protocol` and `tls` in the configuration.",
        ],
        policies: Policies(
            observe: "Recorded; 502 for a header block, an aborted answer for a body. The connection is closed.",
            contain: "The same, and proven double sends near it quarantine the server.",
            fail: "As `contain`."),
        benign: [
            "Chunk extensions, leading zeros and either case in chunk sizes, reads split at any byte.",
            "A 101 that the request asked for, and whatever is tunnelled after it.",
            "Empty reason phrases and unusual status codes.",
            "An answer larger than `limits.answer_header_bytes` or `answer_header_count`: 502, counted and logged.",
        ],
        related: [.bodyAfterEnd, .conflictingFraming, .headerBlockInBody])
}
