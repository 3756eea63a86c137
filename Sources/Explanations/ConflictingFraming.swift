extension Explanation {
    static let conflictingFraming = Explanation(
        kind: .conflictingFraming,
        title: "the header block contradicts itself about the body's end",
        summary: "The fields that say where the body ends contradict each other.",
        wire: [
            """
            Content-Length beside Transfer-Encoding, Content-Lengths that differ, a Transfer-Encoding that does not end in \
            `chunked`, or a Transfer-Encoding on a 1xx or 204. Two recipients may find two different ends, which is how \
            request smuggling and response splitting work. `evidence.reason` says which, with the values. A Transfer-Encoding \
            that does not end in `chunked` is none where the answer closes its connection (RFC 9112 section 6.1).
            """
        ],
        causes: [
            """
            Forwarding an origin's fields with a body that was read into memory: `transfer-encoding: chunked` comes along, \
            and your own Content-Length joins it.
            """,
            "`res.setHeader('Transfer-Encoding', 'chunked')` by hand on a response whose length is set as well.",
            "Raw arrays with two Content-Lengths: Node writes them as they are.",
            "Compression middleware that forgets to remove the old Content-Length.",
        ],
        example: Example(
            outcome: """
                The client reads `transfer-encoding: chunked` and `Content-Length: 5` in one header block. All Node versions.
                """,
            before: #"""
                const http = require('http');

                http.createServer((req, res) => {
                  const origin = { headers: { 'transfer-encoding': 'chunked' } };
                  const body = Buffer.from('hello');      // read whole
                  res.writeHead(200, {
                    ...origin.headers,
                    'Content-Length': body.length,
                  });
                  res.end(body);
                }).listen(3000);
                """#,
            after: #"""
                const http = require('http');

                const hopByHop = new Set(['connection', 'keep-alive',
                  'transfer-encoding', 'upgrade', 'content-length']);
                http.createServer((req, res) => {
                  const origin = { headers: { 'transfer-encoding': 'chunked' } };
                  const body = Buffer.from('hello');
                  for (const [name, value] of Object.entries(origin.headers)) {
                    if (!hopByHop.has(name)) res.setHeader(name, value);
                  }
                  res.end(body);                          // Node counts
                }).listen(3000);
                """#),
        client: """
            Content-Length with chunked: SendOnce delivers the chunks and leaves the Content-Length out. Content-Lengths that \
            differ: nobody can say where the answer ends, so the client gets 502.
            """,
        practices: [
            "Never set Transfer-Encoding yourself. Node does it when there is no length.",
            "Remove hop-by-hop fields and Content-Length from what you forward.",
            "Whoever changes a body removes its Content-Length, ETag and Content-Range.",
        ],
        policies: Policies(
            observe: """
                Recorded. Content-Length with chunked is delivered by its chunks; differing Content-Lengths give 502. The \
                connection is not used again.
                """,
            contain: "The same; the upstream connection is closed.",
            fail: "The client gets 502."),
        benign: [
            "Equal Content-Lengths: no conflict, but a `duplicate_field`.",
            "HEAD, 204 and 304 with a Content-Length and no body.",
            "`Transfer-Encoding: gzip, chunked`.",
            "`Transfer-Encoding: gzip` with `Connection: close`: the connection's end ends the body. An empty `Transfer-Encoding` names no coding.",
        ],
        related: [.duplicateField, .bodyAfterEnd, .malformedMessage])
}
