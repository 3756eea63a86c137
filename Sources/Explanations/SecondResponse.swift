extension Explanation {
    static let secondResponse = Explanation(
        kind: .secondResponse,
        title: "a second answer where none is due any more",
        summary: "A whole header block came after the answer had ended.",
        wire: [
            """
            The answer had ended: its Content-Length was reached, its last chunk was read, or its stream was closed. Then \
            another header block came, such as `HTTP/1.1 500 Internal Server Error`: in the same read, later on the idle \
            connection, or in front of the answer to the next request. `evidence.phase` says which.
            """,
            """
            It is always proven. One request is owed one final answer, so there is no other way to read the bytes. \
            `surplus_bytes` counts the whole second answer, header block and body.
            """,
            """
            Whose it is shows only where the connection has served one exchange (`attribution` is `certain`). Else the second \
            answer may have come late, met the next request, and shifted every answer after it by one. The record then has \
            `candidates`, the connection's last exchanges, the likeliest first, each with its reason and its share: how long \
            after its answer it came (a timer's round number counts), what such requests are usually answered with and after \
            how long, and who was suspected before. `request`, `route` and the metric are those of the first; `likely` means \
            that its share is at least three quarters, `open` that it is less.
            """,
        ],
        causes: [
            """
            Code that answers on the raw socket (`req.socket.write('HTTP/1.1 503 ...')`) beside `res`: timeout and \
            shutdown code, long-poll hubs, WebSocket fallbacks. Node does not guard the socket.
            """,
            """
            `new http.ServerResponse(req)` with `assignSocket(req.socket)` for a request that has been answered: test \
            doubles and framework adapters.
            """,
            """
            Resetting Node's internals so that a response can be sent again: `res._header = null`, \
            `res._headerSent = false`, `res.finished = false`.
            """,
            "`writeHead` and `flushHeaders` right after `end`, in the same tick, on Node 18 and older.",
            """
            A header value from outside that carries a line break through `res.writeEarlyHints` on Node versions that \
            do not check it (seen on 18.20 to 24.14, not on 24.19): the injected text can be a whole answer.
            """,
            """
            Ordinary double sends (`res.send` twice, `res.end` twice) are not on this list: Node refuses or swallows \
            those. See `hangup_after_end` and `application_double_send`.
            """,
        ],
        example: Example(
            outcome: """
                The client reads `200 report`, and 30 ms later an unasked `503 timeout` arrives on the idle connection. All \
                Node versions.
                """,
            before: #"""
                const http = require('http');

                http.createServer((req, res) => {
                  setTimeout(() => req.socket.write(        // never cancelled
                    'HTTP/1.1 503 Service Unavailable\r\n' +
                    'Content-Length: 7\r\n\r\ntimeout'), 50);
                  setTimeout(() => res.end('report'), 20);  // the work
                }).listen(3000);
                """#,
            after: #"""
                const http = require('http');

                http.createServer((req, res) => {
                  const timer = setTimeout(() => {
                    res.writeHead(503);
                    res.end('timeout');
                  }, 50);
                  res.on('close', () => clearTimeout(timer));
                  setTimeout(() => {
                    if (!res.headersSent) res.end('report');
                  }, 20);
                }).listen(3000);
                """#),
        client: """
            The client of this exchange has its whole first answer and notices nothing. Whoever uses the connection next \
            is in danger: a proxy that reuses it hands the second answer, cookies included, to another client. That is \
            `misdelivered_response`.
            """,
        practices: [
            "Answer through `res` only. Treat `req.socket` as read-only in request code.",
            "Let one function own the response: it alone decides between result, error and timeout, and sends once.",
            "Cancel timers and listeners on the response's `close` event.",
            "Never touch `res._header`, `res.finished` or other internals to send again.",
        ],
        policies: Policies(
            observe: "Recorded. The first answer has been delivered; the second belongs to no request.",
            contain: """
                Recorded, the upstream connection is closed, and its server is quarantined: for a while each of its \
                connections serves one exchange only. No byte of the second answer reaches any client.
                """,
            fail: """
                As `contain`. When the second answer came in the same read and the first has not been sent yet, the \
                client gets 502 instead of it; an answer that was under way is aborted.
                """),
        benign: [
            "Answers to pipelined requests: each has its own request.",
            "Interim answers (100, 102, 103) before the final one.",
            "A 408 that the upstream sends on an idle connection before it closes it: Node's own timeout.",
            "A 101 followed by tunnelled bytes, whatever they spell.",
        ],
        related: [.misdeliveredResponse, .headerBlockInBody, .bodyAfterEnd])
}
