extension Explanation {
    static let lateInterim = Explanation(
        kind: .lateInterim,
        title: "an interim answer after the final header block",
        summary: "A 1xx came after the final header block had gone out.",
        wire: [
            """
            Interim answers (100 Continue, 102 Processing, 103 Early Hints) announce a final one and must come before its \
            header block. Here one came later: where a chunk size belongs, inside a Content-Length body, or after the \
            end of the answer.
            """
        ],
        causes: [
            """
            `res.writeProcessing()`, `res.writeEarlyHints()` or `res.writeContinue()` after the header block was flushed, up \
            to Node 24.14: a progress timer that goes on after the first `res.write`, or early hints sent by a middleware \
            that runs after the route. Node 24.19 throws instead.
            """,
            "The same in the very tick of `res.end()`: the interim follows the complete answer.",
            """
            Not a cause: the same call 10 ms after the end. The response has been detached from its connection by then, \
            and Node swallows it.
            """,
        ],
        example: Example(
            outcome: """
                The client reads `HTTP/1.1 102 Processing` between two chunks and gives up with a bad chunk size. Node 14 to \
                24.14; Node 24.19 throws.
                """,
            before: #"""
                const http = require('http');

                http.createServer((req, res) => {
                  res.write('first part, ');
                  setTimeout(() => {
                    res.writeProcessing();        // the 200 has gone out
                    res.end('second part');
                  }, 20);
                }).listen(3000);
                """#,
            after: #"""
                const http = require('http');

                http.createServer((req, res) => {
                  res.writeProcessing();
                  setTimeout(() => {
                    res.write('first part, ');
                    res.end('second part');
                  }, 20);
                }).listen(3000);
                """#),
        client: """
            Directly behind the upstream a chunked answer breaks for most clients. In a Content-Length body the interim is \
            taken for body bytes, and as many of the body's own last bytes stick out behind it.
            """,
        practices: [
            "Send interim answers before `writeHead`, `write` and `flushHeaders`, and nowhere else.",
            "Guard progress timers: `if (!res.headersSent) res.writeProcessing(); else clearInterval(timer)`.",
            "Leave 100 Continue to Node unless you listen for `checkContinue`.",
        ],
        policies: Policies(
            observe: """
                Recorded. In a chunked body the interim is taken out and the answer goes on: the client gets it whole.
                """,
            contain: "The same for the client; the upstream connection is closed after it and its server quarantined.",
            fail: "The answer under way is aborted, or becomes a 502 when none of it has been sent."),
        benign: [
            "Any number of interim answers before the final header block, also a doubled 100 Continue.",
            "An interim written after `writeHead` but before the first flush: on the wire it stands in front.",
            "101 Switching Protocols for a request that asked for it: that is a final answer.",
        ],
        related: [.headerBlockInBody, .secondResponse, .bodyAfterEnd])
}
